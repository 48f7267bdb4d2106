"""A task: where its items come from, how an answer is scored, and which numbers all cases come to."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from skillofmind.evals.measure import Measure
from skillofmind.evals.records import Answer, Case, Item, Table
from skillofmind.scorers.embedding import Encoders

Asks = Literal["plan", "reply"]
"""What an item asks for."""


def no_tables(cases: Sequence[Case]) -> tuple[Table, ...]:
    """Return none."""
    return ()


class Task(NamedTuple):
    """One thing to be good at.

    Attributes:
        name: such as `bst` or `esconv.next`; unique.
        about: what is asked, in one sentence.
        asks: for a plan, or for a reply.
        corpus: name of the corpus's folder in the data folder; "" for what is in the package.
        items: the data folder -> items, always the same ones in the same order.
        score: item and answer -> scores, without randomness.
        measures: the cases of one arm -> its numbers.
        tables: the cases of one arm -> its tables.
        slices: dimensions of `Item.slices` that the report divides by.
        official: whether it keeps a known fault of the published evaluation code, for comparison.
        embedded: as `score`, with encoders that texts are compared by, too; `None` where none are compared.
    """

    name: str
    about: str
    asks: Asks
    corpus: str
    items: Callable[[Path], Iterator[Item]]
    score: Callable[[Item, Answer], dict[str, float | None]]
    measures: Callable[[Sequence[Case]], list[Measure]]
    tables: Callable[[Sequence[Case]], tuple[Table, ...]] = no_tables
    slices: tuple[str, ...] = ()
    official: bool = False
    embedded: Callable[[Item, Answer, Encoders], dict[str, float | None]] | None = None
