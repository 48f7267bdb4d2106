"""Dialogues made by rule, for tests and experiments in which the right answer is known."""
