"""Whether an explanation is a first-person thought, by word lists and patterns for each language.

1. What others say in quotations does not count and is taken out, unless all of the text is quoted.
2. One first-person word or form of the language is enough (`assets/first_person.toml`).
3. English only: a text that begins with the thinker's own name, or another name for the thinker, and a verb
   (`Ana should ...`, `The responder feels ...`) speaks from outside, and no later `I` mends that: it is the
   thinker's own or somebody else's. `The speaker ...` does not decide it, for the thinker may well mean the
   other one; there, rule 2 does.

Languages without an entry are not checked.

    >>> is_first_person("I want her to feel heard.", "en")
    True
    >>> is_first_person("Ana should cheer him up; I agree.", "en", ("ana",))
    False
    >>> is_first_person("Vorrei aiutarla.", "it") is None
    True
"""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec

from skillofmind.core.record import Record

_QUOTED = re.compile(
    r"""  "[^"]*"
        | [“„][^“”„]*[“”]
        | «[^«»]*»
        | »[^«»]*«
        | 「[^「」]*」
        | 『[^『』]*』
        | (?<!\w)'(?:[^']|(?<=\w)'(?=\w))*'(?!\w)
        | (?<!\w)‘(?:[^‘’]|(?<=\w)’(?=\w))*’(?!\w)
    """,
    re.VERBOSE,
)
_SAYS = re.compile(r"\w")
_TITLE = re.compile(r"^\W*(?:speaker|person|user)\s+(?=\w)")
_OPENING = 200
"""Characters of an explanation in which its opening is looked for."""


class FirstPerson(Record, frozen=True):
    """What shows the first person in one language; see the file for the fields."""

    words: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    verbs: str = ""


class _File(Record, frozen=True):
    version: int
    languages: dict[str, FirstPerson]


class _Rules(Record, frozen=True):
    """The same, compiled."""

    shows: re.Pattern[str]
    outside: tuple[str, ...]
    verbs: re.Pattern[str] | None


def languages() -> tuple[str, ...]:
    """Return the codes of the languages that can be checked."""
    return tuple(_file().languages)


def is_first_person(text: str, lang: str, names: Sequence[str] = ()) -> bool | None:
    """Say whether an explanation is in the first person; `None` where the language cannot be checked.

    Args:
        text: the explanation.
        lang: BCP-47 code of the explanation; "" is English.
        names: what the thinker is called, case-folded.
    """
    rules = _rules(lang.replace("_", "-").partition("-")[0].lower() or "en")
    if rules is None:
        return None
    said = _QUOTED.sub(" ", text)
    if not _SAYS.search(said):
        said = text
    return bool(rules.shows.search(said)) and not _begins_outside(said, rules, names)


def _begins_outside(text: str, rules: _Rules, names: Sequence[str]) -> bool:
    if rules.verbs is None:
        return False
    opening = text[:_OPENING].casefold()
    first = _SAYS.search(opening)
    titled = _TITLE.search(opening)
    # A name may itself begin with what looks like a title, such as "Speaker 1".
    places = {found for found in (first and first.start(), titled and titled.end()) if found is not None}
    return any(
        opening.startswith(name, place) and rules.verbs.match(opening, place + len(name))
        for place in places
        for name in (*names, *rules.outside)
        if name
    )


@cache
def _file() -> _File:
    source = resources.files("skillofmind.mind") / "assets" / "first_person.toml"
    return msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8")), _File)


@cache
def _rules(language: str) -> _Rules | None:
    found = _file().languages.get(language)
    if found is None:
        return None
    words = [rf"\b(?:{'|'.join(map(re.escape, found.words))})\b"] if found.words else []
    return _Rules(
        re.compile("|".join([*words, *found.patterns]), re.IGNORECASE),
        found.outside,
        re.compile(found.verbs) if found.verbs else None,
    )
