"""Corpora about what is right to say."""
