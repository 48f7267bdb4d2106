"""What a training command reads: rows of the forms of `train.chat`, or annotated dialogues.

An annotated dialogue gives, for every annotated turn, the planner's question with one answer for each
annotation, of which each pass draws one; or, for preferences, the real reply against the counterfactual.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.dataset.examples import Shape, preference_rows, sft_rows
from skillofmind.mind.starter import starter_path
from skillofmind.train.chat.read import Placed, read_rows
from skillofmind.train.rows.token_row import Refused

Row = dict[str, Any] | Placed | Refused
Maker = Callable[[Dialogue, Shape], Iterator[dict[str, Any]]]

TRAIN, HELD_OUT = (None, "train"), ("validation",)
"""Splits of dialogues that are trained on, and evaluated on."""


def supervised(file: Path | None, splits: Iterable[str | None]) -> Iterator[Row]:
    """Yield rows with prompt and completion; those of the package's dialogues without a file.

    Raises:
        DataError: the file cannot be read, or is not JSONL.
    """
    return _rows(file, sft_rows, splits)


def preferences(file: Path | None, splits: Iterable[str | None]) -> Iterator[Row]:
    """Yield rows with prompt, chosen and rejected; those of the package's dialogues without a file.

    Raises:
        DataError: the file cannot be read, or is not JSONL.
    """
    return _rows(file, preference_rows, splits)


def has_dialogues(file: Path | None) -> bool:
    """Say whether a file, or the package's without one, holds dialogues rather than rows."""
    first = next(read_rows([file or starter_path()]), None)
    return isinstance(first, Placed) and "turns" in first.row


def _rows(file: Path | None, make: Maker, splits: Iterable[str | None]) -> Iterator[Row]:
    source = file or starter_path()
    if not has_dialogues(file):
        return read_rows([source])
    chosen = set(splits)
    dialogues = (one for one in accepted(read_dialogues(source)) if one.split in chosen)
    return (row for dialogue in dialogues for row in annotated(dialogue, make))


def annotated(dialogue: Dialogue, make: Maker = sft_rows) -> Iterator[dict[str, Any]]:
    """Yield the rows of every annotated turn; those of one turn share an `id`."""
    shape = Shape()
    for number, turn in enumerate(dialogue.turns):
        if turn.annotations and number > 0:
            cut = msgspec.structs.replace(
                dialogue, id=f"{dialogue.id}#{number}", turns=dialogue.turns[: number + 1]
            )
            yield from make(cut, shape)
