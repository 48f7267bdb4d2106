"""Scores of one answer and measures of many: skills, explanations, replies."""
