r"""XDailyDialog: DailyDialog in English, German, Italian and Chinese, translated by people.

Paper: "XDailyDialog: A Multilingual Parallel Dialogue Corpus", ACL 2023. Licence: Apache-2.0 for the
repository; the text derives from DailyDialog, CC BY-NC-SA 4.0.

Two forms. Aligned by line: `dialogues_text_{En,De,It,Zh}.txt` with `dialogues_action.txt`,
`dialogues_emotion.txt` and `dialogues_topic.txt`. Tab form: `{en,de,it,zh}_{train,dev,test}_human.txt`,
each line `text\ttopic\tacts\temotions`. `path` is one text file (one language) or a folder (every
language in it).

| source | becomes |
|---|---|
| text between `__eou__` | `Turn.text`; speakers A and B take turns |
| acts, emotions | labels `dailydialog.act` and `dailydialog.emotion`: the label sets are DailyDialog's |
| topic | `context.topic` |
| language in the file's name | `lang`, part of the id |
| line number | id `xdailydialog:<file>:<line>` and `meta["parallel"]`, equal for the four translations |

Pitfalls: some lines have more labels than turns, in every language alike; they are rejected. Split by
`meta["parallel"]`, not by id, or translations of one dialogue land on both sides.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.data.corpora.daily.codes import aligned_rows, labelled_line
from skillofmind.data.corpora.folder import files_of, split_of, stem
from skillofmind.data.corpora.opening import lines_of
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected

_ALIGNED = re.compile(r"^dialogues_text_(En|De|It|Zh)\.txt")
_TABBED = re.compile(r"^(en|de|it|zh)_(?:train|dev|valid|test)(?:_\w+)?\.txt")
_TAB_LINE = re.compile(rb"^[^\t\n]*\t\s*\d+\s*\t[\d ]+\t[\d ]+\r?(?:\n|$)")


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of one language's file, or of every language in a folder.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "dialogues_text_??.txt", "??_*_human.txt"), _rows, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise text files by name or, for the tab form, by the shape of the first line."""
    return b"__eou__" in head and bool(_ALIGNED.match(path.name) or _TAB_LINE.match(head))


def _rows(path: Path) -> Iterator[Row]:
    if not _ALIGNED.match(path.name):
        return _tab_rows(path)
    files: dict[str, Path | None] = {"text": path}
    for kind in ("action", "emotion", "topic"):
        labels = path.with_name(re.sub(r"text_..", kind, path.name, count=1))
        files[kind] = labels if labels.exists() else None
    return aligned_rows(files)


def _tab_rows(path: Path) -> Iterator[Row]:
    for number, line in lines_of(path):
        if line.strip():
            cells = line.split(b"\t")
            value: dict[str, Any] = dict(zip(("text", "topic", "action", "emotion"), cells, strict=False))
            yield Row(path, number, number, {**value, "cells": len(cells)})


def _dialogue(row: Row) -> Dialogue | Rejected:
    if row.value.get("cells", 4) != 4:
        cells = row.value["cells"]
        return row.rejected(f"{cells} tab-separated cells instead of text, topic, acts and emotions.")
    turns, topic, fault = labelled_line(row, acts="action")
    if fault:
        return row.rejected(fault)
    return Dialogue(
        turns=turns,
        context=SocialContext(topic=topic),
        id=f"xdailydialog:{row.place}",
        speakers=(Speaker("A"), Speaker("B")),
        corpus="xdailydialog",
        split=split_of(row.path),
        lang=_language(row.path),
        licence="Apache-2.0; derived from DailyDialog, CC BY-NC-SA 4.0",
        scenario="daily life",
        meta={"parallel": _parallel(row)},
    )


def _language(path: Path) -> str:
    found = _ALIGNED.match(path.name) or _TABBED.match(path.name)
    return found[1].lower() if found else ""


def _parallel(row: Row) -> str:
    """Return the row's place with the language left out."""
    name = re.sub(r"^(dialogues_text)_(?:En|De|It|Zh)$|^(?:en|de|it|zh)_(.*)$", r"\1\2", stem(row.path))
    return f"{name}:{row.line}"
