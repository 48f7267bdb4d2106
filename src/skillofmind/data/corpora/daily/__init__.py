"""Everyday conversations, labelled by act, emotion and topic."""
