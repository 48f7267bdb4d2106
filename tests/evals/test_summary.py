from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from skillofmind.core.plan import Plan
from skillofmind.evals.measure import differences, mean_of
from skillofmind.evals.records import Answer, Case, Item, Summary
from skillofmind.evals.summary import MEAN, cases_of, compared, summarise, worst
from tests.evals.fake import SKILLS, fake_task, items, measures


def answer(item: Item, right: bool, confidence: float | None = None) -> Answer:
    skill = item.gold.skills[0] if right else "Ethics" if item.gold.skills[0] != "Ethics" else SKILLS[0]
    return Answer(plan=Plan("I see.", skill, confidence=confidence, valid=True), seconds=1.0)


def answers(asked: Sequence[Item], rights: Sequence[bool]) -> dict[str, Answer]:
    return {item.key: answer(item, right) for item, right in zip(asked, rights, strict=True)}


def drawn(count: int, share: float, seed: int = 0) -> list[bool]:
    return [bool(one) for one in np.random.default_rng(seed).random(count) < share]


def summary_of(asked: Sequence[Item], found: dict[str, Answer], **more: object) -> Summary:
    names = dict.fromkeys(item.task for item in asked)
    tasks = {name: fake_task(name=name, **more) for name in names}  # type: ignore[arg-type]
    return summarise(cases_of(asked, found, tasks), tasks, {"planner": "scripted"})


def test_cases_follow_the_items_and_hold_no_time_and_no_tokens() -> None:
    asked = items(6)
    found = answers(asked, [True] * 6)
    del found["numbers//item-2"]
    cases = cases_of(asked, dict(reversed(found.items())), {"numbers": fake_task()})
    assert [case.item.id for case in cases] == ["item-0", "item-1", "item-3", "item-4", "item-5"]
    assert {case.answer.seconds for case in cases} == {0.0}
    assert cases[0].scores == {"accuracy": 1.0, "length": 6.0}


def test_a_failed_item_is_missing_and_not_wrong() -> None:
    asked = items(10)
    found = answers(asked, [True] * 10) | {"numbers//item-4": Answer(error="busy")}
    [result] = summary_of(asked, found).results
    assert (result.items, result.failed, result.groups) == (10, 1, 4)
    accuracy = result.estimates[0]
    assert (accuracy.value, accuracy.n, accuracy.missing) == (1.0, 9, 1)
    [note] = summary_of(asked, found).notes
    assert "1 of 10 items failed and count as missing, not as wrong" in note


def test_slices_hold_values_with_enough_cases() -> None:
    asked = items(60)
    [result] = summary_of(asked, answers(asked, [number % 2 == 0 for number in range(60)])).results
    # A dimension with a single value would repeat the whole.
    assert result.slices.keys() == {"parity"}
    assert {value: found[0].value for value, found in result.slices["parity"].items()} == {
        "even": 1,
        "odd": 0,
    }
    assert summary_of(items(30), answers(items(30), [True] * 30)).results[0].slices == {}


def test_every_arm_is_compared_with_the_plain_one_on_what_both_answered() -> None:
    asked = items(60, arms=("", "loud", "quiet"))
    rights = [*drawn(60, 0.9), *drawn(60, 0.2, 1), *drawn(60, 0.9, 2)]
    found = answers(asked, rights) | {"numbers/loud/item-0": Answer(error="busy")}
    summary = summary_of(asked, found)
    assert [(one.measure, one.first, one.second, one.n) for one in summary.differences] == [
        ("accuracy", "", "loud", 59),
        ("length", "", "loud", 59),
        ("accuracy", "", "quiet", 60),
        ("length", "", "quiet", 60),
    ]
    loud = summary.differences[0]
    before, after = rights[1:60], rights[61:120]
    assert loud.value == pytest.approx(np.mean(after) - np.mean(before))
    [alone] = differences(
        "numbers",
        ("", "loud"),
        [(mean_of("accuracy", [*map(float, before)]), mean_of("accuracy", [*map(float, after)]))],
        [item.group for item in asked[1:60]],
    )
    assert (loud.low, loud.high, loud.p) == (alone.low, alone.high, alone.p)
    assert loud.p is not None
    # The smallest of four p-values is multiplied by four.
    assert loud.adjusted == pytest.approx(4 * loud.p)


def test_without_a_plain_arm_the_first_one_stands_for_it() -> None:
    asked = items(20, arms=("none", "both"))
    summary = summary_of(asked, answers(asked, [True] * 40))
    assert {(one.first, one.second) for one in summary.differences} == {("none", "both")}


