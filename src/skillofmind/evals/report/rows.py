"""Rows of the page: each item once, beside it what every run answered, and whether that was right.

Items of several runs are one row where they are equal in everything; an item that two runs were asked in
different words stays two rows, so that no answer stands under a dialogue that it was not given to.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from skillofmind.evals.measures.planned import classes, guessed_class, planned
from skillofmind.evals.records import Case, Gold, Item

Outcome = Literal["right", "wrong", "failed", "unjudged", "absent"]
"""What one run made of an item; `unjudged` is an answer that no score calls right or wrong."""

OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "failed", "unjudged", "absent")
"""In the order of their numbers in the page."""

RIGHT = ("class", "accuracy", "strict")
"""Scores that say whether an answer is right; the first one that a case has counts."""


class Row(NamedTuple):
    """One item with what each run made of it.

    Attributes:
        item: the question.
        cases: in the order of the runs; `None` where a run has no such item.
    """

    item: Item
    cases: list[Case | None]


def joined(runs: Sequence[Iterable[Case]]) -> list[Row]:
    """Return the items of all runs, in the order in which they first come."""
    rows: dict[tuple[bytes, int], Row] = {}
    for number, cases in enumerate(runs):
        seen: Counter[bytes] = Counter()
        for case in cases:
            words = msgspec.json.encode(case.item, order="deterministic")
            # An item that one run has twice is two rows, too: nothing may vanish from a report.
            row = rows.setdefault((words, seen[words]), Row(case.item, [None] * len(runs)))
            row.cases[number] = case
            seen[words] += 1
    return list(rows.values())


def outcome(case: Case | None) -> Outcome:
    """Say what came of an item: a failure, a right or a wrong answer, or one that no score judges."""
    if case is None:
        return "absent"
    if failure(case):
        return "failed"
    judged = next((value for name in RIGHT if (value := case.scores.get(name)) is not None), None)
    if judged is None:
        return "unjudged"
    return "right" if judged >= 0.5 else "wrong"


def failure(case: Case) -> str:
    """Return why a case failed; "" where it did not."""
    plan = case.answer.plan
    return case.answer.error or (plan.error if plan and plan.error else "")


def expected(gold: Gold) -> str | None:
    """Return the primary skill, or the class where skills are compared by class; `None` without either."""
    return next(iter(gold.skills), None) or gold.label or None


def guessed(case: Case | None) -> str | None:
    """Return what was named: a skill, or its class where classes are compared.

    It is "" where the plan names no skill, and `None` where there is no plan.
    """
    plan = planned(case.answer) if case is not None else None
    if case is None or plan is None:
        return None
    item = case.item
    compares_classes = item.gold.label and not item.gold.skills and classes(item.slices.get("scheme", ""))
    return (guessed_class(item, plan) if compares_classes else plan.skill) or ""
