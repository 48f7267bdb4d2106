"""Data where the truth is known, and what a check of a test or an interval on it is.

Cases of a dialogue are alike: its own rate or level is drawn first (intraclass correlation 0.2 to 0.3), and
dialogues have 1 to 11 cases.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.statistics.resampling import Floats

ALPHA = 0.05
DRAWS = 499
"""Resamples and permutations of one simulation."""

Draw = np.random.Generator


class Check(NamedTuple):
    """One test or interval in one situation.

    Attributes:
        name: what is checked, and where.
        once: draws data with the generator and the seed of the resamples; says whether the test rejected, or
            the interval held the true value.
        expected: rate of that.
        contrast: measured to show where a method ends; it need not hold.
        at_most: lower rates are as good.
    """

    name: str
    once: Callable[[Draw, int], bool]
    expected: float
    contrast: bool = False
    at_most: bool = False


def rejects(p: float | None) -> bool:
    """Say whether a test at `ALPHA` finds something."""
    return p is not None and p <= ALPHA


def holds(low: float | None, high: float | None, true: float) -> bool:
    """Say whether an interval holds the true value."""
    return low is not None and high is not None and low <= true <= high


def dialogues(draw: Draw, count: int, *, equal: bool = False) -> list[str]:
    """Return the dialogue of each case: 1 to 11 cases in each, or 6 where they are `equal`."""
    sizes = np.full(count, 6) if equal else draw.integers(1, 12, count)
    return [str(group) for group in np.repeat(np.arange(count), sizes)]


def _levels(draw: Draw, groups: Sequence[str], spread: float) -> Floats:
    of = np.array([int(group) for group in groups])
    found: Floats = draw.normal(0, spread, of.max() + 1)[of]
    return found


def ratings(draw: Draw, groups: Sequence[str]) -> Floats:
    """Return normal values of mean 0, 30 % of whose variance is that of their dialogue."""
    found: Floats = _levels(draw, groups, 0.3**0.5) + draw.normal(0, 0.7**0.5, len(groups))
    return found


def skewed(draw: Draw, groups: Sequence[str]) -> Floats:
    """Return log-normal values (sigma 0.8) of mean 0; 30 % of the log variance is that of the dialogue."""
    found: Floats = np.exp(0.8 * ratings(draw, groups)) - np.exp(0.32)
    return found


def right(draw: Draw, groups: Sequence[str], rate: float = 0.7) -> Floats:
    """Return 0 or 1, with the rate of each dialogue from a beta distribution (intraclass correlation 0.2)."""
    of = np.array([int(group) for group in groups])
    own = draw.beta(4 * rate, 4 * (1 - rate), of.max() + 1)
    found: Floats = (draw.random(len(of)) < own[of]).astype(np.float64)
    return found


def labelled(draw: Draw, groups: Sequence[str]) -> Measure:
    """Return the macro-F1 of three labels that are right equally often and mistaken alike; it is 0.7."""
    gold = draw.integers(0, 3, len(groups))
    hit = right(draw, groups).astype(bool)
    said = np.where(hit, gold, (gold + draw.integers(1, 3, len(gold))) % 3)
    rows = np.hstack([np.eye(3)[gold] * hit[:, None], np.eye(3)[gold], np.eye(3)[said]])
    return Measure("macro_f1", rows, _macro_f1, len(gold))


def _macro_f1(sums: Floats) -> Floats:
    both, below = 2 * sums[..., :3], sums[..., 3:6] + sums[..., 6:]
    each: Floats = np.divide(both, below, out=np.zeros_like(both), where=below > 0)
    found: Floats = each.mean(axis=-1)
    return found


def accuracy(draw: Draw, groups: Sequence[str]) -> Measure:
    """Return the accuracy of `right`; it is 0.7."""
    return mean_of("accuracy", right(draw, groups).tolist())


def cost(draw: Draw, groups: Sequence[str]) -> Measure:
    """Return the mean of `skewed`; it is 0."""
    return mean_of("cost", skewed(draw, groups).tolist())
