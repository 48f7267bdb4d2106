"""What a corpus has in common with itself and others: near-duplicates, runs of words, nearest neighbours."""
