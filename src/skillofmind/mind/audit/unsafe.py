"""Patterns of unsafe content and personal data, for a person to look at (`assets/unsafe.toml`).

A match is no fault: a dialogue about safety names what it refuses, and a story may hold an invented phone
number.

covered: means of self-harm, weapons, drugs and poisons by name; phone, card and identity numbers, e-mail, web
and postal addresses by their form; common profanity. English and Korean.
not covered: slurs, sexual content, hate without a listed word, other languages, and everything that is said
without a listed word.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.record import Record
from skillofmind.mind.audit.finding import Finding, Verdict, verdict
from skillofmind.mind.audit.people import context_texts

_AROUND = 30


class _Category(Record, frozen=True):
    what: str
    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    check: Literal["", "luhn"] = ""


class _File(Record, frozen=True):
    version: int
    categories: dict[str, _Category]


def matches(text: str) -> Iterator[tuple[str, str]]:
    """Yield (category, the match with what stands around it), at most one of each category."""
    for name, pattern in _patterns().items():
        for found in pattern.finditer(text):
            if _file().categories[name].check != "luhn" or luhn(found[0]):
                start, end = max(0, found.start() - _AROUND), found.end() + _AROUND
                yield name, " ".join(text[start:end].split())
                break


def categories() -> tuple[str, ...]:
    """Return the names of the categories, which are the names of their checks."""
    return tuple(_file().categories)


def luhn(text: str) -> bool:
    """Say whether the digits of a text pass the Luhn test of payment cards."""
    digits = [int(char) for char in reversed(text) if char.isdecimal()]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return bool(digits) and (sum(digits[::2]) + doubled) % 10 == 0


def findings(dialogues: Iterable[Dialogue]) -> Iterator[Finding]:
    """Yield the matches in contexts and in turns with their explanations and counterfactuals."""
    for dialogue in dialogues:
        for name, said in matches("\n".join(context_texts(dialogue))):
            yield Finding(name, dialogue.id, f"context: {said!r}")
        for number, turn in enumerate(dialogue.turns, 1):
            for name, said in matches("\n".join(_texts(turn))):
                yield Finding(name, dialogue.id, repr(said), number)


def _texts(turn: Turn) -> Iterator[str]:
    yield turn.text
    for annotation in turn.annotations:
        yield from (annotation.explanation, annotation.counterfactual or "")


def verdicts(found: Iterable[Finding]) -> tuple[Verdict, ...]:
    """Return a verdict for every category of the file."""
    rows = list(found)
    return tuple(verdict(name, rows, category.what) for name, category in _file().categories.items())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: _compiled(category) for name, category in _file().categories.items()}


def _compiled(category: _Category) -> re.Pattern[str]:
    words = "|".join(map(re.escape, category.words))
    return re.compile(
        "|".join([*([rf"\b(?:{words})\b"] if words else []), *category.patterns]), re.IGNORECASE
    )


@cache
def _file() -> _File:
    source = resources.files("skillofmind.mind") / "assets" / "unsafe.toml"
    return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), _File)
