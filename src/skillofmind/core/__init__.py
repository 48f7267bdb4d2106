"""Records, protocols, errors and ids that every room knows; imports nothing of the project."""
