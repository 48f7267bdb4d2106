"""Call a reader, and find or write the files for it."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.formats import CORPORA, Reader
from skillofmind.data.jsonl import Rejected
from tests.corpora import corpora_folder


def reader(name: str) -> Reader:
    return next(row for row in CORPORA if row.name == name).reader()


def told(name: str, path: Path) -> tuple[list[Dialogue], list[Rejected]]:
    """Return what a reader yields, dialogues and rejections apart."""
    results = list(reader(name).read(path))
    kept = [result for result in results if isinstance(result, Dialogue)]
    rejected = [result for result in results if isinstance(result, Rejected)]
    assert len(kept) + len(rejected) == len(results)
    return kept, rejected


def only(name: str, path: Path) -> Dialogue:
    """Return the one dialogue of a file without rejections."""
    kept, rejected = told(name, path)
    assert rejected == []
    (dialogue,) = kept
    return dialogue


def shared(*parts: str) -> Path:
    """Return a file of the corpora beside the repository, or skip the test."""
    folder = corpora_folder()
    if folder is None:
        pytest.skip("there is no folder shared/data beside the repository, so real files are not tested")
    return folder.joinpath(*parts)


def lines(path: Path, rows: Iterable[Any]) -> Path:
    """Write rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_lines(*rows))
    return path


def json_lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def said(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


def label_counts(dialogues: Iterable[Dialogue], scheme: str) -> Counter[str]:
    labels = (label for dialogue in dialogues for turn in dialogue.turns for label in turn.labels)
    return Counter(label.value for label in labels if label.scheme == scheme)


def turn_count(dialogues: Iterable[Dialogue]) -> int:
    return sum(len(dialogue.turns) for dialogue in dialogues)
