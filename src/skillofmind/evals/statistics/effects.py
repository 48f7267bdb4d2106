"""How large a difference is, apart from whether it is there.

| measure | of | unit | nothing | usual words (Cohen 1988) |
| --- | --- | --- | --- | --- |
| `cohens_d`, `hedges_g` | two samples | pooled deviations | 0 | 0.2 small, 0.5 medium, 0.8 large |
| `cohens_d_paired` | pairs | deviations of the differences | 0 | the same |
| `cliffs_delta` | two samples, ranks alone | -1 to 1 | 0 | |
| `cohens_h` | two shares | radians of arcsine | 0 | 0.2, 0.5, 0.8 |
| `odds_ratio` | two shares | ratio | 1 | |
| `jensen_shannon` | two distributions | bits, 0 to 1 | 0 | |
| `spearman` | ranks of two values | -1 to 1 | 0 | |

All say how far the second is above the first.

    >>> round(cohens_h(0.5, 0.6), 4)
    0.2014
    >>> jensen_shannon({"a": 1}, {"b": 3})
    1.0
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.distributions import gamma_ratio, normal_quantile, share
from skillofmind.evals.statistics.grouping import pairs_of, values_of
from skillofmind.evals.statistics.intervals import Interval
from skillofmind.evals.statistics.resampling import Floats


def cohens_d(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the difference of the means over the pooled deviation; `None` where that is 0.

    Raises:
        ConfigurationError: a side has fewer than two values, or one that is not finite.
    """
    one, other = values_of(first, 2), values_of(second, 2)
    squares = float(((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum())
    deviation = math.sqrt(squares / (len(one) + len(other) - 2))
    return float(other.mean() - one.mean()) / deviation if deviation else None


def hedges_g(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return Cohen's d without its bias in small samples; `None` where that is.

    d is multiplied by J = Gamma(m / 2) / (sqrt(m / 2) Gamma((m - 1) / 2)), m = n1 + n2 - 2 (Hedges 1981).

    Raises:
        ConfigurationError: as `cohens_d`, or both sides have two values in all but one.
    """
    d, m = cohens_d(first, second), len(values_of(first)) + len(values_of(second)) - 2
    return None if d is None else d * gamma_ratio(m / 2, (m - 1) / 2) / math.sqrt(m / 2)


def cohens_d_paired(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the mean difference over the deviation of the differences (d_z); `None` where that is 0.

    Raises:
        ConfigurationError: the sides differ in length, have fewer than two values, or one that is not finite.
    """
    one, other = pairs_of(first, second, 2)
    deviation = float((other - one).std(ddof=1))
    return float((other - one).mean()) / deviation if deviation else None


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float:
    """Return P(second > first) - P(second < first) of values drawn from each side, -1 to 1.

    Raises:
        ConfigurationError: a side is empty, or has a value that is not finite.
    """
    one, other = np.sort(values_of(first)), values_of(second)
    above = np.searchsorted(one, other, side="left").sum()
    below = (len(one) - np.searchsorted(one, other, side="right")).sum()
    return float(above - below) / (len(one) * len(other))


def cohens_h(first: float, second: float) -> float:
    """Return 2 asin sqrt(second) - 2 asin sqrt(first) of two shares, -pi to pi.

    Raises:
        ConfigurationError: a share is not between 0 and 1.
    """
    for one in (first, second):
        if not 0 <= one <= 1:
            raise ConfigurationError(f"{one!r} is no share; give a number from 0 to 1.")
    return 2 * math.asin(math.sqrt(second)) - 2 * math.asin(math.sqrt(first))


def odds_ratio(first: int, first_of: int, second: int, second_of: int, *, level: float = 0.95) -> Interval:
    """Return the odds of the second share over those of the first, with Woolf's interval on the log scale.

        log OR -+ z sqrt(1/a + 1/b + 1/c + 1/d)

    Where one of the four counts is 0, 0.5 is added to each (Haldane and Anscombe).

    Args:
        first: successes of the first, 0 to `first_of`.
        first_of: its items, at least 1.
        second: successes of the second.
        second_of: its items, at least 1.
        level: more than 0 and less than 1.

    Raises:
        ConfigurationError: one of them is outside.
    """
    share("level", level)
    for successes, trials in ((first, first_of), (second, second_of)):
        if trials < 1 or not 0 <= successes <= trials:
            raise ConfigurationError(
                f"{successes!r} of {trials!r} is no share; give 0 to n of n, and an n above 0."
            )
    cells = [float(n) for n in (second, second_of - second, first, first_of - first)]
    if 0 in cells:
        cells = [n + 0.5 for n in cells]
    a, b, c, d = cells
    middle = math.log(a * d / (b * c))
    margin = normal_quantile((1 + level) / 2) * math.sqrt(sum(1 / n for n in cells))
    return Interval(math.exp(middle), math.exp(middle - margin), math.exp(middle + margin), level)


def jensen_shannon(first: Mapping[str, float], second: Mapping[str, float]) -> float | None:
    """Return the Jensen-Shannon divergence of two count distributions in bits, 0 to 1.

        JS = H((P + Q) / 2) - (H(P) + H(Q)) / 2

    The square of `scipy.spatial.distance.jensenshannon(..., base=2)`. Of small samples it is too large: two
    draws from one distribution differ, too; compare it with that of groups drawn or swapped at random.

    Args:
        first: label -> count, at least 0.
        second: label -> count, at least 0.

    Returns:
        The divergence; `None` where a side has no counts.

    Raises:
        ConfigurationError: a count is below 0.
    """
    if min([*first.values(), *second.values()], default=0) < 0:
        raise ConfigurationError("a count is below 0; give how often each label was seen.")
    labels = sorted(first.keys() | second.keys())
    p, q = (np.array([side.get(label, 0) for label in labels], dtype=np.float64) for side in (first, second))
    if not p.sum() or not q.sum():
        return None
    return float(jensen_shannon_of(np.concatenate([p, q]), len(labels)))


def jensen_shannon_of(sums: Floats, labels: int) -> Floats:
    """Return the divergence in bits from counts side by side: a `value` for `evals.measure.Measure`.

    Args:
        sums: [..., 2 * labels], the counts of the first and then those of the second.
        labels: how many.

    Returns:
        [...], `nan` where a side has no counts.
    """
    return divergence(sums[..., :labels], sums[..., labels:])


def divergence(first: Floats, second: Floats) -> Floats:
    """Return the divergence in bits of two sides of counts, [..., labels] each; `nan` where one is empty."""
    with np.errstate(invalid="ignore", divide="ignore"):
        p, q = (side / side.sum(axis=-1, keepdims=True) for side in (first, second))
    middle = (p + q) / 2
    return np.maximum(_bits(p, middle) + _bits(q, middle), 0.0) / 2


def _bits(p: Floats, middle: Floats) -> Floats:
    """Return sum p log2(p / middle), 0 log 0 being 0."""
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p != 0)
    found: Floats = (p * np.log2(ratio)).sum(axis=-1)
    return found


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return Spearman's rank correlation, equal values sharing their mean rank.

    Returns:
        -1 to 1; `None` where all values of a side are equal.

    Raises:
        ConfigurationError: the sides differ in length, have fewer than two values, or one that is not finite.
    """
    one, other = (_ranks(side) for side in pairs_of(first, second, 2))
    away, others_away = one - one.mean(), other - other.mean()
    below = math.sqrt(float((away**2).sum()) * float((others_away**2).sum()))
    return float((away * others_away).sum()) / below if below else None


def _ranks(values: Floats) -> Floats:
    _, of, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    found: Floats = (last - (counts - 1) / 2)[of]
    return found
