"""Typed access to the fields of untrusted JSON; the message of every failure names the field.

A `Reader` holds one JSON object, the place where it stands, and the error that a wrong field raises, because
the same shapes arrive as requests (the sender's mistake) and as responses (the server's mistake).

    >>> Reader({"id": 3}, "response", ValueError).wrong("id", "a string")
    ValueError('response.id must be a string, but is 3; is this the OpenAI chat format?')
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

Fault = Callable[[str], Exception]


def brief(value: Any, most: int = 80) -> str:
    """Return `repr(value)`, at most `most` characters of it."""
    shown = repr(value)
    return shown if len(shown) <= most else shown[: most - 3] + "..."


class Reader(NamedTuple):
    """One JSON object, its place in the document, and the error to raise."""

    body: dict[str, Any]
    where: str
    fault: Fault

    def wrong(self, name: str, expected: str) -> Exception:
        """Return the error for a missing field or one of the wrong type."""
        place = f"{self.where}.{name}"
        if name not in self.body:
            return self.fault(f"{place} is missing; it must be {expected}")
        value = brief(self.body[name])
        return self.fault(f"{place} must be {expected}, but is {value}; is this the OpenAI chat format?")

    def text(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.body.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "a string")
        return value

    def maybe_text(self, name: str) -> str | None:
        """Return a string, or `None` where it is null or missing."""
        return None if self.body.get(name) is None else self.text(name)

    def number(self, name: str) -> float:
        """Return a number that must be there."""
        value = self.body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        return float(value)

    def maybe_number(self, name: str) -> float | None:
        """Return a number, or `None` where it is null or missing."""
        return None if self.body.get(name) is None else self.number(name)

    def maybe_count(self, name: str) -> int | None:
        """Return a whole number, or `None` where it is null or missing."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "a whole number")
        return value

    def maybe_flag(self, name: str) -> bool | None:
        """Return a boolean, or `None` where it is null or missing."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def child(self, name: str) -> "Reader":
        """Return a reader of an object that must be there."""
        value = self.body.get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Reader(value, f"{self.where}.{name}", self.fault)

    def maybe_child(self, name: str) -> "Reader | None":
        """Return a reader of an object, or `None` where it is null or missing."""
        return None if self.body.get(name) is None else self.child(name)

    def children(self, name: str) -> "list[Reader]":
        """Return a reader for each object of a list; a list that is null or missing is empty."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        places = [f"{self.where}.{name}[{position}]" for position in range(len(value))]
        for place, item in zip(places, value, strict=True):
            if not isinstance(item, dict):
                raise self.fault(f"{place} must be an object, but is {brief(item)}")
        return [Reader(item, place, self.fault) for place, item in zip(places, value, strict=True)]

    def rest(self, known: Collection[str]) -> dict[str, Any]:
        """Return the fields whose names are not in `known`."""
        return {name: value for name, value in self.body.items() if name not in known}
