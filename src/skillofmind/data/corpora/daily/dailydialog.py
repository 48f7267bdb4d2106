"""DailyDialog: everyday English conversations with an act and an emotion for every turn.

Paper: arXiv 1710.03957. Licence of the text: CC BY-NC-SA 4.0.

Files, aligned by line: `dialogues_<split>.txt`, `dialogues_act_<split>.txt`,
`dialogues_emotion_<split>.txt`; the whole corpus is `dialogues_text.txt`, `dialogues_act.txt`,
`dialogues_emotion.txt` and `dialogues_topic.txt`. `path` is a text file, with the label files beside it,
or a folder; folders of splits inside it are read too.

| source | becomes |
|---|---|
| text between `__eou__` | `Turn.text`; speakers A and B take turns |
| act 1-4, emotion 0-6 | labels `dailydialog.act` and `dailydialog.emotion`, by name |
| topic 1-10 | `context.topic`, by name |
| line number | id `dailydialog:<file>:<line>` |

Pitfalls: the text is tokenised (`don ’ t`) and stays so. Topics are only in the files of the whole
corpus, which a folder's splits take precedence over. A label file that is missing leaves its labels out.
Train and test of the original release share dialogues.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker
from skillofmind.data.corpora.daily.codes import aligned_rows, labelled_line
from skillofmind.data.corpora.folder import files_of, split_of
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected

_SPLIT_FILES = tuple(f"dialogues_{split}.txt" for split in ("train", "validation", "valid", "dev", "test"))
_NAME = re.compile(r"^dialogues_(?:text|train|validation|valid|dev|test)\.txt")


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a text file with its label files, or of a folder of them.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(_texts(path), lambda text: aligned_rows(_beside(text)), _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the text files by name and `__eou__`."""
    return bool(_NAME.match(path.name)) and b"__eou__" in head


def _texts(path: Path) -> tuple[Path, ...]:
    if path.is_dir():
        nested = [f"*/{name}" for name in _SPLIT_FILES]
        splits = [name for name in (*_SPLIT_FILES, *nested) if any(path.glob(f"{name}*"))]
        return files_of(path, *(splits or ["dialogues_text.txt"]))
    return files_of(path)


def _beside(text: Path) -> dict[str, Path | None]:
    files: dict[str, Path | None] = {"text": text}
    for kind in ("act", "emotion", "topic"):
        name = re.sub(r"^dialogues_text", "dialogues", text.name)
        labels = text.with_name(re.sub(r"^dialogues", f"dialogues_{kind}", name))
        files[kind] = labels if labels != text and labels.exists() else None
    return files


def _dialogue(row: Row) -> Dialogue | Rejected:
    turns, topic, fault = labelled_line(row, acts="act")
    if fault:
        return row.rejected(fault)
    return Dialogue(
        turns=turns,
        context=SocialContext(topic=topic),
        id=f"dailydialog:{row.place}",
        speakers=(Speaker("A"), Speaker("B")),
        corpus="dailydialog",
        split=split_of(row.path),
        lang="en",
        licence="CC BY-NC-SA 4.0",
        scenario="daily life",
    )
