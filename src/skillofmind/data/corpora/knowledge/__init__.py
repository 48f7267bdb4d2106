"""Corpora about passing on what one knows."""
