"""Corpora about likes: what somebody is fond of, and what to recommend to them."""
