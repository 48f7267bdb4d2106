"""What is trained on, as arrays: token rows, their order, packing, and batches."""
