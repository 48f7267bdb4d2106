"""Weights: from a folder or from nothing, with adapters or without, and out into a folder again."""
