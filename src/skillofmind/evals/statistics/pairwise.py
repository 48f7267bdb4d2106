"""Systems compared two at a time: win rates, and one scale for all (Bradley and Terry, ties by Davidson).

    P(i beats j) = e^a_i / D
    P(tie)       = nu e^((a_i + a_j) / 2) / D
    D            = e^a_i + e^a_j + nu e^((a_i + a_j) / 2)

The strengths a (natural logarithms, mean 0) and nu maximise the likelihood, that of a logistic model: a
system's expected wins and half ties equal those seen. It is found by Newton's method, for the data and for
all resamples of whole items at once. Without ties nu is 0 and this is the model of Bradley and Terry.

Strengths are finite only where no part of the systems wins every comparison with the rest, and where some way
round, from a system by those that each beat (or tied with) back to it, has more wins than ties; otherwise
larger strengths and a larger nu fit better and better. Such data is refused and the part is named.

    >>> won = [Comparison("a", "b", winner, item) for winner, item in (("a", "1"), ("a", "2"), ("b", "3"))]
    >>> [round(one.value, 4) for one in bradley_terry(won, resamples=0).strengths]
    [0.3466, -0.3466]
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.grouping import effective_groups, numbered, summed
from skillofmind.evals.statistics.intervals import Interval, bootstrap, levels, wilson
from skillofmind.evals.statistics.resampling import Floats, group_weights
from skillofmind.evals.statistics.tests import Finding, binomial_test

RESAMPLES = 1000
"""Resamples of an interval."""

SEED = 7
"""Of the draws."""

_STEPS = 100
_UNDEFINED = 0.01
"""Share of resamples that may lack a finite strength; with more, the ends would be made up."""


class Comparison(NamedTuple):
    """One judgement.

    Attributes:
        first: a system.
        second: another one.
        winner: one of both, or "" for a tie.
        group: the item (or dialogue) that they were compared on; all judgements of it are drawn together.
    """

    first: str
    second: str
    winner: str
    group: str


class WinRate(NamedTuple):
    """How often a system beats another.

    Attributes:
        wins: of the system.
        losses: of it.
        ties: between both.
        rate: wins and half the ties among all, with the interval by whole items; its ends are the rate itself
            where there is one item.
        wilson: the same with the interval that takes every judgement for an item of its own.
        test: exact test of 50 % among the decided judgements; `None` where there are none. It takes every
            judgement for an item of its own.
        groups: items.
    """

    wins: int
    losses: int
    ties: int
    rate: Interval
    wilson: Interval
    test: Finding | None
    groups: int


class Strength(NamedTuple):
    """How strong a system is.

    Attributes:
        name: the system.
        value: natural logarithm of its strength; that of all systems together is 0 on average.
        low: lower end of the 95 % interval over resamples of whole items; `None` where there are none, or
            where more than 1 % of the resamples have no finite strengths.
        high: upper end.
        wins: comparisons won, a tie being half of one.
        comparisons: that it was in.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    wins: float
    comparisons: int


class Ranking(NamedTuple):
    """All systems on one scale.

    Attributes:
        strengths: the strongest first.
        tie: Davidson's nu, 0 without ties; two equal systems tie with probability nu / (2 + nu).
        groups: items.
        undefined: share of the resamples without finite strengths, which are left out.
    """

    strengths: tuple[Strength, ...]
    tie: float
    groups: int
    undefined: float

    def chance(self, first: str, second: str) -> float:
        """Return how often the first is expected to beat the second, a tie being half a win.

        Raises:
            KeyError: there is no such system.
        """
        values = {one.name: one.value for one in self.strengths}
        apart = values[first] - values[second]
        tie = self.tie * np.exp(-apart / 2)
        return float((1 + tie / 2) / (1 + np.exp(-apart) + tie))


