"""Corpora in which the sides want something of each other."""
