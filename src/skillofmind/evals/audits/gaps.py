"""Slices: where a planner is right less often than elsewhere, with a test.

A gap is the accuracy inside a slice minus that outside. Its interval draws whole groups again; its p-value
flips the signs of the groups' sums of

    (inside? - share inside) * (right - accuracy)

which are 0 on average where accuracy and slice have nothing to do with one another. Groups may lie inside,
outside or on both sides.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from skillofmind.evals.audits.changes.gender import genders_in
from skillofmind.evals.audits.changes.people import Gendered
from skillofmind.evals.audits.effects import Effect, answered, corrected, groups_of, right
from skillofmind.evals.measure import PERMUTATIONS, SEED, Measure, estimates
from skillofmind.evals.records import Case
from skillofmind.evals.statistics.resampling import Floats

LEAST = 30
"""Cases that a slice needs inside and outside."""

GAP = "accuracy inside minus outside"

Slices = Callable[[Case], Mapping[str, str]]
"""Case -> dimension -> value."""


def gaps(
    cases: Iterable[Case], slices: Slices, *, pairs: bool = False, least: int = LEAST
) -> tuple[Effect, ...]:
    """Return the gap of every slice, the worst first, with Holm's correction over all of them.

    Args:
        cases: plain ones; those without a right answer or without a plan do not count.
        slices: what a case belongs to.
        pairs: also slices that two values of different dimensions make together.
        least: cases that a slice needs inside and outside.
    """
    known = [case for case in cases if answered(case) and right(case) is not None]
    values = np.array([right(case) or 0.0 for case in known])
    groups = groups_of(known)
    found = [
        _gap(name, values, np.array(inside, dtype=np.float64), groups)
        for name, inside in _inside([slices(case) for case in known], pairs)
        if least <= sum(inside) <= len(inside) - least
    ]
    return tuple(sorted(corrected(found), key=lambda one: (one.value or 0.0, one.change)))


def of_item(case: Case) -> Mapping[str, str]:
    """Return the slices of the item, and its task."""
    shown = {name: value for name, value in case.item.slices.items() if not name.startswith("audit.")}
    return {"task": case.item.task} | shown


def of_gender(gendered: Gendered) -> Slices:
    """Make the slices by which words with a gender an English dialogue has: only one kind, both, none."""

    def found(case: Case) -> Mapping[str, str]:
        if case.item.dialogue.lang not in ("", "en"):
            return {}
        return {"words of gender": "+".join(sorted(genders_in(case.item.dialogue, gendered))) or "none"}

    return found


def _inside(dimensions: Sequence[Mapping[str, str]], pairs: bool) -> Iterator[tuple[str, list[bool]]]:
    """Yield every slice with whether each case is inside; slices of the same cases come once."""
    named = [sorted(f"{name} = {value}" for name, value in one.items()) for one in dimensions]
    sets: dict[str, set[int]] = {}
    for place, names in enumerate(named):
        both = [f"{a} and {b}" for a, b in combinations(names, 2)] if pairs else []
        for name in (*names, *both):
            sets.setdefault(name, set()).add(place)
    seen: set[frozenset[int]] = set()
    for name in sorted(sets, key=lambda name: (" and " in name, name)):
        members = frozenset(sets[name])
        if members not in seen:
            seen.add(members)
            yield name, [place in members for place in range(len(named))]


def _gap(name: str, values: Floats, inside: Floats, groups: Sequence[str]) -> Effect:
    rows = np.stack([values * inside, inside, values * (1 - inside), 1 - inside], axis=1)
    found = estimates([Measure(GAP, rows, _difference, len(rows))], groups)[0]
    names = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    scores = np.zeros(len(names))
    np.add.at(scores, [names[group] for group in groups], (inside - inside.mean()) * (values - values.mean()))
    return Effect(
        name,
        GAP,
        found.value,
        found.low,
        found.high,
        int(inside.sum()),
        _groups(inside, groups),
        0.0,
        _p(scores),
    )


def _difference(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = sums[..., 0] / sums[..., 1] - sums[..., 2] / sums[..., 3]
    return found


def _p(scores: Floats) -> float:
    """Return the share of random signs with a sum as far from 0."""
    signs = np.random.default_rng(SEED).choice([-1.0, 1.0], (PERMUTATIONS, len(scores)))
    far = np.abs(signs @ scores) >= abs(scores.sum()) - 1e-12
    return float((1 + far.sum()) / (1 + len(far)))


def _groups(inside: Floats, groups: Sequence[str]) -> int:
    return len({group for group, one in zip(groups, inside, strict=True) if one})