def win_rate(
    comparisons: Sequence[Comparison],
    first: str,
    second: str,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> WinRate:
    """Return how often `first` beats `second`, whichever stood first.

    Raises:
        ConfigurationError: they were never compared.
    """
    both = [one for one in comparisons if {one.first, one.second} == {first, second}]
    if not both or first == second:
        raise ConfigurationError(f"{first!r} and {second!r} were never compared; compare them first.")
    _check(both)
    wins, losses = (sum(one.winner == name for one in both) for name in (first, second))
    rows = np.array([(_points(one, first), 1.0) for one in both])
    groups = [one.group for one in both]
    apart = wilson(wins + (len(both) - wins - losses) / 2, len(both))
    count = len(set(groups))
    rate = Interval(apart.value, apart.value, apart.value)
    if count > 1:
        rate = bootstrap(
            rows, lambda sums: sums[..., 0] / sums[..., 1], groups, resamples=resamples, seed=seed
        )
    test = binomial_test(wins, wins + losses) if wins + losses else None
    return WinRate(wins, losses, len(both) - wins - losses, rate, apart, test, count)


def _points(one: Comparison, name: str) -> float:
    return 0.5 if not one.winner else float(one.winner == name)


def bradley_terry(
    comparisons: Sequence[Comparison], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Ranking:
    """Return the strengths of all systems, with intervals over resamples of whole items.

    Args:
        comparisons: each of two different systems.
        resamples: how many; 0 for no intervals.
        seed: of the draw.

    Raises:
        ConfigurationError: there are none, a winner was not in its comparison, or no finite strengths fit:
            some systems never met the rest, or never lost to it, or all are ties.
    """
    _check(comparisons)
    names = sorted({name for one in comparisons for name in (one.first, one.second)})
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    of, count = numbered([one.group for one in comparisons])
    sums = summed(_rows(comparisons, names, pairs), of, count)
    _require_finite(sums.sum(axis=0).reshape(len(pairs), 3), names, pairs)
    weights = group_weights(count, resamples=resamples, seed=seed)
    counts = (weights @ sums).reshape(len(weights), len(pairs), 3)
    finite: NDArray[np.bool_] = _finite(_ways(counts, len(names), pairs))
    found = np.full((len(weights), len(names) + 1), np.nan)
    found[finite] = _fitted(counts[finite], len(names), pairs)
    return _ranking(found, counts[0], names, pairs, count, effective_groups(of))


def _check(comparisons: Sequence[Comparison]) -> None:
    if not comparisons:
        raise ConfigurationError("there are no comparisons; compare two systems first.")
    for one in comparisons:
        if one.first == one.second or one.winner not in ("", one.first, one.second):
            raise ConfigurationError(
                f"{one.first!r} against {one.second!r}, won by {one.winner!r}, is no comparison; name two "
                'systems and one of them, or "" for a tie.'
            )


def _rows(
    comparisons: Sequence[Comparison], names: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> Floats:
    """Return [comparisons, 3 * pairs]: 1 where the first of the pair won, the second won, or they tied."""
    number = {name: index for index, name in enumerate(names)}
    place = {pair: index for index, pair in enumerate(pairs)}
    found = np.zeros((len(comparisons), 3 * len(pairs)))
    for row, one in enumerate(comparisons):
        i, j = sorted((number[one.first], number[one.second]))
        outcome = 2 if not one.winner else int(number[one.winner] == j)
        found[row, 3 * place[i, j] + outcome] = 1
    return found


def _ways(counts: Floats, systems: int, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Return [..., i, j]: ties less wins on the shortest way from i to j, inf where there is none.

    A step leads from a system to one that it beat (-1) or tied with (1). On the diagonal are ways round.
    """
    found = np.full((*counts.shape[:-2], systems, systems), np.inf)
    for index, (i, j) in enumerate(pairs):
        tie = np.where(counts[..., index, 2] > 0, 1.0, np.inf)
        found[..., i, j] = np.where(counts[..., index, 0] > 0, -1.0, tie)
        found[..., j, i] = np.where(counts[..., index, 1] > 0, -1.0, tie)
    for middle in range(systems):
        found = np.minimum(found, found[..., :, middle, None] + found[..., None, middle, :])
    return found


def _finite(ways: Floats) -> Any:
    """Return whether finite strengths fit: all lead to all, and some way round has more wins than ties."""
    connected = np.isfinite(ways).all(axis=(-2, -1))
    return np.logical_and(connected, (np.diagonal(ways, axis1=-2, axis2=-1) < 0).any(axis=-1))


def _require_finite(counts: Floats, names: Sequence[str], pairs: Sequence[tuple[int, int]]) -> None:
    ways = _ways(counts, len(names), pairs)
    for row in range(len(names)):
        reached = np.isfinite(ways[row])
        reached[row] = True
        if not reached.all():
            part, rest = (
                ", ".join(repr(name) for name, there in zip(names, reached, strict=True) if there == side)
                for side in (True, False)
            )
            raise ConfigurationError(
                f"{part} never won or tied a comparison with {rest}, so no finite strengths fit; "
                "compare them more, or leave a side out."
            )
    if not _finite(ways):
        raise ConfigurationError(
            "there are ties and no system was beaten in turn, so no finite strengths fit; compare more items."
        )


def _fitted(counts: Floats, systems: int, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Return the strengths and log nu of each row of counts, [rows, systems + 1]; -inf without ties.

    Newton's method on the concave likelihood: the first system is held at 0, a step is at most 2 long in any
    direction and is halved until it does not make things worse.
    """
    features = _features(systems, pairs)
    tied = counts[..., 2].sum(axis=-1) > 0
    theta = np.zeros((len(counts), systems))
    seen = np.einsum("rpo,pok->rk", counts, features)
    least = 1e-11 * counts.sum(axis=(1, 2))
    for _ in range(_STEPS):
        chance = _chances(theta, features, tied)
        played = counts.sum(axis=2)
        expected = np.einsum("rpo,pok->rpk", chance, features)
        slope = seen - np.einsum("rp,rpk->rk", played, expected)
        slope[~tied, -1] = 0.0
        if (np.abs(slope).max(axis=1) <= least).all():
            break
        square = np.einsum("rp,rpo,pok,pol->rkl", played, chance, features, features, optimize=True)
        square -= np.einsum("rp,rpk,rpl->rkl", played, expected, expected, optimize=True)
        square[~tied, -1, -1] += 1.0
        step = np.linalg.solve(square, slope[..., None])[..., 0]
        step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True) / 2)
        theta = _stepped(theta, step, counts, features, tied)
    strengths = np.concatenate([np.zeros((len(theta), 1)), theta[:, :-1]], axis=1)
    log_nu = np.where(tied, theta[:, -1], -np.inf)
    return np.column_stack([strengths - strengths.mean(axis=1, keepdims=True), log_nu])


def _features(systems: int, pairs: Sequence[tuple[int, int]]) -> Floats:
    """Return what each outcome's logit adds up, [pairs, outcomes, strengths but the first, and log nu]."""
    found = np.zeros((len(pairs), 3, systems + 1))
    for index, (i, j) in enumerate(pairs):
        found[index, 0, i] = found[index, 1, j] = found[index, 2, systems] = 1.0
        found[index, 2, [i, j]] = 0.5
    return found[..., 1:]


def _logits(theta: Floats, features: Floats, tied: NDArray[np.bool_]) -> Floats:
    """Return the logarithm of each outcome's chance, [rows, pairs, 3]."""
    found = np.einsum("rk,pok->rpo", theta, features)
    found[~tied, :, 2] = -np.inf
    top = found.max(axis=2, keepdims=True)
    logits: Floats = found - top - np.log(np.exp(found - top).sum(axis=2, keepdims=True))
    return logits


def _chances(theta: Floats, features: Floats, tied: NDArray[np.bool_]) -> Floats:
    found: Floats = np.exp(_logits(theta, features, tied))
    return found


def _stepped(
    theta: Floats, step: Floats, counts: Floats, features: Floats, tied: NDArray[np.bool_]
) -> Floats:
    """Return theta after a step that is halved, row by row, until the likelihood does not fall."""

    def likelihood(at: Floats) -> Floats:
        logits = _logits(at, features, tied)
        found: Floats = np.where(counts > 0, counts * logits, 0.0).sum(axis=(1, 2))
        return found

    with np.errstate(invalid="ignore"):
        before = likelihood(theta)
        for _ in range(30):
            worse = likelihood(theta + step) < before - 1e-12 * np.abs(before)
            if not worse.any():
                break
            step = np.where(worse[:, None], step / 2, step)
    return theta + step


def _ranking(
    found: Floats,
    counts: Floats,
    names: Sequence[str],
    pairs: Sequence[tuple[int, int]],
    groups: int,
    worth: float,
) -> Ranking:
    others = found[1:][np.isfinite(found[1:, 0])]
    undefined = 1 - len(others) / (len(found) - 1) if len(found) > 1 else 0.0
    ends = np.full((2, len(names)), np.nan)
    if len(others) and undefined <= _UNDEFINED and groups > 1:
        ends = np.quantile(others[:, :-1], levels(worth), axis=0)
    strengths = []
    for index, name in enumerate(names):
        won = sum(
            float(counts[place, pair.index(index)] + counts[place, 2] / 2)
            for place, pair in enumerate(pairs)
            if index in pair
        )
        played = int(sum(counts[place].sum() for place, pair in enumerate(pairs) if index in pair))
        low, high = (None if np.isnan(end) else float(end) for end in ends[:, index])
        strengths.append(Strength(name, float(found[0, index]), low, high, won, played))
    strengths.sort(key=lambda one: (-one.value, one.name))
    return Ranking(tuple(strengths), float(np.exp(found[0, -1])), groups, undefined)
