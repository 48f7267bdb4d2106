"""From text to token rows: the model's own chat template, and which of its tokens are trained."""
