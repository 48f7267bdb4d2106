"""What comes out of annotation: rows with provenance, the report, the dataset card, exports, review."""
