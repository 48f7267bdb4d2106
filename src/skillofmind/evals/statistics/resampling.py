"""Drawing groups again: weights that say how often each group of a resample counts.

A measure that is a function of sums over cases needs no cases to be copied: with W [resamples, groups] and
the sums of each group S [groups, columns], all resamples are the one product W S.

A row of W counts `groups` draws of one group each. Drawing them one by one and counting takes a tenth of the
time of drawing the counts from the multinomial distribution, whose cost lies in one binomial draw a group.

    >>> group_weights(3, resamples=2, seed=0).sum(axis=1)
    array([3., 3., 3.])
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 4_000_000
"""Most numbers of a block of rows: 32 MB."""

_DRAWN = 256_000
"""Most draws that are counted at once: 2 MB, which the processor's cache holds."""


def group_weights(groups: int, *, resamples: int, seed: int) -> Floats:
    """Return how often each group is drawn, [1 + resamples, groups]; the first row takes each once.

    Args:
        groups: at least 1.
        resamples: draws with replacement, `groups` from `groups` each.
        seed: of the draw.
    """
    weights = np.ones((1 + resamples, groups))
    _count_draws(weights[1:], np.random.default_rng(seed))
    return weights


def swapped_groups(groups: int, *, permutations: int, seed: int) -> Floats:
    """Return 1 where a group's two sides change places and 0 where not, [1 + permutations, groups].

    The first row swaps none.
    """
    coins = np.random.default_rng(seed).integers(0, 2, (permutations, groups)).astype(np.float64)
    return np.vstack([np.zeros(groups), coins])


def weight_blocks(groups: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield the rows of `group_weights` in blocks, so that many groups need no more memory than a few."""
    draw = np.random.default_rng(seed)
    yield np.ones((1, groups))
    for rows in _blocks(resamples, groups, BLOCK):
        weights = np.empty((rows, groups))
        _count_draws(weights, draw)
        yield weights


def swap_blocks(groups: int, *, permutations: int, seed: int) -> Iterator[Floats]:
    """Yield the rows of `swapped_groups` in blocks."""
    draw = np.random.default_rng(seed)
    yield np.zeros((1, groups))
    for rows in _blocks(permutations, groups, BLOCK):
        yield draw.integers(0, 2, (rows, groups)).astype(np.float64)


def _count_draws(weights: Floats, draw: np.random.Generator) -> None:
    """Fill each row of `weights` [rows, groups] with how often each group came in as many draws as groups.

    The stream of draws is the same however many rows are counted at once.
    """
    rows, groups = weights.shape
    start = 0
    for count in _blocks(rows, groups, _DRAWN):
        drawn = draw.integers(groups, size=(count, groups))
        drawn += np.arange(0, count * groups, groups)[:, None]
        counted = np.bincount(drawn.ravel(), minlength=count * groups)
        weights[start : start + count] = counted.reshape(count, groups)
        start += count


def _blocks(rows: int, columns: int, numbers: int) -> Iterator[int]:
    """Yield numbers of rows that make up `rows`, each of at most `numbers` numbers or one row."""
    most = max(1, numbers // max(columns, 1))
    for start in range(0, rows, most):
        yield min(most, rows - start)
