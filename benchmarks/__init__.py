"""Benchmarks, each of which prints one JSON object: `python -m benchmarks.NAME` from the repository root."""
