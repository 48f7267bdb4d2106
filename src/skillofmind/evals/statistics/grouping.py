"""Groups of cases: whole dialogues, which are drawn, swapped and added up together.

>>> of, count = numbered(["b", "a", "b"])
>>> of.tolist(), count
([0, 1, 0], 2)
>>> summed(np.array([[1.0], [2.0], [4.0]]), of, count).tolist()
[[5.0], [2.0]]
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.resampling import Floats

Indices = NDArray[np.int64]


def numbered(groups: Sequence[str]) -> tuple[Indices, int]:
    """Return the number of each case's group, counted from 0 as they come, and how many there are."""
    names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
    return np.array([names[group] for group in groups], dtype=np.int64), len(names)


def summed(rows: Floats, of: Indices, count: int) -> Floats:
    """Return the sums of the rows of each group.

    Args:
        rows: [cases, columns].
        of: [cases], the group of each.
        count: how many groups there are.

    Returns:
        [groups, columns].
    """
    found = np.zeros((count, rows.shape[1]))
    np.add.at(found, of, rows)
    return found


def effective_groups(of: Indices) -> float:
    """Return how many groups of equal size they are worth: (sum m)^2 / sum m^2 of the sizes m.

    With cases independent inside a group it is the effective number of clusters of Carter, Schnepel and
    Steigerwald (2017, Review of Economics and Statistics 99); with like cases it would be lower still.

    Args:
        of: [cases], the group of each; at least one case.

    Returns:
        1 to the number of groups.
    """
    sizes = np.bincount(of).astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def grouped(cases: int, groups: Sequence[str] | None) -> tuple[Indices, int]:
    """Return `numbered(groups)`, each case being a group of its own where `groups` is `None`.

    Raises:
        ConfigurationError: there are more or fewer groups than cases.
    """
    if groups is None:
        return np.arange(cases, dtype=np.int64), cases
    if len(groups) != cases:
        raise ConfigurationError(
            f"there are {len(groups)!r} groups for {cases!r} values; give each value one."
        )
    return numbered(groups)


def values_of(values: ArrayLike, least: int = 1) -> Floats:
    """Return the values as one row of numbers.

    Raises:
        ConfigurationError: there are fewer than `least`, or one is not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < least:
        raise ConfigurationError(
            f"values of shape {found.shape!r} do not do; give a list of {least} or more."
        )
    if not np.isfinite(found).all():
        raise ConfigurationError("a value is not finite; leave out what is missing, on both sides of a pair.")
    return found


def pairs_of(first: ArrayLike, second: ArrayLike, least: int = 1) -> tuple[Floats, Floats]:
    """Return both sides as rows of numbers.

    Raises:
        ConfigurationError: as `values_of`, or one side has more values.
    """
    one, other = values_of(first, least), values_of(second, least)
    if len(one) != len(other):
        raise ConfigurationError(
            f"there are {len(one)!r} and {len(other)!r} values; pairs need as many of both."
        )
    return one, other
