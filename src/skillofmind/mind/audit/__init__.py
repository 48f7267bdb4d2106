"""Audits of an annotated corpus: schema, label agreement, copies, leaks, diversity, people, content."""
