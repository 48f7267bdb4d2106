"""Measures: sums over cases, and a function of the sums.

Accuracy, macro-F1, corpus BLEU, kappa, calibration error and the like are functions of sums. So each measure
is a matrix with a row a case and a `value` of the summed rows, and intervals and tests are the same few lines
for all of them: cases of one group are added up, groups are drawn with replacement (interval of a value and
of a paired difference) or change sides (permutation test). The ends of an interval are quantiles that are
further out the fewer groups there are and the more unequal they are (`statistics.intervals`: expanded).

    >>> right = mean_of("accuracy", [1.0, 0.0, 1.0, None])
    >>> one = estimates([right], ["a", "a", "b", "b"], resamples=200)[0]
    >>> round(one.value, 3), one.n, one.missing
    (0.667, 3, 1)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import structs

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.evals.records import Better, Difference, Estimate

try:
    import numpy as np

    from skillofmind.evals.statistics.grouping import Indices, effective_groups, numbered, summed
    from skillofmind.evals.statistics.intervals import levels, quantiles
    from skillofmind.evals.statistics.multiple import holm
    from skillofmind.evals.statistics.resampling import Floats, swap_blocks, weight_blocks
except ImportError as error:
    raise MissingExtra("an evaluation needs numpy and scipy; pip install 'skillofmind[eval]'.") from error

RESAMPLES = 1000
"""Resamples of an interval."""

PERMUTATIONS = 2000
"""Permutations of a test."""

SEED = 7
"""Of both, so that a report is the same every time."""


class Measure(NamedTuple):
    """One number of all cases.

    Attributes:
        name: its name.
        rows: [cases, columns], added up over cases; all 0 for a case that does not count.
        value: sums [..., columns] -> values [...]; `nan` where undefined.
        n: cases that count.
        better: which way it improves.
        about: what it says, in one sentence.
        compared: whether arms and runs are compared by it; a chance level only stands beside the others.
    """

    name: str
    rows: Floats
    value: Callable[[Floats], Floats]
    n: int
    better: Better = "higher"
    about: str = ""
    compared: bool = True


def mean_of(name: str, values: Sequence[float | None], better: Better = "higher", about: str = "") -> Measure:
    """Return the mean of the values that are there."""
    rows = np.array([(value, 1.0) if value is not None else (0.0, 0.0) for value in values])
    return ratio_of(name, rows.reshape(-1, 2), sum(value is not None for value in values), better, about)


def ratio_of(name: str, rows: Floats, n: int, better: Better = "higher", about: str = "") -> Measure:
    """Return the sum of the first column over the sum of the second."""
    return Measure(name, rows, quotient, n, better, about)


def quotient(sums: Floats) -> Floats:
    """Return the first column over the second, `nan` where that is 0."""
    below = sums[..., 1]
    found: Floats = np.divide(sums[..., 0], below, out=np.full(below.shape, np.nan), where=below != 0)
    return found


def estimates(
    measures: Sequence[Measure], groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Estimate, ...]:
    """Return every measure with its 95 % interval over resamples of whole groups.

    There is no interval below two groups. Resamples where a measure is undefined are left out.

    Args:
        measures: all of the same cases.
        groups: of each case.
        resamples: how many.
        seed: of the draw.

    Raises:
        ConfigurationError: a measure has more or fewer rows than there are groups.
    """
    values = resampled(measures, groups, resamples=resamples, seed=seed)
    worth = worth_of(groups)
    return tuple(
        _estimate(one, found, len(groups), worth) for one, found in zip(measures, values, strict=True)
    )


def worth_of(groups: Sequence[str]) -> float:
    """Return how many groups of equal size the groups of cases are worth; what `interval` wants to know."""
    return effective_groups(numbered(groups)[0]) if groups else 1.0


def resampled(
    measures: Sequence[Measure], groups: Sequence[str], *, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Floats]:
    """Return the values of every measure, [1 + resamples]: the first of all cases, then one of each resample.

    Below two groups there is the first one only.

    Raises:
        ConfigurationError: a measure has more or fewer rows than there are groups.
    """
    of, count = _numbered(measures, groups)
    if count < 2:
        return [one.value(one.rows.sum(axis=0, keepdims=True)) for one in measures]
    # One product for all measures: many thin ones take several times as long.
    sums = np.hstack([np.zeros((count, 0)), *(summed(one.rows, of, count) for one in measures)])
    ends = np.cumsum([one.rows.shape[1] for one in measures])[:-1]
    found = np.vstack([drawn @ sums for drawn in weight_blocks(count, resamples=resamples, seed=seed)])
    return [one.value(part) for one, part in zip(measures, np.split(found, ends, axis=1), strict=True)]


def differences(
    task: str,
    names: tuple[str, str],
    pairs: Sequence[tuple[Measure, Measure]],
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> tuple[Difference, ...]:
    """Return second minus first of every pair of measures, whose rows are of the same items in one order.

    The p-value is that of the paired permutation test over whole groups, (1 + those at least as far from 0) /
    (1 + permutations); it is not corrected yet (`adjusted` is empty; see `corrected`).

    Raises:
        ConfigurationError: rows and groups do not fit.
    """
    of, count = _numbered([one for pair in pairs for one in pair], groups)
    sums = [(summed(first.rows, of, count), summed(second.rows, of, count)) for first, second in pairs]
    spreads: list[list[Floats]] = [[] for _ in pairs]
    swapped: list[list[Floats]] = [[] for _ in pairs]
    for drawn in weight_blocks(count, resamples=resamples if count > 1 else 0, seed=seed):
        for found, (first, second), (one, other) in zip(spreads, pairs, sums, strict=True):
            found.append(second.value(drawn @ other) - first.value(drawn @ one))
    for swaps in swap_blocks(count, permutations=permutations, seed=seed):
        for found, (first, second), (one, other) in zip(swapped, pairs, sums, strict=True):
            moved = swaps @ (one - other)
            sides = second.value(other.sum(axis=0) + moved), first.value(one.sum(axis=0) - moved)
            found.append(np.stack(sides))
    worth = effective_groups(of) if count else 1.0
    return tuple(
        _difference(task, names, pair, np.concatenate(spread), np.concatenate(sides, axis=1), worth)
        for pair, spread, sides in zip(pairs, spreads, swapped, strict=True)
    )


def _difference(
    task: str,
    names: tuple[str, str],
    pair: tuple[Measure, Measure],
    spread: Floats,
    sides: Floats,
    groups: float,
) -> Difference:
    first, second = pair
    value, low, high = interval(spread, groups)
    n = min(first.n, second.n)
    return Difference(task, first.name, *names, value, low, high, _p(sides[0], sides[1]), None, n)


def interval(values: Floats, groups: float) -> tuple[float | None, float | None, float | None]:
    """Return the first value and the 95 % interval of the others, `None` where undefined.

    Args:
        values: as `resampled` returns them.
        groups: what the groups are worth (`worth_of`); the fewer, the wider the interval.
    """
    value = float(values[0]) if np.isfinite(values[0]) else None
    others = values[1:][np.isfinite(values[1:])]
    if value is None or not len(others):
        return value, None, None
    return value, *quantiles(others, *levels(groups))


def corrected(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """Return the differences with `adjusted` p-values: Holm's, over all of them that have one.

    Give it what is looked at together: all differences of a task.
    """
    adjusted = holm([one.p for one in found])
    return tuple(structs.replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True))


def _p(second: Floats, first: Floats) -> float | None:
    null = second - first
    if not np.isfinite(null[0]):
        return None
    # A permutation that gives the same sums in another order of addition is as far from 0, not nearer; one
    # that leaves a measure undefined might be, too.
    same = 1e-12 * max(1.0, abs(float(first[0])), abs(float(second[0])))
    near = np.abs(null[1:]) < abs(null[0]) - same
    return float((1 + (~near).sum()) / (1 + len(near)))


def _numbered(measures: Sequence[Measure], groups: Sequence[str]) -> tuple[Indices, int]:
    for one in measures:
        if len(one.rows) != len(groups):
            raise ConfigurationError(
                f"measure {one.name!r} has {len(one.rows)!r} rows for {len(groups)!r} cases; give each one."
            )
    return numbered(groups)


def _estimate(measure: Measure, values: Floats, cases: int, groups: float) -> Estimate:
    value, low, high = interval(values, groups)
    return Estimate(
        measure.name, value, low, high, measure.n, cases - measure.n, measure.better, measure.about
    )
