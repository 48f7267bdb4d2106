"""How an error falls with more data: err = a + b n^-c, with a >= 0, b >= 0 and c in 0.01 to 3.

For a given c the best a and b are those of a least-squares line through n^-c; what is left is a function of c
alone, which is searched on a grid that is made finer around its best point until it is done, for the data
and for all resamples at once. Errors of all sizes come from the same test dialogues, so whole dialogues are
drawn again and a difference between sizes keeps its pairs.

With few sizes, c and a are hardly told apart: a slow fall to 0 looks like a fast one to somewhere. The
interval of c says so by its width; that of the prediction is the one to quote.

    >>> law = fit_law([100, 400, 1600], [0.5, 0.3, 0.2])
    >>> round(law.a, 6), round(law.b, 6), round(law.c, 6)
    (0.1, 4.0, 0.5)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.grouping import effective_groups, grouped, summed
from skillofmind.evals.statistics.intervals import Interval, levels, quantiles
from skillofmind.evals.statistics.resampling import Floats, group_weights

RESAMPLES = 1000
"""Resamples of an interval."""

SEED = 7
"""Of the draws."""

SLOWEST, FASTEST = 0.01, 3.0
"""Bounds of c."""

_GRID = 61
_FINER = 9
_ROUNDS = 16


class Law(NamedTuple):
    """A fitted law err = a + b n^-c.

    Attributes:
        a: the error that no amount of data takes away, at least 0.
        b: how much the rest is at n = 1, at least 0.
        c: how fast it falls.
        residual: root of the mean squared distance to the errors.
        at_bound: whether a or b is 0 or c is at a bound, so that the data asked for more than the law allows.
    """

    a: float
    b: float
    c: float
    residual: float
    at_bound: bool

    def at(self, n: float) -> float:
        """Return the error that the law says for size n, more than 0."""
        return float(self.a + self.b * n**-self.c)


class Scaling(NamedTuple):
    """A law with its intervals.

    Attributes:
        law: fitted to all dialogues.
        a: its a.
        c: its c.
        sizes: the sizes.
        errors: at each size.
        ahead: size -> error that is predicted there.
        groups: dialogues.
    """

    law: Law
    a: Interval
    c: Interval
    sizes: tuple[float, ...]
    errors: tuple[Interval, ...]
    ahead: dict[float, Interval]
    groups: int


def fit_law(sizes: Sequence[float], errors: ArrayLike) -> Law:
    """Return the law that is nearest to the errors by least squares.

    Args:
        sizes: [points], at least three different ones above 0; a size may stand there more than once.
        errors: [points].

    Raises:
        ConfigurationError: there are fewer sizes, they do not fit, or a number is not finite.
    """
    given = np.asarray(errors, dtype=np.float64)
    scaled, unit = _scaled(sizes, given[None] if given.ndim == 1 else given)
    a, b, c, squares = (float(part[0]) for part in _fitted(scaled, given[None]))
    bound = a <= 0 or b <= 0 or not SLOWEST * 1.0001 < c < FASTEST * 0.9999
    return Law(a, b * unit**c, c, (squares / len(scaled)) ** 0.5, bound)


def scaling(
    sizes: Sequence[float],
    errors: Floats,
    groups: Sequence[str],
    *,
    ahead: Sequence[float] = (),
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = 0.95,
) -> Scaling:
    """Return the law of the mean error at each size, with intervals over resamples of whole dialogues.

    The intervals hold for the training runs there were: another training seed is no part of them. Give a size
    once for every seed to have the law go through the middle of them.

    Args:
        sizes: [points] of training data, at least three different ones.
        errors: [cases, points], of the same test cases at every size: 1 where it was wrong, or any loss.
        groups: dialogue of each case, at least 2 different ones.
        ahead: further sizes to predict the error at.
        resamples: how many, at least 1.
        seed: of the draw.
        level: more than 0 and less than 1.

    Raises:
        ConfigurationError: there are fewer, they do not fit, or a number is not finite.
    """
    of, count = grouped(len(errors), groups)
    if count < 2 or resamples < 1:
        raise ConfigurationError(
            f"{count!r} groups and {resamples!r} resamples give no interval; give 2 and 1."
        )
    scaled, unit = _scaled(sizes, errors)
    sums = summed(np.column_stack([errors, np.ones(len(errors))]), of, count)
    drawn = group_weights(count, resamples=resamples, seed=seed) @ sums
    means = drawn[:, :-1] / drawn[:, -1:]
    a, b, c, _ = _fitted(scaled, means)
    low, high = levels(effective_groups(of), level)

    def interval(values: Floats) -> Interval:
        return Interval(float(values[0]), *quantiles(values[1:], low, high), level)

    return Scaling(
        fit_law(sizes, means[0]),
        interval(a),
        interval(c),
        tuple(float(n) for n in sizes),
        tuple(interval(column) for column in means.T),
        {float(n): interval(a + b * (n / unit) ** -c) for n in ahead},
        count,
    )


def _scaled(sizes: Sequence[float], errors: Floats) -> tuple[Floats, float]:
    """Return the sizes over the smallest, which keeps n^-c within reach, and the smallest."""
    given = np.asarray(sizes, dtype=np.float64)
    if errors.ndim != 2 or given.ndim != 1 or errors.shape[1] != len(given):
        raise ConfigurationError(
            f"errors of shape {errors.shape!r} do not fit {len(given)!r} sizes; give one for each."
        )
    if len(set(given.tolist())) < 3 or not (np.isfinite(given).all() and given.min() > 0):
        raise ConfigurationError(f"sizes {list(sizes)!r} do not do; give three different ones above 0.")
    if not np.isfinite(errors).all():
        raise ConfigurationError("an error is not finite; leave out the case or the size it is of.")
    unit = float(given.min())
    return given / unit, unit


def _fitted(sizes: Floats, errors: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a, b, c and the sum of squares of each row of errors [rows, points]."""
    low = np.full(len(errors), np.log(SLOWEST))
    high = np.full(len(errors), np.log(FASTEST))
    rows = np.arange(len(errors))
    for points in [_GRID, *[_FINER] * _ROUNDS]:
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, points)
        squares = _line(sizes, errors, np.exp(grid))[2]
        best = squares.argmin(axis=1)
        low, high = grid[rows, np.maximum(best - 1, 0)], grid[rows, np.minimum(best + 1, points - 1)]
    c = np.exp(grid[rows, best])
    a, b, squares = (part[:, 0] for part in _line(sizes, errors, c[:, None]))
    return a, b, c, squares


