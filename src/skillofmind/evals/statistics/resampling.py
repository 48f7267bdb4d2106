"""Drawing groups again: weights that say how often each group of a resample counts.

A measure that is a function of sums over cases needs no cases to be copied: with W [resamples, groups] and
the sums of each group S [groups, columns], all resamples are the one product W S.

    >>> group_weights(3, resamples=2, seed=0).sum(axis=1)
    array([3., 3., 3.])
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 4_000_000
"""Most numbers of a block of rows: 32 MB."""


def group_weights(groups: int, *, resamples: int, seed: int) -> Floats:
    """Return how often each group is drawn, [1 + resamples, groups]; the first row takes each once.

    Args:
        groups: at least 1.
        resamples: draws with replacement, `groups` from `groups` each.
        seed: of the draw.
    """
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), resamples)
    return np.vstack([np.ones(groups), drawn.astype(np.float64)])


def swapped_groups(groups: int, *, permutations: int, seed: int) -> Floats:
    """Return 1 where a group's two sides change places and 0 where not, [1 + permutations, groups].

    The first row swaps none.
    """
    coins = np.random.default_rng(seed).integers(0, 2, (permutations, groups)).astype(np.float64)
    return np.vstack([np.zeros(groups), coins])


def weight_blocks(groups: int, *, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield the rows of `group_weights` in blocks, so that many groups need no more memory than a few."""
    draw, shares = np.random.default_rng(seed), np.full(groups, 1 / max(groups, 1))
    yield np.ones((1, groups))
    for rows in _blocks(resamples, groups):
        yield draw.multinomial(groups, shares, rows).astype(np.float64)


def swap_blocks(groups: int, *, permutations: int, seed: int) -> Iterator[Floats]:
    """Yield the rows of `swapped_groups` in blocks."""
    draw = np.random.default_rng(seed)
    yield np.zeros((1, groups))
    for rows in _blocks(permutations, groups):
        yield draw.integers(0, 2, (rows, groups)).astype(np.float64)


def _blocks(rows: int, columns: int) -> Iterator[int]:
    most = max(1, BLOCK // max(columns, 1))
    for start in range(0, rows, most):
        yield min(most, rows - start)
