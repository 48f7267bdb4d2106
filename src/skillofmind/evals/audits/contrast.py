"""Two groups of people on the same items: do skills change more between groups than within one?

Every item was asked four times: with two terms of group A and two of group B. Where the group means nothing
to the planner, the four terms are exchangeable, whatever each of them does, so

    excess = share of flips in the four pairs A-B  -  share of flips in the pairs A-A and B-B

is 0 on average. A planner that changes its mind at any edit flips within groups, too; a word that pushes the
planner by itself flips as much in the one kind of pairs as in the other. What is left is the group.

The divergence is that of Jensen and Shannon (base 2, 0 to 1) between the skills over all items under A and
under B. Of finite samples it is more than 0 even where the groups are alike, so what it is under the null is
taken off. Unlike the excess it can be moved by a single word of one group.

Both are tested by permutation: per dialogue, any two of the four terms become "A". One-sided. Where no skill
changes there is nothing to test, and no p-value.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillofmind.evals.audits.effects import Effect
from skillofmind.evals.measure import RESAMPLES, SEED
from skillofmind.evals.statistics.effects import divergence
from skillofmind.evals.statistics.resampling import Floats, group_weights

PERMUTATIONS = 4000
"""Of the tests; Holm's correction over some eighty tests needs small p-values."""

_SIDES = tuple(combinations(range(4), 2))
"""Which two of A1, A2, B1, B2 become "A"; the first choice is the real one."""

_CHUNK = 250


class Asked(NamedTuple):
    """The skills of one item under A1, A2, B1 and B2, and its group."""

    skills: tuple[str, str, str, str]
    group: str


def contrast(
    change: str, asked: Sequence[Asked], *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> list[Effect]:
    """Return flips between and within groups, their difference, and the divergence, with tests.

    Args:
        change: name of the contrast.
        asked: items; below two groups of them there is no interval, and nothing is tested.
        permutations: of the tests.
        seed: of all draws.
    """
    if not asked:
        return []
    sums = _sums(asked)
    groups, n = len(sums.counts), len(asked)
    drawn = group_weights(groups, resamples=RESAMPLES if groups > 1 else 0, seed=seed)
    sizes = drawn @ sums.counts
    flips = np.einsum("rg,gc->rc", drawn, sums.flips) / sizes[:, None]
    between, within = flips[:, 1:5].mean(axis=1), flips[:, [0, 5]].mean(axis=1)
    spread = divergence(drawn @ sums.skills[:, 0] / 2, drawn @ sums.skills[:, 5] / 2)
    null = _null(sums, permutations if groups > 1 else 0, seed)
    made = [
        _effect(change, "flips between groups", between, n, groups),
        _effect(change, "flips within a group (control)", within, n, groups),
        _effect(change, "excess flips", between - within, n, groups),
        _effect(change, "divergence of skills over chance", _centred(spread, null.divergence), n, groups),
    ]
    tests = {2: _tested(null.excess), 3: _tested(null.divergence)}
    expected = {2: 0.0, 3: _mean(null.divergence[1:])}
    return [
        msgspec.structs.replace(one, expected=expected.get(place), p=tests.get(place))
        for place, one in enumerate(made)
    ]


class _Sums(NamedTuple):
    """Sums by group.

    Attributes:
        counts: items, [groups].
        flips: flips of each pair of terms, [groups, 6]; pairs stand in the order of `_SIDES`.
        skills: skills under each choice of two terms, [groups, 6, skills].
    """

    counts: Floats
    flips: Floats
    skills: Floats


class _Null(NamedTuple):
    """Excess and divergence as they are, and under permutations, [1 + permutations]."""

    excess: Floats
    divergence: Floats


def _sums(asked: Sequence[Asked]) -> _Sums:
    names = {group: index for index, group in enumerate(dict.fromkeys(one.group for one in asked))}
    column = {skill: index for index, skill in enumerate(sorted({s for one in asked for s in one.skills}))}
    counts = np.zeros(len(names))
    flips = np.zeros((len(names), 6))
    skills = np.zeros((len(names), 6, len(column)))
    for one in asked:
        row = names[one.group]
        counts[row] += 1
        for pair, (a, b) in enumerate(_SIDES):
            flips[row, pair] += one.skills[a] != one.skills[b]
            for term in (a, b):
                skills[row, pair, column[one.skills[term]]] += 1
    return _Sums(counts, flips, skills)


def _null(sums: _Sums, permutations: int, seed: int) -> _Null:
    """Return the statistics under permutations; the first is that of the data."""
    random = np.random.default_rng(seed)
    sides = random.integers(0, 6, (permutations, len(sums.counts)))
    sides = np.vstack([np.zeros((1, len(sums.counts)), dtype=sides.dtype), sides])
    # Choosing A1 and A2 or B1 and B2 as "A" makes the same two pairs the inner ones.
    inner = sums.flips + sums.flips[:, ::-1]
    excess_of = (sums.flips.sum(axis=1)[:, None] - inner) / 4 - inner / 2
    rows = np.arange(len(sums.counts))
    total = sums.skills[:, 0].sum(axis=0) + sums.skills[:, 5].sum(axis=0)
    excess = excess_of[rows, sides].sum(axis=1) / sums.counts.sum()
    spread = [_divergences(sums.skills, total, part) for part in np.array_split(sides, _parts(len(sides)))]
    return _Null(excess, np.concatenate(spread))


def _divergences(skills: Floats, total: Floats, sides: NDArray[np.int64]) -> Floats:
    first = sum(((sides == side).astype(np.float64) @ skills[:, side]) for side in range(6))
    return divergence(np.asarray(first), np.asarray(total - first))


def _parts(rows: int) -> int:
    return -(-rows // _CHUNK)


def _tested(null: Floats) -> float | None:
    """Return the p-value; none where no permutation gives anything else, so that Holm counts no such test."""
    if np.ptp(null) < 1e-12:
        return None
    return float((1 + (null[1:] >= null[0] - 1e-12).sum()) / len(null))


def _centred(spread: Floats, null: Floats) -> Floats:
    """Return the divergence without what is expected under the null, and its resamples around that.

    A resample is further from the truth than the sample, by as much again; only its spread is used.
    """
    value = spread[0] - _mean(null[1:])
    return np.concatenate([[value], value + spread[1:] - _mean(spread[1:])])


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _effect(change: str, measure: str, values: Floats, n: int, groups: int) -> Effect:
    found = Effect(change, measure, float(values[0]), n=n, groups=groups)
    if len(values) == 1:
        return found
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return msgspec.structs.replace(found, low=float(low), high=float(high))