def test_the_mean_over_tasks_weighs_each_the_same() -> None:
    first, second = items(300, "one"), items(900, "two")
    asked = [*first, *second]
    rights = [*drawn(300, 0.9), *drawn(900, 0.3, 1)]
    summary = summary_of(asked, answers(asked, rights))
    assert [result.task for result in summary.results] == ["one", "two", MEAN]
    means = [result.estimates[0] for result in summary.results]
    assert means[0].value is not None
    assert means[1].value is not None
    assert means[2].value == pytest.approx((means[0].value + means[1].value) / 2)
    widths = [(one.high or 0) - (one.low or 0) for one in means]
    # Independent tasks: half the root of the sum of squares, within what resampling and skew allow.
    assert widths[2] == pytest.approx(np.hypot(widths[0], widths[1]) / 2, rel=0.1)
    [table] = summary.results[2].tables
    assert table.columns == ("task", "items", "accuracy", "length")
    assert [row[:2] for row in table.rows] == [("one", 300), ("two", 900), ("mean", 1200)]
    assert table.rows[2][2] == means[2].value


def test_official_tasks_have_no_part_in_the_mean_and_are_told() -> None:
    asked = [*items(20, "one"), *items(20, "two")]
    summary = summary_of(asked, answers(asked, [True] * 40), official=True)
    assert [result.task for result in summary.results] == ["one", "two"]
    assert sum("published evaluation code" in note for note in summary.notes) == 2


def test_the_same_cases_give_the_same_bytes() -> None:
    asked = [*items(40, "one", ("", "loud")), *items(40, "two")]
    found = answers(asked, drawn(120, 0.5))
    texts = {msgspec.json.encode(summary_of(asked, dict(list(found.items())[::step]))) for step in (1, -1)}
    assert len(texts) == 1


def cases(asked: Sequence[Item], rights: Sequence[bool]) -> list[Case]:
    return cases_of(asked, answers(asked, rights), {"numbers": fake_task(), "other": fake_task()})


class TestCompared:
    def test_runs_are_paired_by_item(self) -> None:
        asked = items(60)
        one, two = cases(asked, drawn(60, 0.8)), cases(asked[10:][::-1], drawn(50, 0.2, 1))
        found = compared(one, two, {"numbers": fake_task()}, ("a", "b"))
        assert [(each.task, each.measure, each.n) for each in found] == [
            ("numbers", "accuracy", 50),
            ("numbers", "length", 50),
        ]
        mine = np.mean(drawn(60, 0.8)[10:])
        theirs = np.mean(drawn(50, 0.2, 1))
        assert found[0].value == pytest.approx(theirs - mine)
        assert (found[0].first, found[0].second) == ("a", "b")
        assert found[0].p is not None
        assert found[0].adjusted == pytest.approx(2 * found[0].p)

    def test_an_item_with_another_dialogue_is_not_the_same(self) -> None:
        asked = items(10)
        other = [
            msgspec.structs.replace(item, dialogue=msgspec.structs.replace(item.dialogue, id="x"))
            for item in asked[:4]
        ]
        found = compared(
            cases(asked, [True] * 10),
            cases([*other, *asked[4:]], [True] * 10),
            {"numbers": fake_task()},
            ("a", "b"),
        )
        assert {each.n for each in found} == {6}

    def test_runs_with_nothing_in_common_have_no_difference(self) -> None:
        mine, theirs = cases(items(5), [True] * 5), cases(items(5, "other"), [True] * 5)
        assert compared(mine, theirs, {"numbers": fake_task(), "other": fake_task()}, ("a", "b")) == ()

    def test_arms_are_told_apart(self) -> None:
        asked = items(20, arms=("", "loud"))
        found = compared(
            cases(asked, [True] * 40), cases(asked, [False] * 40), {"numbers": fake_task()}, ("a", "b")
        )
        assert [each.task for each in found] == ["numbers", "numbers", "numbers (loud)", "numbers (loud)"]


def test_the_worst_come_first_and_of_equal_ones_the_surest() -> None:
    asked = items(4)
    found = {
        item.key: answer(item, right, sure)
        for item, right, sure in zip(asked, (True, False, False, False), (0.9, 0.2, 0.8, None), strict=True)
    }
    tasks = {"numbers": fake_task()}
    those = cases_of(asked, found, tasks)
    order = worst(those, summarise(those, tasks, {}))
    assert [case.item.id for case in order] == ["item-2", "item-1", "item-3", "item-0"]


def test_the_measures_of_the_stand_in_task_are_additive() -> None:
    asked = items(9)
    whole = measures(cases(asked, drawn(9, 0.5)))
    assert whole[0].rows.sum(axis=0)[1] == 9
