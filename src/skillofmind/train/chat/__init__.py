"""From texts to token rows: the model's own template, what is trained, files of rows, a look at all."""
