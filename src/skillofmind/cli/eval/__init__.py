"""`som eval`: evaluate plans and replies; each subcommand is a file of this folder."""
