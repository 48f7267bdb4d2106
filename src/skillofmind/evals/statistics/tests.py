"""Tests of a difference: is it more than chance would give?

| what is compared | test |
| --- | --- |
| two arms on the same items, any mean | `permutation_test`, by dialogue where items share one |
| two arms on the same items, right or wrong | `mcnemar` |
| which of two is better, item by item | `sign_test`, `binomial_test` |
| shares of different items | `two_proportions` |
| two arms, when the mean itself is asked for and not "nothing differs" | `paired_bootstrap_test` |

All are two-sided. Differences are second minus first. With cases of one dialogue alike, only those that take
`groups` hold their level; the false-positive rate of each is in `results/statistics_check.json`.

    >>> permutation_test([1, 2, 3, 4], [2, 3, 4, 6]).p
    0.125
    >>> round(mcnemar(2, 10).p, 6)
    0.038574
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.distributions import (
    binomial,
    binomial_at_most,
    chi_squared_above,
    share,
    two_sided,
)
from skillofmind.evals.statistics.grouping import grouped, pairs_of, summed, values_of
from skillofmind.evals.statistics.resampling import Floats, group_weights, swapped_groups

PERMUTATIONS = 10_000
"""Permutations of a test; all there are where they are no more than this."""

SEED = 7
"""Of the draws."""


class Finding(NamedTuple):
    """What a test says.

    Attributes:
        statistic: what was compared with chance; each test says what it is.
        p: probability of a statistic at least as far out where nothing differs, 0 to 1.
        n: what was counted: groups, pairs that differ, or cases.
        exact: whether `p` is exact, neither drawn nor approximated.
    """

    statistic: float
    p: float
    n: int
    exact: bool


def permutation_test(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> Finding:
    """Return the paired permutation test: the two sides of each whole group change places or not.

    Where 2^groups is at most `permutations`, all of them are gone through and `p` is exact; otherwise it is
    (1 + those at least as far out) / (1 + permutations), which never is 0. The statistic is the mean
    difference. What is tested is that sides do not matter at all, not only that means are equal.

    Args:
        first: [pairs].
        second: [pairs], of the same items in the same order.
        groups: of each pair; each is its own where it is `None`.
        permutations: how many at most.
        seed: of the draw.

    Raises:
        ConfigurationError: the sides differ in length, are empty, or hold what is not finite.
    """
    one, other = pairs_of(first, second)
    of, count = grouped(len(one), groups)
    sums = summed((other - one)[:, None], of, count)[:, 0]
    exact = count < 63 and 2**count <= permutations
    swaps = _all_swaps(count) if exact else swapped_groups(count, permutations=permutations, seed=seed)
    null = np.abs((1 - 2 * swaps) @ sums)
    # The same sum in another order of addition is as far out, not nearer.
    far = null >= null[0] - 1e-12 * max(1.0, float(np.abs(sums).sum()))
    return Finding(float(sums.sum() / len(one)), float(far.mean()), count, exact)


def _all_swaps(count: int) -> Floats:
    """Return every way to swap, [2^count, count]; the first row swaps none."""
    found: Floats = (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    return found


def paired_bootstrap_test(
    first: ArrayLike,
    second: ArrayLike,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = PERMUTATIONS,
    seed: int = SEED,
) -> Finding:
    """Return the paired bootstrap test of equal means, groups being drawn with replacement.

    Each resample's t is centred on what was seen: t* = (d* - d) / error*, with the cluster-robust error of
    that resample, and `p` = (1 + those with |t*| >= |t|) / (1 + resamples). Without the error below (the
    plain bootstrap test) it would find too much with few groups. The statistic is t.

    Args:
        first: [pairs].
        second: [pairs], of the same items in the same order.
        groups: of each pair; each is its own where it is `None`.
        resamples: how many.
        seed: of the draw.

    Raises:
        ConfigurationError: as `permutation_test`, or there are fewer than two groups.
    """
    one, other = pairs_of(first, second)
    of, count = grouped(len(one), groups)
    if count < 2:
        raise ConfigurationError(f"{count!r} group cannot be drawn again; give two groups or more.")
    sums = summed(np.column_stack([other - one, np.ones(len(one))]), of, count)
    weights = group_weights(count, resamples=resamples, seed=seed)
    total = weights @ sums
    means = total[:, 0] / total[:, 1]
    # The error of a mean from sums of products alone: sum w (s - m n)^2 = w.s^2 - 2 m w.sn + m^2 w.n^2.
    products = weights @ np.column_stack([sums[:, 0] ** 2, sums[:, 0] * sums[:, 1], sums[:, 1] ** 2])
    squares = products[:, 0] - 2 * means * products[:, 1] + means**2 * products[:, 2]
    errors = np.sqrt(np.maximum(squares, 0.0)) / total[:, 1]
    if errors[0] <= 1e-12 * max(1.0, abs(means[0])):
        # All groups differ by the same: nothing at all, or as clearly as resamples can say.
        none = abs(means[0]) <= 1e-12
        return Finding(
            0.0 if none else math.copysign(math.inf, means[0]),
            1.0 if none else 1 / (1 + resamples),
            count,
            False,
        )
    t = means[0] / errors[0]
    apart = np.abs(means[1:] - means[0]) - 1e-12
    far = apart >= abs(t) * errors[1:]
    return Finding(float(t), float((1 + far.sum()) / (1 + len(far))), count, False)


def discordant(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int]:
    """Return how many items only the first got right, and how many only the second.

    Raises:
        ConfigurationError: the sides differ in length.
    """
    if len(first) != len(second):
        raise ConfigurationError(
            f"there are {len(first)!r} and {len(second)!r} answers; pairs need as many of both."
        )
    pairs = [(bool(one), bool(other)) for one, other in zip(first, second, strict=True)]
    return pairs.count((True, False)), pairs.count((False, True))


def mcnemar(
    first_only: int,
    second_only: int,
    *,
    method: Literal["exact", "mid-p", "chi2", "corrected"] = "exact",
) -> Finding:
    """Return McNemar's test that two arms are right equally often, from the items where just one is.

    - *exact*: binomial, never finds too much; the statistic is the smaller count.
    - *mid-p*: half the probability of what was seen is left out: nearer to the level asked for (Fagerland et
      al. 2013, BMC Medical Research Methodology 13); the statistic is the smaller count.
    - *chi2*: (b - c)^2 / (b + c); *corrected*: (|b - c| - 1)^2 / (b + c); the statistic is that.

    Args:
        first_only: items that only the first got right, at least 0.
        second_only: items that only the second got right, at least 0.
        method: which one.

    Returns:
        The test; `p` is 1 where no item differs.

    Raises:
        ConfigurationError: a count is below 0.
    """
    n = _total(first_only, second_only)
    least = min(first_only, second_only)
    if method in ("exact", "mid-p"):
        p = 2 * float(binomial_at_most(least, n, 0.5))
        if method == "mid-p":
            p -= float(binomial(n, 0.5)[least])
        return Finding(float(least), min(1.0, p), n, method == "exact")
    apart = abs(first_only - second_only) - (method == "corrected")
    statistic = apart**2 / n if n else 0.0
    return Finding(statistic, chi_squared_above(statistic), n, False)


def sign_test(differences: ArrayLike) -> Finding:
    """Return the sign test that values above and below 0 are equally likely; zeros are left out.

    The statistic is (above - below) / 2.

    Raises:
        ConfigurationError: there are no values, or one is not finite.
    """
    given = values_of(differences)
    above, below = int((given > 0).sum()), int((given < 0).sum())
    p = min(1.0, 2 * float(binomial_at_most(min(above, below), above + below, 0.5)))
    return Finding((above - below) / 2, p, above + below, True)


def binomial_test(successes: int, trials: int, probability: float = 0.5) -> Finding:
    """Return the exact test of a share: `p` adds up all counts no more probable than the one seen.

    The statistic is the share.

    Args:
        successes: 0 to `trials`.
        trials: at least 1.
        probability: of a success where nothing is to be found, more than 0 and less than 1.

    Raises:
        ConfigurationError: one of them is outside.
    """
    share("probability", probability)
    if trials < 1 or not 0 <= successes <= trials:
        raise ConfigurationError(
            f"{successes!r} of {trials!r} is no share; give 0 to n of n, and an n above 0."
        )
    likely = binomial(trials, probability)
    far = likely <= likely[successes] * (1 + 1e-7)
    return Finding(successes / trials, min(1.0, float(likely[far].sum())), trials, True)


def two_proportions(first: int, first_of: int, second: int, second_of: int) -> Finding:
    """Return the z-test that two shares of different items are equal, with the pooled variance.

    The statistic is z, above 0 where the second share is higher. For counts below 5 it is rough.

    Args:
        first: successes of the first, 0 to `first_of`.
        first_of: its items, at least 1.
        second: successes of the second.
        second_of: its items, at least 1.

    Returns:
        The test; `p` is 1 where all items are alike.

    Raises:
        ConfigurationError: one of them is outside.
    """
    for successes, trials in ((first, first_of), (second, second_of)):
        if trials < 1 or not 0 <= successes <= trials:
            raise ConfigurationError(
                f"{successes!r} of {trials!r} is no share; give 0 to n of n, and an n above 0."
            )
    pooled = (first + second) / (first_of + second_of)
    error = math.sqrt(pooled * (1 - pooled) * (1 / first_of + 1 / second_of))
    z = (second / second_of - first / first_of) / error if error else 0.0
    return Finding(z, two_sided(z), first_of + second_of, False)


def _total(first_only: int, second_only: int) -> int:
    if min(first_only, second_only) < 0:
        raise ConfigurationError(
            f"{min(first_only, second_only)!r} is no count; give how many items only one arm got right."
        )
    return first_only + second_only
