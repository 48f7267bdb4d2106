"""What a planner wrote, read tolerantly and never trusted.

Two contracts are read: `<explanation> [RESULT SKILL] <skill>` of fine-tuned planners, and a JSON object
from prompted models, which may come fenced, with prose around it, with trailing commas, or in a list.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from skillofmind.core.record import Record
from skillofmind.mind.render import MARKER_REGEX

_END = re.compile(r"<\|[^|<>]*\|>|</s>|<end_of_turn>|<eos>", re.IGNORECASE)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_CLOSING = {"{": "}", "[": "]"}
_MAX_STARTS = 50
_MAX_CHARS = 100_000


class Marked(Record, frozen=True):
    """The two parts of a fine-tuned planner's answer; `skill` is verbatim."""

    explanation: str
    skill: str


def parse_marked(text: str) -> Marked | None:
    """Split at the result marker; `None` when it or the skill is missing.

    More than one marker: the first two parts count, as in the published evaluation code.
    """
    parts = MARKER_REGEX.split(_END.sub("", text))
    if len(parts) < 2:
        return None
    skill = parts[1].strip().split("\n")[0].strip()
    return Marked(parts[0].strip(), skill) if skill else None


def parse_json(text: str) -> dict[str, Any] | list[Any] | None:
    """Return the first JSON object or list of objects in `text`, or `None`.

    Tolerates code fences, prose before and after, and trailing commas. Work is bounded: at most 50
    starting brackets are tried, in the first 100,000 characters.
    """
    return next(_json_values(text), None)


def parse_object(text: str, key: str = "") -> dict[str, Any] | None:
    """Return the first JSON object in `text` that has `key`, also where it stands in a list.

    Models that think aloud may write other objects before the answer. Without one that has `key`, the first
    object counts.
    """
    found: list[dict[str, Any]] = []
    for value in _json_values(text):
        found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
        if any(key in item for item in found) or not key:
            break
    return next((item for item in found if key in item), found[0] if found else None)


def parse_objects(text: str, key: str) -> list[dict[str, Any]]:
    """Return the JSON objects that have `key`, from the first value in `text` that holds one.

    The value may be a list, one object, an object around a list, or several objects one after the other. A
    list that was cut off gives the objects that are whole. Without any `key`, the objects of the first value.
    """
    first: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for value in _json_values(text):
        objects = _objects(value, key)
        first = first or objects
        having = [item for item in objects if key in item]
        if found and not (isinstance(value, dict) and having):
            break
        found += having
        if found and isinstance(value, list):
            break
    return found or first


def _objects(value: dict[str, Any] | list[Any], key: str) -> list[dict[str, Any]]:
    """Return the objects of a value; those of an inner list where the outer object lacks `key`."""
    if isinstance(value, dict) and key not in value:
        inner = [item for item in value.values() if isinstance(item, list)]
        value = next((item for item in inner if any(isinstance(one, dict) for one in item)), [value])
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _json_values(text: str) -> Iterator[dict[str, Any] | list[Any]]:
    """Yield JSON objects, and lists that hold one, from left to right; one inside another is not repeated."""
    text = text[:_MAX_CHARS]
    # Most replies are JSON and nothing else; looking for its end costs ten times as much as reading it.
    whole = _decoded(text) if text.lstrip()[:1] in ("{", "[") else None
    if whole is not None:
        yield whole
        return
    end = 0
    for start in [found.start() for found in re.finditer(r"[{\[]", text)][:_MAX_STARTS]:
        chunk = _balanced(text, start) if start >= end else None
        value = _decoded(chunk) if chunk is not None else None
        if chunk is not None and value is not None:
            end = start + len(chunk)
            yield value


def _decoded(chunk: str) -> dict[str, Any] | list[Any] | None:
    for candidate in (chunk, _TRAILING_COMMA.sub(r"\1", chunk)):
        try:
            value = msgspec.json.decode(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value)):
            return value
    return None


def _balanced(text: str, start: int) -> str | None:
    """Return the bracketed chunk that begins at `start`, strings respected."""
    stack: list[str] = []
    in_string = escaped = False
    for index in range(start, len(text)):
        char = text[index]
        if in_string:
            in_string = escaped or char != '"'
            escaped = char == "\\" and not escaped
        elif char == '"':
            in_string = True
        elif char in _CLOSING:
            stack.append(_CLOSING[char])
        elif stack and char == stack[-1]:
            stack.pop()
            if not stack:
                return text[start : index + 1]
    return None
