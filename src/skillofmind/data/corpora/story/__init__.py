"""Corpora whose dialogues grow out of a story: a narrative, episodes of an acquaintance, a life."""
