"""Pictures in turns: as data, or written into the text in one of the two forms of the published corpora.

>>> image_of(Turn("Ana", "Look! [Sharing Image: a dog]"))
'a dog'
>>> spoken(Turn("Ana", "Look! [Sharing Image] a dog"))
'Look!'
"""

import re

from skillofmind.core.dialogue import Turn

_MARK = re.compile(r"\[Sharing Image\s*[:\]]", re.IGNORECASE)
_IMAGE = re.compile(r"\[Sharing Image\s*+(?::([^\]]*+)\]|\](.*+))\s*+$", re.IGNORECASE | re.DOTALL)


def image_of(turn: Turn) -> str | None:
    """Return the description of a picture shared in this turn, or `None`.

    Both written forms are understood: `[Sharing Image: a dog]` and `[Sharing Image] a dog`.
    """
    if turn.images:
        return turn.images[0].description
    found = _image_in(turn.text)
    return (found[1] or found[2] or "").strip() if found else None


def spoken(turn: Turn) -> str:
    """Return the words of a turn without the picture that ends it."""
    found = _image_in(turn.text)
    return (turn.text[: found.start()] if found else turn.text).strip()


def _image_in(text: str) -> re.Match[str] | None:
    # Only the last mark is tried, so that a text full of marks costs no more than its length.
    starts = [found.start() for found in _MARK.finditer(text)]
    return _IMAGE.match(text, starts[-1]) if starts else None
