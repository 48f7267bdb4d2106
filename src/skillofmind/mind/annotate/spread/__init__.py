"""Annotation spread over many processes: a driver that deals rows, and workers that ask.

`dealing` says which rows go out and what comes of a loss, `asker` is what a worker does, `way` brings them
together, and `on_ray` starts workers on Ray. Only `on_ray` knows Ray.
"""
