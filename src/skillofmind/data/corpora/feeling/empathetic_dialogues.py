"""EmpatheticDialogues: somebody tells of a feeling, somebody listens (arXiv 1811.00207).

Four forms. The authors' `train.csv`, `valid.csv`, `test.csv`: a row an utterance, commas in texts written
`_comma_`, cells not quoted reliably, so a line is split on its first seven commas and nothing else. The same
rows as JSON (`facebook/empathetic_dialogues` exported: list, lines or columns). Grouped lines
`{conv_id, prompt, label, utterence}`. And `listener_intents_manual.jsonl`, utterances of listeners with an
intent chosen by hand (Welivita & Pu, COLING 2020; research use). Licence of the dialogues: CC BY-NC 4.0.

    conv_id               the id; consecutive rows with the same one are a dialogue
    context | label       context.emotion
    prompt                context.situation
    utterance | utterence turns; the odd `utterance_idx` are the Speaker's, the even ones the Listener's
    speaker_idx           turn meta, as `utterance_idx`
    selfeval, tags        meta
    text, intent          a dialogue of one turn with the label `empathetic_dialogues.intent`

`_comma_` becomes `,` again: it is how the file writes a comma, as JSON writes a quote, not what was said.

Pitfalls: a strict csv reader joins rows at stray quotes. `_comma_` that somebody really wrote is not told
from a comma. The speaker of a turn follows from `utterance_idx` alone; `speaker_idx` counts workers in some
files.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.corpora.csv_rows import not_utf8
from skillofmind.data.corpora.folder import (
    columns_of,
    files_of,
    keys_of,
    plain_name,
    source_of,
    split_of,
    stem,
)
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.opening import lines_of
from skillofmind.data.corpora.rows import Row, Shape, shaped, usable
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY-NC 4.0"
INTENT = "empathetic_dialogues.intent"
_COLUMNS = ("conv_id", "utterance_idx", "context", "prompt", "speaker_idx", "utterance", "selfeval", "tags")
_SPEAKERS = (
    Speaker("Speaker", role="tells of a feeling", human=True),
    Speaker("Listener", role="listens", human=True),
)


class Said(Shape, frozen=True):
    """One row of the authors' table."""

    conv_id: str
    utterance_idx: int | str
    utterance: str
    context: str | None = None
    prompt: str | None = None
    speaker_idx: int | str | None = None
    selfeval: str | None = None
    tags: str | None = None


class Conversation(Shape, frozen=True):
    """One grouped line."""

    conv_id: str
    utterence: list[str]
    prompt: str | None = None
    label: str | None = None


class Intent(Shape, frozen=True):
    """One line of the hand-labelled intents."""

    text: str
    intent: str


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.csv", "**/*.json"):
        rows = _csv(file) if plain_name(file).endswith(".csv") else json_rows(file)
        yield from gathered(file, rows)


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the head is that of one of the four forms."""
    keys = keys_of(head)
    return (
        columns_of(head)[:6] == _COLUMNS[:6]
        or {"conv_id", "utterence"} <= keys
        or {"conv_id", "utterance_idx", "utterance"} <= keys
        or keys == {"text", "intent"}
    )


def gathered(file: Path, rows: Iterator[Row | Rejected]) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues that the rows make; one dialogue is held at a time."""
    open_: list[tuple[Said, Row]] = []
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        elif isinstance(row.value, dict) and "utterance_idx" in row.value:
            said = _told(row)
            if isinstance(said, Rejected):
                yield said
                continue
            if open_ and open_[0][0].conv_id != said.conv_id:
                yield _from_rows(file, open_)
                open_ = []
            open_.append((said, row))
        else:
            yield _whole(file, row)
    if open_:
        yield _from_rows(file, open_)


def _csv(file: Path) -> Iterator[Row | Rejected]:
    """Yield the lines of the authors' table."""
    numbers = count(1)
    lines = lines_of(file)
    _, names = next(lines, (1, b""))
    if tuple(_cells(names)[:6]) != _COLUMNS[:6]:
        raise DataError(
            f"{source_of(file)}:1: the columns must be {', '.join(_COLUMNS)}; fetch the file again."
        )
    for line, raw in lines:
        if raw.strip():
            yield _csv_row(Row(file, line, next(numbers), _cells(raw)))


def _cells(raw: bytes) -> list[str]:
    return raw.decode("utf-8", "surrogateescape").rstrip("\r\n").split(",", len(_COLUMNS) - 1)


def _csv_row(row: Row) -> Row | Rejected:
    cells: list[str] = row.value
    if len(cells) < len(_COLUMNS) - 1:
        return row.rejected(f"{len(cells)} cells where {len(_COLUMNS)} belong; fetch the file again.")
    fault = not_utf8(*cells)
    return (
        row.rejected(fault)
        if fault
        else msgspec.structs.replace(row, value=dict(zip(_COLUMNS, cells, strict=False)))
    )


def _told(row: Row) -> Said | Rejected:
    said = shaped(row, Said)
    if isinstance(said, Rejected):
        return said
    if not str(said.utterance_idx).isdecimal():
        return row.rejected(f"utterance_idx {said.utterance_idx!r} is no number; it tells who speaks.")
    return said if said.utterance.strip() else row.rejected("the utterance is empty; nobody spoke.")


def _from_rows(file: Path, told: list[tuple[Said, Row]]) -> Dialogue | Rejected:
    first, row = told[0]
    meta = {"selfeval": first.selfeval, "tags": first.tags}
    dialogue = _dialogue(
        file,
        first.conv_id,
        tuple(_turn(said) for said, _ in told),
        SocialContext(emotion=first.context or None, situation=_commas(first.prompt or "") or None),
        {name: value for name, value in meta.items() if value},
    )
    return usable(dialogue, row)


def _turn(said: Said) -> Turn:
    index = int(said.utterance_idx)
    speaker = _SPEAKERS[(index - 1) % 2].key
    meta: dict[str, Any] = {"utterance_idx": index}
    if said.speaker_idx is not None:
        meta["speaker_idx"] = str(said.speaker_idx)
    return Turn(speaker, _commas(said.utterance), meta=meta)


def _commas(text: str) -> str:
    return text.replace("_comma_", ",")


def _whole(file: Path, row: Row) -> Dialogue | Rejected:
    """Return the dialogue of a row that is one: a grouped line or a listener's labelled utterance."""
    if isinstance(row.value, dict) and "intent" in row.value:
        return _labelled(file, row)
    found = shaped(row, Conversation)
    if isinstance(found, Rejected):
        return found
    turns = tuple(Turn(_SPEAKERS[index % 2].key, text) for index, text in enumerate(found.utterence))
    context = SocialContext(emotion=found.label or None, situation=found.prompt or None)
    return usable(_dialogue(file, found.conv_id, turns, context, {}), row)


def _labelled(file: Path, row: Row) -> Dialogue | Rejected:
    found = shaped(row, Intent)
    if isinstance(found, Rejected):
        return found
    turn = Turn("Listener", found.text, labels=(Label(INTENT, found.intent),))
    dialogue = _dialogue(file, f"{stem(file)}:{row.number}", (turn,), SocialContext(), {})
    return msgspec.structs.replace(dialogue, licence="research use", speakers=_SPEAKERS[1:])


def _dialogue(
    file: Path, name: str, turns: tuple[Turn, ...], context: SocialContext, meta: dict[str, Any]
) -> Dialogue:
    return Dialogue(
        turns=turns,
        context=context,
        id=f"empathetic_dialogues:{name}",
        speakers=_SPEAKERS,
        corpus="empathetic_dialogues",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="emotional support",
        meta=meta,
    )
