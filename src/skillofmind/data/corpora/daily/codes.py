"""DailyDialog's numbers, its turns on one line, and the files that are aligned by line.

A line of text holds one dialogue: turns with `__eou__` after (DailyDialog) or between them
(XDailyDialog). The blanks around `__eou__` belong to the format; every other byte of a turn is kept.
Labels are numbers with blanks between, as many as turns. The two speakers take turns and are called A
and B.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Label, Turn
from skillofmind.data.corpora.opening import lines_of
from skillofmind.data.corpora.rows import Row

ACT = "dailydialog.act"
EMOTION = "dailydialog.emotion"

ACTS = {"1": "inform", "2": "question", "3": "directive", "4": "commissive"}
EMOTIONS = {
    "0": "no emotion",
    "1": "anger",
    "2": "disgust",
    "3": "fear",
    "4": "happiness",
    "5": "sadness",
    "6": "surprise",
}
TOPICS = {
    "1": "ordinary life",
    "2": "school life",
    "3": "culture and education",
    "4": "attitude and emotion",
    "5": "relationship",
    "6": "tourism",
    "7": "health",
    "8": "work",
    "9": "politics",
    "10": "finance",
}
"""Number in the files -> the meaning in the corpus's own description; other numbers are kept as they are."""

_TURN_END = re.compile(r"\s*__eou__\s*")


def aligned_rows(files: dict[str, Path | None]) -> Iterator[Row]:
    """Yield the lines of several files side by side; lines that are blank in all of them are left out.

    Args:
        files: what the lines of each file are -> the file; `None` where there is none but the first.
    """
    present = {name: path for name, path in files.items() if path is not None}
    first = next(iter(present.values()))
    for number, found in enumerate(zip_longest(*map(lines_of, present.values())), 1):
        value: dict[str, Any] = {
            name: b"" if line is None else line[1] for name, line in zip(present, found, strict=True)
        }
        if any(line.strip() for line in value.values()):
            yield Row(first, number, number, value)


def fields(row: Row, names: Sequence[str]) -> tuple[list[str], str]:
    """Return the named lines of `row` as text, and why that is not possible, or ""."""
    try:
        return [row.value.get(name, b"").decode("utf-8") for name in names], ""
    except UnicodeDecodeError as error:
        return [], f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8."


def labelled_line(row: Row, acts: str) -> tuple[tuple[Turn, ...], str | None, str]:
    """Return turns and topic of one line of text and labels, and why it cannot be used, or "".

    Args:
        row: bytes by name: `text`, the acts, `emotion` and `topic`; a name is absent where its file is.
        acts: the name of the acts.
    """
    texts, fault = fields(row, ("text", acts, "emotion", "topic"))
    if fault:
        return (), None, fault
    missing = [name for name in (acts, "emotion") if name in row.value and not row.value[name].strip()]
    if missing:
        return (), None, f"the line has no {missing[0]} labels; give files of the same number of lines."
    text, act_codes, emotion_codes, topic = texts
    turns, fault = labelled_turns(text, act_codes, emotion_codes)
    return turns, TOPICS.get(topic.strip(), topic.strip()) or None, fault


def labelled_turns(text: str, acts: str, emotions: str) -> tuple[tuple[Turn, ...], str]:
    """Return the turns of one line with their labels, and why the line cannot be used, or "".

    Empty `acts` or `emotions` mean that there is no such file.
    """
    texts = _TURN_END.split(text.strip())
    texts = texts if texts[-1] else texts[:-1]
    if not texts or not all(texts):
        return (), "a turn is empty; every turn needs text before its `__eou__`."
    labels: list[list[Label]] = [[] for _ in texts]
    for scheme, names, codes in ((ACT, ACTS, acts.split()), (EMOTION, EMOTIONS, emotions.split())):
        if codes and len(codes) != len(texts):
            return (), f"{len(texts)} turns have {len(codes)} labels {scheme}; the files do not match here."
        for given, code in zip(labels, codes, strict=False):
            given.append(Label(scheme, names.get(code, code)))
    turns = zip(texts, labels, strict=True)
    return tuple(Turn("AB"[n % 2], said, labels=tuple(given)) for n, (said, given) in enumerate(turns)), ""
