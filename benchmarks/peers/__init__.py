"""What the annotation benchmark runs in the environments of the peers; each file is a script of its own."""
