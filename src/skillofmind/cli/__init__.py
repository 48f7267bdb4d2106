"""The command `som`: one file per command; imports lazily."""
