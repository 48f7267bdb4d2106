"""An OpenAI-compatible server that thinks about how to answer before it lets a model answer."""
