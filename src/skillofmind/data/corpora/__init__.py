"""One small reader a corpus: its files as they were published, its social context, its human labels."""
