"""Planners of a server, and what comes of asking one: a thought that an answer can always go on with."""
