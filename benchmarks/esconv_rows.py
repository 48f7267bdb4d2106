"""ESConv for next-strategy prediction: a row is a supporter's turn that something came before.

What a row may show is what stood before its turn: the turns, the strategies that the supporter chose so far,
the seeker's situation. The dialogue's length, the survey and the turn itself are never shown.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.corpora.support.esconv import STRATEGY, read

CLASSES = (
    "Question",
    "Restatement or Paraphrasing",
    "Reflection of feelings",
    "Self-disclosure",
    "Affirmation and Reassurance",
    "Providing Suggestions",
    "Information",
    "Others",
)
"""The strategies, in the order of the corpus's documentation."""

SEEKER = -1
"""Stands for a seeker's turn in a sequence of strategies."""

FILES = {"train": "train.jsonl", "validation": "valid.jsonl", "test": "test.jsonl"}


class Row(NamedTuple):
    """One turn to predict.

    Attributes:
        dialogue: id; rows of one dialogue stay together.
        before: the dialogue cut before the turn.
        strategies: for every turn of `before`, the index of its strategy, or `SEEKER`.
        target: index of the strategy to predict.
    """

    dialogue: str
    before: Dialogue
    strategies: tuple[int, ...]
    target: int


def rows_of(dialogue: Dialogue) -> list[Row]:
    """Return the rows of one dialogue; its first turn is none."""
    strategies = tuple(strategy_of(turn) for turn in dialogue.turns)
    return [
        Row(dialogue.id, dialogue.before(index), strategies[:index], target)
        for index, target in enumerate(strategies)
        if index and target != SEEKER
    ]


def strategy_of(turn: Turn) -> int:
    """Return the index of the turn's strategy; `SEEKER` where it has none."""
    values = [label.value for label in turn.labels if label.scheme == STRATEGY]
    return CLASSES.index(values[0]) if values else SEEKER


def load(folder: Path) -> dict[str, list[Row]]:
    """Return the rows of the published split, by its part."""
    return {split: all_rows(read(folder / name)) for split, name in FILES.items()}


def all_rows(found: Iterable[object]) -> list[Row]:
    """Return the rows of all dialogues; what could not be read is left out."""
    return [row for one in found if isinstance(one, Dialogue) for row in rows_of(one)]


def own_strategies(row: Row) -> list[int]:
    """Return the strategies that the supporter chose so far."""
    return [strategy for strategy in row.strategies if strategy != SEEKER]


def last_texts(row: Row, count: int) -> str:
    """Return the last `count` turns with their speakers, one a line."""
    turns: Sequence[Turn] = row.before.turns[-count:]
    return "\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)
