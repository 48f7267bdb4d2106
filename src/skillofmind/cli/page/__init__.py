"""Local web pages for people who decide something: one server, one look, for `som review` and `som study`."""
