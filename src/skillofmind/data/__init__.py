"""Dialogues in and out of files."""
