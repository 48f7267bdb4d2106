"""Emotional support, motivational interviewing, and answers to people in distress."""
