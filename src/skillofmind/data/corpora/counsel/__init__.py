"""Corpora of counselling sessions."""
