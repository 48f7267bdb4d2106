"""Corpora about feelings and the answers to them."""
