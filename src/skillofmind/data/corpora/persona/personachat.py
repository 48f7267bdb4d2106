r"""PersonaChat and ConvAI2: two people get to know each other, each with a persona.

Paper: arXiv 1801.07243. Licence of the text: CC BY 4.0.

Two shapes:
- ParlAI's numbered lines: `1 your persona: ...`, `2 partner's persona: ...`, then
  `k said\tanswer\t\tcandidate|candidate`. The number starts again at 1 with every dialogue. "Your" persona
  is of the one who answers.
- JSON with `dialogue`, `speaker persona`, `listener persona`; the speaker begins.

| source | becomes |
|---|---|
| said, answer | turns of A and B |
| `partner's persona`, `speaker persona` | persona of A |
| `your persona`, `listener persona` | persona of B |
| candidates | `meta["candidates"]` of the answer, as a list |
| `__SILENCE__` | no turn: B begins; `meta["silence"]` counts them |
| file and line | id `personachat:<file>:<line where the dialogue starts>` |

Pitfalls: the text is lower-cased and tokenised and stays so. The same conversation stands twice in
ParlAI's training files, once from each side. A line that does not fit rejects its dialogue.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, Speaker, Turn
from skillofmind.data.corpora.folder import BOM, files_of, split_of
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.opening import lines_of
from skillofmind.data.corpora.persona.two_sided import TwoSided, empty_turn, facts_at, two_sided
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected

_LICENCE = "CC BY 4.0"
_SILENCE = "__SILENCE__"
_LINE = re.compile(r"^(\d+) (.*)$", re.DOTALL)
_PERSONA = re.compile(r"^(your|partner's) persona: (.*)$", re.DOTALL)
_FIRST = re.compile(rb"^1 (?:your|partner's) persona: ")


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's `*.txt`, `*.json` and `*.jsonl` files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.txt", "*.json", "*.jsonl"), _rows, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise a first line with a persona, or the JSON keys with three facts or more a side."""
    return bool(_FIRST.match(head.removeprefix(BOM))) or facts_at(head) > 2


def _rows(path: Path) -> Iterator[Row | Rejected]:
    return _blocks(path) if _is_numbered(path) else json_objects(path)


def _is_numbered(path: Path) -> bool:
    return ".txt" in path.suffixes


def _blocks(path: Path) -> Iterator[Row]:
    """Yield the numbered lines of one dialogue after another."""
    start, block = 1, list[bytes]()
    for number, line in lines_of(path):
        if line.startswith(b"1 ") and block:
            yield Row(path, start, start, {"lines": block})
            block = []
        if line.strip():
            start = start if block else number
            block = [*block, line]
    if block:
        yield Row(path, start, start, {"lines": block})


def _dialogue(row: Row) -> Dialogue | Rejected:
    if _is_numbered(row.path):
        return _numbered(row, row.value["lines"])
    found = msgspec.convert(row.value, TwoSided)
    fault = empty_turn(found.dialogue)
    return row.rejected(fault) if fault else two_sided(row, found, "personachat", _LICENCE)


def _numbered(row: Row, lines: list[bytes]) -> Dialogue | Rejected:
    personas: dict[str, list[str]] = {"your": [], "partner's": []}
    turns: list[Turn] = []
    silences = 0
    for expected, line in enumerate(lines, 1):
        text, fault = _unnumbered(line, expected)
        if fault:
            return row.rejected(f"line {row.line + expected - 1} {fault}")
        fact = _PERSONA.match(text)
        if fact:
            personas[fact[1]].append(fact[2])
            continue
        said = _exchange(text)
        if said is None:
            return row.rejected(
                f"line {row.line + expected - 1} has no tab between what is said and the answer."
            )
        silences += sum(turn.text == _SILENCE for turn in said)
        turns += [turn for turn in said if turn.text != _SILENCE]
    fault = empty_turn([turn.text for turn in turns])
    if fault:
        return row.rejected(fault)
    return Dialogue(
        turns=tuple(turns),
        id=f"personachat:{row.place}",
        speakers=(
            Speaker("A", persona=tuple(personas["partner's"])),
            Speaker("B", persona=tuple(personas["your"])),
        ),
        corpus="personachat",
        split=split_of(row.path),
        lang="en",
        licence=_LICENCE,
        scenario="small talk",
        meta={"silence": silences} if silences else {},
    )


def _unnumbered(line: bytes, expected: int) -> tuple[str, str]:
    """Return what follows the number of a line, and what is wrong with the line, or ""."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return "", f"has the byte 0x{line[error.start]:02x}, which is not UTF-8; save the file as UTF-8."
    found = _LINE.match(text)
    if found is None or found[1].lstrip("0") != str(expected):
        return "", f"does not begin with the number {expected}; keep the lines of a dialogue in order."
    return found[2], ""


def _exchange(text: str) -> list[Turn] | None:
    said, *answer = text.split("\t")
    if not answer:
        return None
    candidates = answer[-1].split("|") if len(answer) > 1 and answer[-1] else []
    return [Turn("A", said), Turn("B", answer[0], meta={"candidates": candidates} if candidates else {})]
