"""What a change does, as numbers: pairs of cases, and measures over pairs.

An *effect* is one number of one change, with its interval (whole groups drawn again), how many cases and
groups it comes from, what would be expected by chance, and a p-value with Holm's correction over all tests of
its audit. Cases whose planner failed are missing, never "changed".
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from skillofmind.core.record import Record
from skillofmind.evals.measure import RESAMPLES, SEED, Measure, differences, estimates, mean_of
from skillofmind.evals.records import Case, Cell, Table
from skillofmind.evals.statistics.multiple import holm

NO_SKILL = ""
"""Stands for the skill of a plan that has none: invalid, or abstaining. It is an outcome of its own."""


class Effect(Record, frozen=True):
    """One number of one change.

    Attributes:
        change: the arm, or the groups that are compared.
        measure: what was measured.
        value: the number; `None` where it is undefined.
        low: lower end of the 95 % interval.
        high: upper end.
        n: cases, or pairs of cases.
        groups: dialogues among them.
        expected: what chance or the control gives.
        p: of the test that the measure's name goes with; `None` where nothing is tested.
        adjusted: the same after Holm's correction over the tests of the audit.
    """

    change: str
    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    groups: int = 0
    expected: float | None = None
    p: float | None = None
    adjusted: float | None = None


class Reading(Record, frozen=True):
    """What an audit came to.

    Attributes:
        audit: its name.
        items: plain items that it was made from.
        groups: dialogues among them.
        left_out: arm -> plain items that the change does not apply to.
        failed: arm -> items whose planner failed.
        effects: the numbers.
        tables: the same, to be read.
        notes: what a reader has to know.
    """

    audit: str
    items: int
    groups: int
    left_out: dict[str, int]
    failed: dict[str, int]
    effects: tuple[Effect, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()


class Pair(NamedTuple):
    """A case before and after a change."""

    plain: Case
    other: Case


Key = tuple[str, str]
"""Task and id: the same in all arms."""


class ByArm:
    """Cases by arm and id, the failed ones apart."""

    def __init__(self, cases: Iterable[Case]) -> None:
        """Sort the cases of all arms, the plain one included."""
        self._cases: dict[str, dict[Key, Case]] = {}
        self.failed: dict[str, int] = {}
        for case in cases:
            arm = case.item.arm
            if answered(case):
                self._cases.setdefault(arm, {})[case.item.task, case.item.id] = case
            else:
                self.failed[arm] = self.failed.get(arm, 0) + 1

    def arm(self, name: str) -> dict[Key, Case]:
        """Return the answered cases of an arm."""
        return self._cases.get(name, {})

    def names(self) -> list[str]:
        """Return the arms that have an answered case, in the order in which they came."""
        return list(self._cases)

    def in_all(self, arms: Sequence[str]) -> list[tuple[Case, ...]]:
        """Return the cases that were answered in all of these arms, side by side."""
        first, *rest = (self.arm(name) for name in arms)
        return [
            (case, *(one[key] for one in rest)) for key, case in first.items() if all(key in r for r in rest)
        ]

    def pairs(self, arm: str) -> list[Pair]:
        """Return the plain cases beside those of an arm."""
        return [Pair(plain, other) for plain, other in self.in_all(("", arm))]


def answered(case: Case) -> bool:
    """Say whether the planner gave a plan, valid or not."""
    return case.answer.error is None and case.answer.plan is not None and case.answer.plan.error is None


def skill_of(case: Case) -> str:
    """Return the skill of an answered case, or `NO_SKILL`."""
    plan = case.answer.plan
    return (plan.skill if plan is not None and plan.valid else None) or NO_SKILL


def right(case: Case) -> float | None:
    """Return how right an answered case is: the task's accuracy or class score, else by its gold skills."""
    for name in ("accuracy", "class"):
        if case.scores.get(name) is not None:
            return case.scores[name]
    gold = case.item.gold.skills
    return float(skill_of(case) in gold) if gold else None


def flipped(first: Case, second: Case) -> float:
    """Return 1 where two cases have different skills, else 0."""
    return float(skill_of(first) != skill_of(second))


def measured(
    change: str,
    measures: Sequence[Measure],
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Effect]:
    """Return measures of the same cases as effects."""
    if not groups:
        return []
    found = estimates(measures, groups, resamples=resamples, seed=seed)
    return [
        Effect(change, one.measure, one.value, one.low, one.high, one.n, _counted(measure, groups))
        for one, measure in zip(found, measures, strict=True)
    ]


def difference(change: str, measure: str, first: Measure, second: Measure, groups: Sequence[str]) -> Effect:
    """Return second minus first of two measures of the same cases, with the paired permutation test.

    There is no p-value where every case has the same on both sides: nothing could come out.
    """
    found = differences("", ("first", "second"), [(first, second)], groups)[0]
    p = None if np.array_equal(first.rows, second.rows) else found.p
    count = _counted(first, groups)
    return Effect(change, measure, found.value, found.low, found.high, found.n, count, 0.0, p)


def share(name: str, values: Iterable[float | None], about: str = "") -> Measure:
    """Return the mean of the values that are there, of which less is better."""
    return mean_of(name, list(values), "lower", about)


def groups_of(cases: Iterable[Case]) -> list[str]:
    """Return the group of each case; equal names of two tasks are two groups."""
    return [f"{case.item.task}\n{case.item.group}" for case in cases]


def corrected(effects: Iterable[Effect]) -> tuple[Effect, ...]:
    """Return the effects with Holm's correction over all that have a p-value."""
    found = list(effects)
    adjusted = holm([one.p for one in found])
    return tuple(
        msgspec.structs.replace(one, adjusted=value) for one, value in zip(found, adjusted, strict=True)
    )


def table_of(
    title: str, effects: Iterable[Effect], about: str = "", keep: Callable[[Effect], bool] = lambda _: True
) -> Table:
    """Return effects as a table, one a row."""
    columns = ("change", "measure", "value", "low", "high", "expected", "n", "dialogues", "p", "p (Holm)")
    rows: list[tuple[Cell, ...]] = [
        (e.change, e.measure, e.value, e.low, e.high, e.expected, e.n, e.groups, e.p, e.adjusted)
        for e in effects
        if keep(e)
    ]
    return Table(title, columns, tuple(rows), about)


def _counted(measure: Measure, groups: Sequence[str]) -> int:
    """Return how many groups have a case that counts."""
    counts = np.abs(measure.rows).sum(axis=1) > 0
    return len({group for group, counted in zip(groups, counts, strict=True) if counted})
