"""Intervals: shares by Wilson and by Clopper and Pearson, everything else by drawing whole groups again.

What is drawn again is a function of sums over cases (a mean, a ratio, an F1), as in `evals.measure`. Of the
values of the resamples, the ends are

- *percentile*: their quantiles at alpha / 2 and 1 - alpha / 2. Too narrow with few groups.
- *expanded*: their quantiles at Phi(-+ sqrt(G / (G - 1)) t), t the 1 - alpha / 2 quantile of Student's t with
  G - 1 degrees of freedom (Hesterberg 2015, The American Statistician 69), where groups of unequal size
  count as fewer (`effective_groups`). For a mean it is about the t interval. The default.
- *bca*: bias-corrected and accelerated (Efron 1987), for skewed values; equal to `scipy.stats.bootstrap`.
  With few groups it is as short as *percentile*.

`results/statistics_check.json` has the coverage of each, by number of groups.

    >>> one = wilson(8, 10)
    >>> round(one.low, 3), round(one.high, 3)
    (0.49, 0.943)
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.distributions import (
    beta_quantile,
    normal_below,
    normal_quantile,
    share,
    t_quantile,
)
from skillofmind.evals.statistics.grouping import effective_groups, grouped, pairs_of, summed, values_of
from skillofmind.evals.statistics.resampling import Floats, group_weights

RESAMPLES = 2000
"""Resamples of an interval."""

SEED = 7
"""Of the draws."""

Method = Literal["expanded", "percentile", "bca"]
"""How the ends are read off the resamples."""


class Interval(NamedTuple):
    """A number and what it may as well be.

    Attributes:
        value: the number itself.
        low: lower end.
        high: upper end.
        level: share of such intervals that hold the true value, such as 0.95.
    """

    value: float
    low: float
    high: float
    level: float = 0.95


def wilson(successes: float, trials: int, *, level: float = 0.95) -> Interval:
    """Return a share with its score interval (Wilson 1927), which stays inside 0 to 1.

    Args:
        successes: 0 to `trials`; a tie may be half a success, which makes the interval a little too wide.
        trials: at least 1.
        level: more than 0 and less than 1.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _check(successes, trials, level)
    z, p = normal_quantile((1 + level) / 2), successes / trials
    middle = (p + z**2 / (2 * trials)) / (1 + z**2 / trials)
    margin = z / (1 + z**2 / trials) * math.sqrt(p * (1 - p) / trials + z**2 / (4 * trials**2))
    # The ends are exactly 0 and 1 there, but for rounding.
    low = 0.0 if successes == 0 else middle - margin
    high = 1.0 if successes == trials else middle + margin
    return Interval(p, low, high, level)


