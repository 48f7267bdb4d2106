"""Ways to get text: OpenAI-compatible HTTP, local torch, scripted, retrieval; and wrappers."""
