"""What an operator sees of a server: counters and log lines, never words of a conversation or keys."""
