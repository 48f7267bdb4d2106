"""Corpora of requests to a service."""
