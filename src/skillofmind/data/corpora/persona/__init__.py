"""Conversations of people, or programs, who were given a persona."""
