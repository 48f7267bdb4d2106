"""The page of `som playground`: its files, and what it is told of the server.

The source of the page is `playground/` at the root of the repository; `static/` is what `make playground`
built from it, so that a fresh clone and the wheel serve the page without Node.
"""
