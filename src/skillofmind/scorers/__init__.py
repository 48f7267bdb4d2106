"""Measures over labels and texts: agreement between raters, overlap of words."""
