"""One-to-one lessons."""
