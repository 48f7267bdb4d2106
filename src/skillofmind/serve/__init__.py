"""The server: an OpenAI-compatible endpoint that plans before it answers, and its playground."""
