"""Where answers come from: a server of the same protocol, or a model in this process."""
