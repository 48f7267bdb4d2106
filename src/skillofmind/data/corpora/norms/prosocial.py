"""ProsocialDialog: answers to problematic remarks, with the rules of thumb behind them (arXiv 2205.12688).

Two forms. `allenai/prosocial-dialog` exported (JSONL, list or columns): a row is what A says (`context`) and
what B answers (`response`), consecutive rows with equal `dialogue_id` are a dialogue. The download of the
authors: a JSON list of dialogues, each a list of such rows with `text` and `labels[0]`. Licence: CC BY 4.0.

    context | text, response | labels[0]   turns of A and of B
    rots                       of the dialogue's last row: context.rules_of_thumb, as the Thanos data has it;
                               of each row: meta of B's turn
    safety_label               label `prosocial.safety_label` of A's turn, verbatim (`__needs_caution__`)
    safety_annotations[i]      label `prosocial.safety_annotation` of A's turn by annotator `i`, from 1
    safety_annotation_reasons  meta of A's turn
    dialogue_id                the id; unique only within a split, so the split is part of it
    source, etc, response_id   meta of A's turn

Pitfalls: `rots` may be null or empty, for casual turns; the dialogue is kept without rules. A dialogue ends
at `episode_done` or where the id changes, so shuffled rows come out as several short dialogues. A row
without `dialogue_id` in the first form is a dialogue of its own.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, shaped, usable
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_META = ("safety_annotation_reasons", "source", "etc", "response_id")


class Exchange(Shape, frozen=True):
    """One row as published, in either form."""

    context: str | None = None
    text: str | None = None
    response: str | None = None
    labels: list[str] | None = None
    eval_labels: list[str] | None = None
    rots: list[str] | None = None
    safety_label: str | None = None
    safety_annotations: list[str] | None = None
    dialogue_id: int | str | None = None
    episode_done: bool | None = None

    def said(self) -> str | None:
        """Return what A says."""
        return self.context if self.context is not None else self.text

    def answered(self) -> str | None:
        """Return what B answers."""
        return (
            self.response
            if self.response is not None
            else next(iter(self.labels or self.eval_labels or ()), None)
        )


Told = tuple[Exchange, Row]


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from gathered(file, json_rows(file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has a safety label and two sides."""
    keys = keys_of(head)
    return "safety_label" in keys and ({"context", "response"} <= keys or "text" in keys)


def gathered(file: Path, rows: Iterator[Row | Rejected]) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues that the rows make, in the order of the file; one dialogue is held at a time."""
    open_: list[Told] = []
    numbers = count(1)
    for row in rows:
        if isinstance(row, Row) and isinstance(row.value, list):
            yield from _listed(file, row, next(numbers))
            continue
        exchange = row if isinstance(row, Rejected) else _exchange(row)
        if isinstance(exchange, Rejected):
            yield exchange
            continue
        if open_ and (exchange[0].dialogue_id is None or exchange[0].dialogue_id != open_[0][0].dialogue_id):
            yield _dialogue(file, open_, next(numbers))
            open_ = []
        open_.append(exchange)
        if exchange[0].episode_done:
            yield _dialogue(file, open_, next(numbers))
            open_ = []
    if open_:
        yield _dialogue(file, open_, next(numbers))


def _exchange(row: Row) -> Told | Rejected:
    found = shaped(row, Exchange)
    if isinstance(found, Rejected):
        return found
    if not found.said() or not found.answered():
        return row.rejected("what was said or what was answered is missing; both belong in a row.")
    return found, row


def _listed(file: Path, row: Row, number: int) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogue of a row that is a list of exchanges, and the exchanges that are none."""
    told: list[Told] = []
    for value in row.value:
        exchange = _exchange(msgspec.structs.replace(row, value=value))
        if isinstance(exchange, Rejected):
            yield exchange
        else:
            told.append(exchange)
    if told:
        yield _dialogue(file, told, number)
    elif not row.value:
        yield row.rejected("the dialogue has no turns; give at least one.")


def _dialogue(file: Path, told: list[Told], number: int) -> Dialogue | Rejected:
    first = told[0][0].dialogue_id
    split = split_of(file)
    name = f"{stem(file)}:{number}" if first is None else f"{split}:{first}" if split else first
    dialogue = Dialogue(
        turns=tuple(turn for exchange, row in told for turn in _turns(exchange, row)),
        context=SocialContext(
            rules_of_thumb=tuple(told[-1][0].rots or ()),
            roles="B answers A kindly and says what is right, going by the rules of thumb.",
        ),
        id=f"prosocial:{name}",
        speakers=(Speaker("A", role="makes problematic remarks"), Speaker("B", role="answers prosocially")),
        corpus="prosocial",
        split=split,
        lang="en",
        licence=LICENCE,
        scenario="safety",
    )
    return usable(dialogue, told[0][1])


def _turns(exchange: Exchange, row: Row) -> tuple[Turn, Turn]:
    labels = [Label("prosocial.safety_label", exchange.safety_label)] if exchange.safety_label else []
    labels += [
        Label("prosocial.safety_annotation", value, annotator=str(annotator))
        for annotator, value in enumerate(exchange.safety_annotations or (), 1)
    ]
    told: dict[str, Any] = {name: row.value[name] for name in _META if row.value.get(name) not in (None, "")}
    return (
        Turn("A", exchange.said() or "", labels=tuple(labels), meta=told),
        Turn("B", exchange.answered() or "", meta={"rots": exchange.rots} if exchange.rots else {}),
    )
