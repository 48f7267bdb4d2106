"""Collections that put many corpora into one form."""