def clopper_pearson(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """Return a share with the interval that covers at least `level` of the time (Clopper and Pearson 1934).

    It is wider than it has to be; take it where a promise matters more than a width.

    Args:
        successes: 0 to `trials`.
        trials: at least 1.
        level: more than 0 and less than 1.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _check(successes, trials, level)
    out = (1 - level) / 2
    low = 0.0 if successes == 0 else beta_quantile(out, successes, trials - successes + 1)
    high = 1.0 if successes == trials else beta_quantile(1 - out, successes + 1, trials - successes)
    return Interval(successes / trials, low, high, level)


def _check(successes: float, trials: int, level: float) -> None:
    share("level", level)
    if trials < 1 or not 0 <= successes <= trials:
        raise ConfigurationError(
            f"{successes!r} of {trials!r} is no share; give 0 to n of n, and an n above 0."
        )


def bootstrap(
    rows: Floats,
    value: Callable[[Floats], Floats],
    groups: Sequence[str] | None = None,
    *,
    method: Method = "expanded",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return a function of sums with the interval over resamples of whole groups.

    Args:
        rows: [cases, columns], added up over cases.
        value: sums [..., columns] -> values [...].
        groups: of each case; each is its own where it is `None`.
        method: how the ends are read off.
        level: more than 0 and less than 1.
        resamples: how many.
        seed: of the draw.

    Raises:
        ConfigurationError: there are fewer than two groups, or the value is undefined.
    """
    share("level", level)
    of, count = grouped(len(rows), groups)
    if count < 2:
        raise ConfigurationError(f"{count!r} group has no interval; give two groups or more.")
    sums = summed(rows, of, count)
    found = value(group_weights(count, resamples=resamples, seed=seed) @ sums)
    one, others = float(found[0]), found[1:][np.isfinite(found[1:])]
    if not math.isfinite(one) or not len(others):
        raise ConfigurationError("the value of all cases is undefined; there is no interval of it.")
    if method == "bca":
        low, high = bca(one, others, value(sums.sum(axis=0) - sums), level)
    else:
        low, high = quantiles(others, *levels(effective_groups(of), level, expanded=method == "expanded"))
    return Interval(one, low, high, level)


def bootstrap_mean(
    values: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    method: Method = "expanded",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the mean of the values with the interval over resamples of whole groups.

    Args:
        values: [cases].
        groups: as in `bootstrap`, and so the rest.
        method: how the ends are read off.
        level: more than 0 and less than 1.
        resamples: how many.
        seed: of the draw.

    Raises:
        ConfigurationError: there are fewer than two groups, or a value is not finite.
    """
    given = values_of(values)
    rows = np.column_stack([given, np.ones(len(given))])
    return bootstrap(rows, _mean, groups, method=method, level=level, resamples=resamples, seed=seed)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    method: Method = "expanded",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the mean of second minus first, pair by pair, with the interval over resamples of whole groups.

    Args:
        first: [pairs].
        second: [pairs], of the same items in the same order.
        groups: as in `bootstrap`, and so the rest.
        method: how the ends are read off.
        level: more than 0 and less than 1.
        resamples: how many.
        seed: of the draw.

    Raises:
        ConfigurationError: the sides differ in length, there are fewer than two groups, or a value is not
            finite.
    """
    one, other = pairs_of(first, second)
    return bootstrap_mean(other - one, groups, method=method, level=level, resamples=resamples, seed=seed)


def _mean(sums: Floats) -> Floats:
    found: Floats = sums[..., 0] / sums[..., 1]
    return found


def levels(groups: float, level: float = 0.95, *, expanded: bool = True) -> tuple[float, float]:
    """Return which quantiles of the resamples are the ends, such as 0.025 and 0.975.

    Args:
        groups: drawn with replacement, at least 1; as many as they are worth (`effective_groups`).
        level: more than 0 and less than 1.
        expanded: widen them for few groups: 0.0132 and 0.9868 with 15, 0.0242 and 0.9758 with 500.
    """
    out = (1 - level) / 2
    if expanded:
        # Below 1.5 the lowest and the highest resample are the ends anyway.
        few = max(groups, 1.5)
        out = normal_below(-math.sqrt(few / (few - 1)) * t_quantile(1 - out, few - 1))
    return out, 1 - out


def quantiles(values: Floats, low: float, high: float) -> tuple[float, float]:
    """Return two quantiles, with linear interpolation."""
    found = np.quantile(values, [low, high])
    return float(found[0]), float(found[1])


def bca(value: float, resampled: Floats, left_out: Floats, level: float = 0.95) -> tuple[float, float]:
    """Return the bias-corrected and accelerated ends of resamples.

        z0 = Phi^-1(share of resamples below the value, those equal to it counted half)
        a  = sum (m - v_i)^3 / (6 (sum (m - v_i)^2)^1.5), v_i without group i, m their mean
        end = quantile at Phi(z0 + (z0 + z) / (1 - a (z0 + z)))

    Args:
        value: of all groups.
        resampled: values of the resamples.
        left_out: values without each group.
        level: more than 0 and less than 1.

    Returns:
        Both ends; the value itself where all resamples are equal to it.

    Raises:
        ConfigurationError: all resamples are on one side of the value.
    """
    if (resampled == value).all():
        return value, value
    below = (np.mean(resampled < value) + np.mean(resampled <= value)) / 2
    if not 0 < below < 1:
        raise ConfigurationError("all resamples are on one side of the value; use the method 'expanded'.")
    z0, away = normal_quantile(float(below)), left_out.mean() - left_out
    spread = float((away**2).sum())
    a = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    z = normal_quantile((1 + level) / 2)
    low, high = (normal_below(z0 + (z0 + end) / (1 - a * (z0 + end))) for end in (-z, z))
    return quantiles(resampled, low, high)
