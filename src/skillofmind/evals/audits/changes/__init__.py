"""What an audit changes about a dialogue, one kind of change a module."""
