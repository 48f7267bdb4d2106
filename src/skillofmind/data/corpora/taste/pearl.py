"""Pearl: a seeker and a recommender talk about films, from reviews that people wrote (arXiv 2403.04460).

Form: JSONL, a JSON list or columns (`DLI-Lab/pearl` exported). Licence: CC BY 4.0. Rows have no id; a
dialogue is `pearl:<file>:<row>`, rows from 1.

    dialogue       list of `Seeker: ...` and `Recommender: ...`; turns; empty strings are nobody's
    user_persona   the Seeker's persona, a fact a line (text or list)
    all others     meta

Pitfalls: an item may hold several lines, or quote `Seeker: `; only the prefix at the start of a line counts.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, Speaker
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.lines import spoken_lines
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_PREFIX = re.compile(r"(?P<speaker>Seeker|Recommender): ?")


class Consultation(Shape, frozen=True):
    """One conversation as published."""

    dialogue: list[str]
    user_persona: str | list[str] | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the conversations of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Consultation, partial(_conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has a dialogue and a seeker's persona."""
    return {"dialogue", "user_persona"} <= keys_of(head)


def _conversation(file: Path, found: Consultation, row: Row) -> Iterator[Dialogue]:
    spoken = spoken_lines([line for item in found.dialogue for line in item.split("\n")], _PREFIX)
    told = found.user_persona or ""
    facts = told.split("\n") if isinstance(told, str) else told
    yield Dialogue(
        turns=spoken.turns,
        id=f"pearl:{stem(file)}:{row.number}",
        speakers=(
            Speaker("Seeker", role="looks for a film", persona=tuple(fact for fact in facts if fact.strip())),
            Speaker("Recommender", role="recommends films"),
        ),
        corpus="pearl",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="recommendation",
        meta=spoken.meta | row.rest("dialogue", "user_persona"),
    )
