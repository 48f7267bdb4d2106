"""Rows: each item once with the answers of all runs, and what came of it."""

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.report.rows import Outcome, expected, failure, guessed, joined, outcome

ITEM = Item("bst", "1", "d1", Dialogue((Turn("A", "I failed."),)), Gold(("Empathy",)))
PLAN = Plan("They are sad.", "Empathy", "empathy", valid=True)


def case(
    item: Item = ITEM, *, plan: Plan | None = PLAN, error: str | None = None, **scores: float | None
) -> Case:
    return Case(item, Answer(plan, error=error), scores)


def test_an_item_of_two_runs_is_one_row() -> None:
    other = msgspec.structs.replace(ITEM, id="2")
    first, second = [case(), case(other)], [case(other, plan=None)]
    rows = joined([first, second])
    assert [(row.item.id, row.cases) for row in rows] == [
        ("1", [first[0], None]),
        ("2", [first[1], second[0]]),
    ]


def test_an_item_asked_in_other_words_is_another_row() -> None:
    changed = msgspec.structs.replace(ITEM, dialogue=Dialogue((Turn("A", "I passed."),)))
    rows = joined([[case()], [case(changed)]])
    assert [[one is not None for one in row.cases] for row in rows] == [[True, False], [False, True]]


def test_an_item_that_comes_twice_is_two_rows() -> None:
    assert [len(joined(runs)) for runs in ([[case(), case()]], [[case(), case()], [case(), case()]])] == [
        2,
        2,
    ]


def test_arms_are_rows_of_their_own() -> None:
    assert len(joined([[case(), case(msgspec.structs.replace(ITEM, arm="ko"))]])) == 2


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "absent"),
        (case(accuracy=1.0), "right"),
        (case(accuracy=0.0, strict=1.0), "wrong"),
        (Case(ITEM, Answer(PLAN), {"accuracy": None, "class": 1.0}), "right"),
        (case(rouge=0.3), "unjudged"),
        (case(accuracy=1.0, error="It was cut off."), "failed"),
        (case(accuracy=0.0, plan=Plan(error="No answer.")), "failed"),
    ],
)
def test_outcomes(found: Case | None, said: Outcome) -> None:
    assert outcome(found) == said


def test_a_failure_says_why() -> None:
    assert [failure(case()), failure(case(plan=Plan(error="No answer.")))] == ["", "No answer."]


def test_what_is_expected_is_the_primary_skill_or_the_class() -> None:
    assert [expected(gold) for gold in (Gold(("A", "B"), label="c"), Gold(label="c"), Gold())] == [
        "A",
        "c",
        None,
    ]


def test_a_plan_without_a_skill_is_no_missing_plan() -> None:
    none = Plan("Hm.", None, "Baking")
    assert [guessed(one) for one in (case(), case(plan=none), case(plan=None), None)] == [
        "Empathy",
        "",
        None,
        None,
    ]
