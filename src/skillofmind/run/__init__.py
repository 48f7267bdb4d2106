"""Durability: run directories, append-only logs, caches, budgets, retries, rate control, progress."""
