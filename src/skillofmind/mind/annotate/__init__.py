"""Annotations by a teacher model: what it is asked, what it answered, and which answers are kept."""
