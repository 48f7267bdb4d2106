"""Synthetic-Persona-Chat: two people with personas get to know each other (arXiv 2312.10007).

Form: `Synthetic-Persona-Chat_train.csv`, `_valid.csv`, `_test.csv`; also JSON rows with the same names
(`google/Synthetic-Persona-Chat` exported). Licence: CC BY 4.0. Machine-made text. Rows have no id; a dialogue
is `synthetic_persona_chat:<file>:<row>`, rows from 1.

    user 1 personas, user 2 personas   personas, a fact a line
    Best Generated Conversation        text lines `User 1: ...`, `User 2: ...`; turns

Pitfalls: a few conversations mark the prefix as `* * User 1: * * `, tell what happens in brackets
(`meta.stage` of the turn above), or put recipes on lines of their own, which continue the turn above; see
`corpora.lines`. The Thanos data leaves out the continuing lines.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, Speaker
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.folder import columns_of, files_of, keys_of, plain_name, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.lines import spoken_lines
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_NAMES = ("user 1 personas", "user 2 personas", "Best Generated Conversation")
_PREFIX = re.compile(r"(?P<stars>\* \* )?(?P<speaker>User [12]):(?(stars)(?: \* \*)?) ?")


class Chat(Shape, frozen=True):
    """One conversation as published."""

    first: str = msgspec.field(name=_NAMES[0])
    second: str = msgspec.field(name=_NAMES[1])
    conversation: str = msgspec.field(name=_NAMES[2])


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the conversations of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.csv", "**/*.jsonl"):
        rows = csv_rows(file, *_NAMES) if plain_name(file).endswith(".csv") else json_rows(file)
        yield from converted(rows, Chat, partial(_conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the columns, or the first row's keys, are those of this corpus."""
    return set(_NAMES) <= {*columns_of(head), *keys_of(head)}


def _conversation(file: Path, chat: Chat, row: Row) -> Iterator[Dialogue]:
    spoken = spoken_lines(chat.conversation.split("\n"), _PREFIX)
    yield Dialogue(
        turns=spoken.turns,
        id=f"synthetic_persona_chat:{stem(file)}:{row.number}",
        speakers=(_speaker("User 1", chat.first), _speaker("User 2", chat.second)),
        corpus="synthetic_persona_chat",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="chit-chat",
        meta=spoken.meta | row.rest(*_NAMES),
    )


def _speaker(name: str, facts: str) -> Speaker:
    return Speaker(name, persona=tuple(fact for fact in facts.split("\n") if fact.strip()))
