"""Means of cases that come in clusters (dialogues), with an error that knows of them.

    mean = sum x / n,  naive error^2 = sum (x - mean)^2 / (n (n - 1))
    cluster error^2 = c * sum over clusters of (sum over its cases of (x - mean))^2 / n^2
    c = 1 (CR0) or G / (G - 1) * (n - 1) / (n - k) (CR1, k = 1 for a mean, 2 for a difference)

Intervals and tests take Student's t with G - 1 degrees of freedom. Equal to an OLS fit of `statsmodels` with
`cov_type="cluster"` and `use_t=True`. The naive error takes every case for news of its own; the ratio of both
squared is the design effect: how many times more cases are needed than if they were.

    >>> one = mean_with_cluster_errors([1, 1, 0, 0, 1, 0], ["a", "a", "b", "b", "c", "c"])
    >>> round(one.value, 3), round(one.error, 3), round(one.naive, 3), one.clusters
    (0.5, 0.289, 0.224, 3)
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.distributions import share, t_quantile, t_two_sided
from skillofmind.evals.statistics.grouping import Indices, grouped, summed, values_of
from skillofmind.evals.statistics.resampling import Floats

Correction = Literal["CR0", "CR1"]
"""Whether the error is corrected for few clusters (`CR1`) or not (`CR0`)."""


class ClusterMean(NamedTuple):
    """A mean, or a difference of means, of cases in clusters.

    Attributes:
        value: the mean or the difference.
        error: its cluster-robust standard error.
        low: lower end of the interval.
        high: upper end.
        t: value / error.
        p: two-sided probability of so large a t where the true value is 0.
        df: degrees of freedom, clusters - 1.
        naive: the standard error if cases were independent.
        design_effect: error^2 / naive^2; 1 where both are 0.
        n: cases.
        clusters: how many.
    """

    value: float
    error: float
    low: float
    high: float
    t: float
    p: float
    df: int
    naive: float
    design_effect: float
    n: int
    clusters: int


def mean_with_cluster_errors(
    values: ArrayLike, groups: Sequence[str], *, correction: Correction = "CR1", level: float = 0.95
) -> ClusterMean:
    """Return the mean of the values; of paired differences it is the mean difference.

    Args:
        values: [cases], at least 2.
        groups: of each case, at least 2 different ones.
        correction: for few clusters, or none.
        level: of the interval, more than 0 and less than 1.

    Raises:
        ConfigurationError: there are fewer, they do not fit, or a value is not finite.
    """
    given = values_of(values, 2)
    of, count = _clusters(len(given), groups)
    n, value = len(given), float(given.mean())
    away = given - value
    naive = math.sqrt(float((away**2).sum()) / (n * (n - 1)))
    error = _error(away / n, of, count, n, 1, correction)
    return _mean(value, error, naive, n, count, share("level", level))


def difference_with_cluster_errors(
    first: ArrayLike,
    first_groups: Sequence[str],
    second: ArrayLike,
    second_groups: Sequence[str],
    *,
    correction: Correction = "CR1",
    level: float = 0.95,
) -> ClusterMean:
    """Return the mean of second minus that of first, of different cases; clusters may be on both sides.

    For pairs, `mean_with_cluster_errors` of their differences is the narrower one.

    Args:
        first: [cases], at least 2.
        first_groups: of each of them.
        second: [other cases], at least 2.
        second_groups: of each of them.
        correction: for few clusters, or none.
        level: of the interval, more than 0 and less than 1.

    Raises:
        ConfigurationError: there are fewer, or fewer than two clusters, or they do not fit, or a value is not
            finite.
    """
    one, other = values_of(first, 2), values_of(second, 2)
    for side, names in ((one, first_groups), (other, second_groups)):
        grouped(len(side), names)
    of, count = _clusters(len(one) + len(other), [*first_groups, *second_groups])
    away, others_away = one - one.mean(), other - other.mean()
    n = len(one) + len(other)
    squares = float((away**2).sum() + (others_away**2).sum())
    naive = math.sqrt(squares / (n - 2) * (1 / len(one) + 1 / len(other)))
    influence = np.concatenate([-away / len(one), others_away / len(other)])
    error = _error(influence, of, count, n, 2, correction)
    value = float(other.mean() - one.mean())
    return _mean(value, error, naive, n, count, share("level", level))


def intraclass_correlation(values: ArrayLike, groups: Sequence[str]) -> float:
    """Return how alike cases of one cluster are: the share of the variance that lies between clusters.

    One-way analysis of variance, (MSB - MSW) / (MSB + (m0 - 1) MSW) with m0 = (n - sum m^2 / n) / (G - 1) for
    clusters of unequal size m. At most 1; below 0 where cases of one cluster differ more than others do; 0
    where all values are equal.

    Args:
        values: [cases].
        groups: of each case, at least 2 different ones and fewer than cases.

    Raises:
        ConfigurationError: there are fewer or more, they do not fit, or a value is not finite.
    """
    given = values_of(values, 2)
    of, count = _clusters(len(given), groups)
    n = len(given)
    if count == n:
        raise ConfigurationError(f"{n!r} cases are {n!r} clusters; likeness needs two cases of one cluster.")
    sizes, sums = summed(np.column_stack([np.ones(n), given]), of, count).T
    means = sums / sizes
    between = float((sizes * (means - given.mean()) ** 2).sum()) / (count - 1)
    within = float(((given - means[of]) ** 2).sum()) / (n - count)
    size = (n - float((sizes**2).sum()) / n) / (count - 1)
    below = between + (size - 1) * within
    return (between - within) / below if below else 0.0


def _clusters(cases: int, groups: Sequence[str]) -> tuple[Indices, int]:
    of, count = grouped(cases, groups)
    if count < 2:
        raise ConfigurationError(f"{count!r} cluster has no error; give two clusters or more.")
    return of, count


def _error(influence: Floats, of: Indices, count: int, n: int, k: int, correction: Correction) -> float:
    """Return the error of a sum of influences, which are added up by cluster before they are squared."""
    square = float((summed(influence[:, None], of, count) ** 2).sum())
    few = count / (count - 1) * (n - 1) / (n - k) if correction == "CR1" else 1.0
    return math.sqrt(square * few)


def _mean(value: float, error: float, naive: float, n: int, count: int, level: float) -> ClusterMean:
    margin = t_quantile((1 + level) / 2, count - 1) * error
    # Where all clusters agree there is no error: nothing differs, or it does for sure.
    t = value / error if error else math.inf * value if value else 0.0
    effect = (error / naive) ** 2 if naive else 1.0
    p = t_two_sided(t, count - 1)
    return ClusterMean(value, error, value - margin, value + margin, t, p, count - 1, naive, effect, n, count)
