"""One JSON shape that copies of several persona corpora share.

    {"dialogue": [text, ...], "speaker persona": [fact, ...], "listener persona": [fact, ...]}

Turns alternate; the speaker begins and is called A, the listener B.
"""

import re

from skillofmind.core.dialogue import Dialogue, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import has_keys, split_of
from skillofmind.data.corpora.rows import Row, rest

_PERSONA = re.compile(rb'"speaker persona"\s*:\s*\[((?:"(?:[^"\\]|\\.)*"|[\s,])*)\]')
_FACT = re.compile(rb'"(?:[^"\\]|\\.)*"')


class TwoSided(
    Record,
    frozen=True,
    forbid_unknown_fields=False,
    rename={"speaker": "speaker persona", "listener": "listener persona"},
):
    """A row of this shape."""

    dialogue: tuple[str, ...]
    speaker: tuple[str, ...] = ()
    listener: tuple[str, ...] = ()


def two_sided(row: Row, found: TwoSided, corpus: str, licence: str) -> Dialogue:
    """Return the dialogue; fields that the shape does not name go to `meta`."""
    return Dialogue(
        turns=tuple(Turn("AB"[n % 2], text) for n, text in enumerate(found.dialogue)),
        id=f"{corpus}:{row.place}",
        speakers=(Speaker("A", persona=found.speaker), Speaker("B", persona=found.listener)),
        corpus=corpus,
        split=split_of(row.path),
        lang="en",
        licence=licence,
        scenario="small talk",
        meta=rest(row.value, TwoSided),
    )


def facts_at(head: bytes) -> int:
    """Return how many facts the first speaker's persona has, 0 where the file is not of this shape."""
    if not has_keys(head, "dialogue", "speaker persona", "listener persona"):
        return 0
    found = _PERSONA.search(head)
    return len(_FACT.findall(found[1])) if found else 0


def empty_turn(texts: tuple[str, ...] | list[str]) -> str:
    """Return why these texts cannot be turns, or ""."""
    for number, text in enumerate(texts, 1):
        if not text.strip():
            return f"turn {number} is empty; every turn needs text."
    return ""