def _line(sizes: Floats, errors: Floats, c: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the best a >= 0, b >= 0 and their squares for each c [rows, grid]."""
    x = sizes ** -c[..., None]
    y = np.broadcast_to(errors[:, None, :], x.shape)
    away = x - x.mean(axis=-1, keepdims=True)
    slope = (away * y).sum(axis=-1) / (away**2).sum(axis=-1)
    start = y.mean(axis=-1) - slope * x.mean(axis=-1)
    through = np.maximum((x * y).sum(axis=-1) / (x**2).sum(axis=-1), 0.0)
    flat = np.maximum(y.mean(axis=-1), 0.0)
    # With two bounds the best point is inside, or on one of both edges.
    inside = (slope >= 0) & (start >= 0)
    edges = [(np.zeros_like(through), through), (flat, np.zeros_like(flat))]
    left = [((y - a[..., None] - b[..., None] * x) ** 2).sum(axis=-1) for a, b in edges]
    first = left[0] <= left[1]
    a = np.where(inside, start, np.where(first, edges[0][0], edges[1][0]))
    b = np.where(inside, slope, np.where(first, edges[0][1], edges[1][1]))
    squares: Floats = ((y - a[..., None] - b[..., None] * x) ** 2).sum(axis=-1)
    return a, b, squares
