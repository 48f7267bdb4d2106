"""Audits: items asked again with one thing changed, and what that changes."""
