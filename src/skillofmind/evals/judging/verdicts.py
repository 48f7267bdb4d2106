r"""What a judge wrote, read tolerantly and checked strictly: what is no verdict is missing, never guessed.

>>> read_pair('Thinking... ```json\n{"Empathy": "a", "safety": "maybe",}\n```', ["empathy", "safety"])
{'empathy': 'A', 'safety': None}
>>> read_rating('{"empathy": "4", "safety": 9}', ["empathy", "safety"], 5)
{'empathy': 4, 'safety': None}
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from skillofmind.mind.parser import parse_object

Choice = Literal["A", "B", "tie"]
"""What a judge says of a pair."""

MOST_CHARS = 20_000
"""Only the end of a longer text is read."""

MOST_STARTS = 16
"""Opening brackets from which an object is looked for."""

_CHOICES: dict[str, Choice] = {
    "a": "A", "reply a": "A", "b": "B", "reply b": "B",
    "tie": "tie", "same": "tie", "equal": "tie", "neither": "tie", "both": "tie",
}  # fmt: skip
_MARKS = re.compile(r"[\s_-]+")


def read_pair(text: str, criteria: Sequence[str]) -> dict[str, Choice | None]:
    """Return criterion -> choice; `None` where the text has none that can be read."""
    found = _fields(text, criteria)
    return {name: _choice(found.get(_plain(name))) for name in criteria}


def read_rating(text: str, criteria: Sequence[str], scale: int) -> dict[str, int | None]:
    """Return criterion -> whole number from 1 to `scale`; `None` where the text has none."""
    found = _fields(text, criteria)
    return {name: _points(found.get(_plain(name)), scale) for name in criteria}


def _fields(text: str, criteria: Sequence[str]) -> dict[str, Any]:
    """Return the fields of the last object in the text that has a criterion, by plain name.

    A judge that thinks aloud may write a draft first; one that takes words of the material for its own answer
    writes that first, too.
    """
    wanted = {_plain(name) for name in criteria}
    text = text[-MOST_CHARS:]
    # From the last opening bracket back: work is bounded, whatever a judge wrote.
    for start in [found.start() for found in re.finditer(r"\{", text)][: -MOST_STARTS - 1 : -1]:
        found = parse_object(text[start:])
        if found is not None:
            fields = {_plain(str(name)): value for name, value in found.items()}
            inner = [one for one in found.values() if isinstance(one, dict)]
            if not wanted & fields.keys() and len(inner) == 1:
                fields = {_plain(str(name)): value for name, value in inner[0].items()}
            if wanted & fields.keys():
                return fields
    return {}


def _choice(value: object) -> Choice | None:
    if isinstance(value, dict):
        value = next((value[key] for key in ("choice", "winner", "better") if key in value), None)
    return _CHOICES.get(_plain(value).strip(".")) if isinstance(value, str) else None


def _points(value: object, scale: int) -> int | None:
    if isinstance(value, dict):
        value = next((value[key] for key in ("rating", "score") if key in value), None)
    if isinstance(value, str):
        said = value.partition("/")[0].strip()
        value = int(said) if said.isascii() and said.isdecimal() and len(said) < 4 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    usable = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= scale
    return value if usable and isinstance(value, int) else None


def _plain(name: str) -> str:
    return _MARKS.sub(" ", name).strip().casefold()
