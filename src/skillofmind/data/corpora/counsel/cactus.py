"""Cactus: sessions of cognitive behavioural therapy between a client and a counsellor (arXiv 2407.03103).

Form: JSONL, a JSON list or columns (`DLI-Lab/cactus` exported). Licence: not stated with the data (the code
is GPL-2.0). Rows have no id; a dialogue is `cactus:<file>:<row>`, rows from 1.

    dialogue      text lines `Client: ...` and `Counselor: ...`; turns
    intake_form   context.intake_form, line ends kept
    attitude      context.attitude, of the client
    thought, patterns, cbt_technique, cbt_plan and others   meta

Pitfalls: a line may carry a stage direction, `Client (sighs): `, which goes to the turn's `meta.stage`; a
turn may quote `Client: `, so only the prefix at the start of a line counts; see `corpora.lines`.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.lines import spoken_lines
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "not stated"
_PREFIX = re.compile(r"(?P<speaker>Client|Counselor)(?: \((?P<stage>[^()]*)\))?: ?")


class Case(Shape, frozen=True):
    """One session as published."""

    dialogue: str
    intake_form: str | None = None
    attitude: str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the sessions of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Case, partial(_session, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has a dialogue and an intake form."""
    return {"dialogue", "intake_form"} <= keys_of(head)


def _session(file: Path, case: Case, row: Row) -> Iterator[Dialogue]:
    spoken = spoken_lines(case.dialogue.split("\n"), _PREFIX)
    yield Dialogue(
        turns=spoken.turns,
        context=SocialContext(intake_form=case.intake_form or None, attitude=case.attitude or None),
        id=f"cactus:{stem(file)}:{row.number}",
        speakers=(Speaker("Client", role="client"), Speaker("Counselor", role="counsellor")),
        corpus="cactus",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="counselling",
        meta=spoken.meta | row.rest("dialogue", "intake_form", "attitude"),
    )
