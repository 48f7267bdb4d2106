"""Which rows make which update: a function of the seed alone, so that a resumed run sees the same.

A run goes through one stage or several (a curriculum), through each stage a number of times (passes). A pass
shuffles its rows with the generator PCG64([seed, stage, pass]), draws one choice of every example, packs if
asked to, and cuts what comes out into updates of `batch` bins. A *bin* is one sequence of the network: one
row, or several packed ones. The last update of a pass may be smaller.

`share` then deals the bins of an update to ranks and micro-batches; every rank gets equally many
micro-batches, empty ones where need be, because ranks of a sharded network take their steps together.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skillofmind.train.rows.packing import packed

Drawn = tuple[int, int]
"""Number of an example, and of the choice that this pass trains."""

Bin = tuple[Drawn, ...]
"""What one sequence of the network holds."""

GROUP_UPDATES = 50
"""With `by_length`, rows are sorted by length within so many updates' worth of shuffled rows."""


class Order(NamedTuple):
    """How rows become updates.

    Attributes:
        batch: bins of an update, over all ranks; at least 1.
        passes: times through each stage.
        updates: end after so many; `None` ends with the passes.
        seed: of shuffling and drawing.
        capacity: tokens of a packed bin; `None` does not pack.
        by_length: put rows of like length into one update, which saves padding.
    """

    batch: int
    passes: int = 1
    updates: int | None = None
    seed: int = 0
    capacity: int | None = None
    by_length: bool = False


class Update(NamedTuple):
    """One optimiser step's rows.

    Attributes:
        stage: number of the stage.
        passed: number of the pass within it.
        bins: what to train on.
        done: passes through the rows, those of all stages together, when it is made.
    """

    stage: int
    passed: int
    bins: tuple[Bin, ...]
    done: float


def planned(
    lengths: Sequence[Sequence[int]], order: Order, stages: Sequence[Sequence[int]] | None = None
) -> list[Update]:
    """Return all updates of a run.

    Args:
        lengths: tokens of each choice of each example.
        order: how.
        stages: numbers of the examples of each stage; all in one without it.
    """
    whole = stages if stages is not None else [range(len(lengths))]
    found: list[Update] = []
    for update in _updates(lengths, order, whole):
        if order.updates is not None and len(found) >= order.updates:
            break
        found.append(update)
    return found


def _updates(
    lengths: Sequence[Sequence[int]], order: Order, stages: Sequence[Sequence[int]]
) -> Iterator[Update]:
    for stage, members in enumerate(stages):
        for passed in range(order.passes):
            generator = np.random.Generator(np.random.PCG64([order.seed, stage, passed]))
            bins = _bins(lengths, members, order, generator)
            before = stage * order.passes + passed
            for start in range(0, len(bins), order.batch):
                mine = tuple(bins[start : start + order.batch])
                yield Update(stage, passed, mine, before + (start + len(mine)) / len(bins))


def _bins(
    lengths: Sequence[Sequence[int]], members: Sequence[int], order: Order, generator: np.random.Generator
) -> list[Bin]:
    """Return the bins of one pass, in order."""
    shuffled = [members[place] for place in generator.permutation(len(members))]
    drawn = [
        (number, int(share * len(lengths[number])))
        for number, share in zip(shuffled, generator.random(len(shuffled)), strict=True)
    ]
    sizes = [lengths[number][choice] for number, choice in drawn]
    if order.capacity is not None:
        bins = [tuple(drawn[place] for place in one) for one in packed(sizes, order.capacity)]
        return [bins[place] for place in generator.permutation(len(bins))]
    if order.by_length:
        drawn = _grouped(drawn, sizes, order.batch, generator)
    return [(one,) for one in drawn]


def _grouped(drawn: list[Drawn], sizes: list[int], batch: int, generator: np.random.Generator) -> list[Drawn]:
    """Return the rows with like lengths together; the updates themselves stay shuffled."""
    places = list(range(len(drawn)))
    window = batch * GROUP_UPDATES
    groups: list[list[int]] = []
    for start in range(0, len(places), window):
        ordered = sorted(places[start : start + window], key=lambda place: -sizes[place])
        groups += [ordered[first : first + batch] for first in range(0, len(ordered), batch)]
    # A group smaller than the others must stay last, or every update after it would mix two groups.
    full = [group for group in groups if len(group) == batch]
    rest = [group for group in groups if len(group) < batch]
    mixed = [full[place] for place in generator.permutation(len(full))] + rest
    return [drawn[place] for group in mixed for place in group]


def share(bins: Sequence[Bin], micro: int, rank: int, world: int) -> list[tuple[Bin, ...]]:
    """Return the micro-batches of one rank: `micro` bins each, the last ones smaller or empty.

    Together the ranks hold every bin once, and each rank has equally many micro-batches.
    """
    rounds = max(1, -(-len(bins) // (micro * world)))
    mine = [*bins[rank::world]]
    return [tuple(mine[place * micro : (place + 1) * micro]) for place in range(rounds)]


def staged(gaps: Sequence[float], stages: int, *, hardest_first: bool = False) -> list[list[int]]:
    """Return stages of row numbers, from easy (large gap) to hard, of nearly equal size (arXiv 2505.17558).

    Args:
        gaps: how far chosen and rejected are apart to an independent judge, for each pair.
        stages: how many, at least 1; 1 is no curriculum.
        hardest_first: the other way round, as a control.
    """
    ordered = sorted(range(len(gaps)), key=lambda index: (-gaps[index], index))
    if hardest_first:
        ordered.reverse()
    parts = np.array_split(np.array(ordered, dtype=np.int64), min(stages, max(1, len(ordered))))
    return [[int(index) for index in part] for part in parts]
