"""Answers made plain: which system was preferred, and who paid attention.

What stood left and right is turned back into systems here, from what each answer itself says of its page.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from skillofmind.core.record import Record
from skillofmind.evals.study.design.checks import passed
from skillofmind.evals.study.folder import Kept
from skillofmind.evals.study.records import Answer, Choice, Task

PASS = 0.6
"""Share of the checks that a rater has to pass; one key for everything passes half of them at most."""

FIRST, SECOND, SAME = "first", "second", "same"
"""What a vote says of a pair whose systems stand in the order of the study."""


class Vote(NamedTuple):
    """One rater's choice of one criterion.

    Attributes:
        rater: who.
        task: key of the task.
        item: id of the material.
        group: the dialogue.
        criterion: name.
        first: the system that stands first in the study.
        second: the other one; "" in a rating.
        value: `first`, `second` or `same`; in a rating, a number from 1.
        left: whether the first system stood on the left.
    """

    rater: str
    task: str
    item: str
    group: str
    criterion: str
    first: str
    second: str
    value: Choice
    left: bool


class Attention(Record, frozen=True):
    """How a rater did in the checks.

    Attributes:
        passed: checks that were answered rightly.
        answered: checks that were answered.
        needed: share that has to be passed.
        excluded: whether the rater's answers are left out.
    """

    passed: int
    answered: int
    needed: float
    excluded: bool


def votes(kept: Kept, without: Collection[str] = ()) -> tuple[Vote, ...]:
    """Return all choices of all tasks that are no checks, but for those of the raters `without`."""
    return tuple(
        _vote(answer, kept.tasks[answer.task], criterion, choice)
        for answer in kept.answers
        if answer.rater not in without and kept.tasks[answer.task].sort == "real"
        for criterion, choice in answer.choices.items()
    )


def attention(kept: Kept, needed: float = PASS) -> dict[str, Attention]:
    """Return rater -> how they did in the checks; who answered none is not excluded."""
    right: dict[str, list[bool]] = {name: [] for name in kept.raters}
    for answer in kept.answers:
        task = kept.tasks[answer.task]
        if task.sort != "real":
            right[answer.rater].append(passed(kept.study, task, answer))
    return {
        name: Attention(sum(one), len(one), needed, bool(one) and sum(one) < needed * len(one))
        for name, one in right.items()
    }


def people_votes(kept: Kept, criterion: str, needed: float = PASS) -> dict[tuple[str, str, str], list[str]]:
    """Return (item, first system, second system) -> votes of the attentive raters, for `judge_agreement`."""
    out = [name for name, one in attention(kept, needed).items() if one.excluded]
    found: dict[tuple[str, str, str], list[str]] = {}
    for vote in votes(kept, out):
        if vote.criterion == criterion:
            found.setdefault((vote.item, vote.first, vote.second), []).append(str(vote.value))
    return found


def by_task(given: Iterable[Vote]) -> dict[str, dict[str, Choice]]:
    """Return task -> rater -> value; of one criterion."""
    found: dict[str, dict[str, Choice]] = {}
    for vote in given:
        found.setdefault(vote.task, {})[vote.rater] = vote.value
    return found


def _vote(answer: Answer, task: Task, criterion: str, choice: Choice) -> Vote:
    left = answer.left == task.first
    value: Choice = choice
    if task.second:
        value = SAME if choice == "same" else FIRST if (choice == "left") == left else SECOND
    return Vote(
        answer.rater, task.key, task.item, task.group, criterion, task.first, task.second, value, left
    )
