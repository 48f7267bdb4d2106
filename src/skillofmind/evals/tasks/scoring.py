"""Scores of tasks that read a plan in another way than by its skill or by a class of the label map.

PhotoChat asks for one skill or any other, and published code reads plans in its own way. Their tasks come
with a function from a plan to a class, which is compared with `Gold.label`. A plan without a class is wrong;
an answer that failed is missing.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from skillofmind.core.plan import Plan
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.measures.labels import chance, encoded, macro_f1
from skillofmind.evals.measures.planned import planned
from skillofmind.evals.records import Answer, Case, Cell, Item, Table
from skillofmind.evals.statistics.resampling import Floats

Scores = dict[str, float | None]

ClassOf = Callable[[Plan], str]
"""Plan -> its class; "" where it has none."""


def as_written(plan: Plan) -> str:
    """Return the skill as the planner wrote it; planners that write nothing name it."""
    return plan.skill_raw or plan.skill or ""


def by_class(class_of: ClassOf) -> Callable[[Item, Answer], Scores]:
    """Make the score: `class` and `valid`."""

    def score(item: Item, answer: Answer) -> Scores:
        plan = planned(answer)
        if plan is None:
            return {"class": None, "valid": None}
        return {"class": float(class_of(plan) == item.gold.label), "valid": float(plan.valid)}

    return score


def class_measures(class_of: ClassOf) -> Callable[[Sequence[Case]], list[Measure]]:
    """Make the measures: `class`, `class_recall`, `macro_f1_class`, chance levels, `valid`."""

    def measures(cases: Sequence[Case]) -> list[Measure]:
        right, named = _pairs(cases, class_of)
        return [
            mean_of("class", _told(cases, "class"), about="Share of plans of the right class."),
            class_recall(right, named),
            macro_f1("macro_f1_class", encoded(right, named), "Mean F1 of the classes that occur."),
            *chance("_class", right, [(label,) if label else () for label in right]),
            mean_of("valid", _told(cases, "valid"), about="Share of plans with a skill of the taxonomy."),
        ]

    return measures


def class_tables(class_of: ClassOf) -> Callable[[Sequence[Case]], tuple[Table, ...]]:
    """Make the table: right classes down, named ones across."""

    def tables(cases: Sequence[Case]) -> tuple[Table, ...]:
        right, named = _pairs(cases, class_of)
        pairs = Counter((one, other or "none") for one, other in zip(right, named, strict=True) if one)
        down, across = sorted({one for one, _ in pairs}), sorted({other for _, other in pairs})
        rows: list[tuple[Cell, ...]] = [(one, *(pairs[one, other] for other in across)) for one in down]
        return (Table("Classes", ("right", *across), tuple(rows), "Right classes down, named ones across."),)

    return tables


def class_recall(right: Sequence[str | None], named: Sequence[str | None]) -> Measure:
    """Return the mean over the right classes of the share of them that were named (balanced accuracy).

    Args:
        right: of each case; `None` for one that does not count.
        named: of each case; `None` where there is none.
    """
    names = sorted({one for one in right if one is not None})
    rows = np.zeros((len(right), 2 * len(names)))
    for row, one, other in zip(rows, right, named, strict=True):
        if one is not None:
            row[names.index(one)] = one == other
            row[len(names) + names.index(one)] = 1.0
    n = sum(one is not None for one in right)
    about = "Mean over the right classes of how many of them were named; 1 / classes by chance."
    return Measure("class_recall", rows, _mean_share, n, about=about)


def _mean_share(sums: Floats) -> Floats:
    """Return the mean of `sums[k] / sums[K + k]` over those k where there is any; `nan` without one."""
    above, below = np.split(sums, 2, axis=-1)
    there = below > 0
    shares = np.divide(above, below, out=np.zeros_like(above), where=there)
    count = there.sum(axis=-1)
    found: Floats = np.divide(shares.sum(axis=-1), count, out=np.full(count.shape, np.nan), where=count > 0)
    return found


def _pairs(cases: Sequence[Case], class_of: ClassOf) -> tuple[list[str | None], list[str | None]]:
    """Return the right and the named class of each case; a case that failed has neither."""
    plans = [planned(case.answer) for case in cases]
    right = [case.item.gold.label if plan else None for case, plan in zip(cases, plans, strict=True)]
    return right, [class_of(plan) or None if plan else None for plan in plans]


def _told(cases: Sequence[Case], name: str) -> list[float | None]:
    return [case.scores.get(name) for case in cases]
