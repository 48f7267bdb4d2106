from collections.abc import Sequence

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.tasks.left_out import (
    Part,
    fit_embedded,
    labelled_parts,
    leave_one_source_out,
    starter_parts,
)
from skillofmind.mind.embedded.fit import Example
from tests.evals.tasks.small import data_folder


class Seen:
    """Remembers what it was fitted on."""

    identity = "seen"

    def __init__(self, rows: Sequence[Example]) -> None:
        self.groups = [row.group for row in rows]

    async def plan(self, dialogue: Dialogue) -> Plan:
        return Plan()


def part(name: str, *groups: str, words: str = "x", skill: str = "Empathy") -> Part:
    dialogue = Dialogue((Turn("A", words),), id=f"{name}:1")
    rows = [Example(dialogue, skill, group) for group in groups]
    return Part(rows, [Item(name, f"{name}:9#1", f"{name}:9", dialogue, Gold((skill,)))])


def test_a_planner_has_seen_all_sources_but_its_own() -> None:
    parts = {"a": part("a", "a:1", "a:2"), "b": part("b", "b:1"), "c": part("c", "c:1", "a:9")}
    found = [
        (left.source, left.planner.groups, [item.task for item in left.items])
        for left in leave_one_source_out(parts, Seen)
        if isinstance(left.planner, Seen)
    ]
    assert found == [
        ("a", ["b:1", "c:1"], ["a"]),  # a:9 is one of its items' groups
        ("b", ["a:1", "a:2", "c:1", "a:9"], ["b"]),
        ("c", ["a:1", "a:2", "b:1"], ["c"]),
    ]


def test_one_source_leaves_nothing_to_learn_from() -> None:
    with pytest.raises(ConfigurationError, match="at least two"):
        next(leave_one_source_out({"a": part("a", "a:1")}, Seen))


async def test_the_fast_fit_learns_from_its_rows() -> None:
    parts = {
        "pets": part("pets", *(f"p{n}" for n in range(5)), words="my dog died and i cry"),
        "maps": part("maps", *(f"m{n}" for n in range(5)), words="where is it?", skill="Clarification"),
        "none": part("none"),
    }
    for left in leave_one_source_out(parts, fit_embedded(steps=20)):
        plans = [(await left.planner.plan(item.dialogue)).skill for item in left.items]
        assert plans == [
            {"pets": "Clarification", "maps": "Empathy", "none": "Clarification"}[left.source]
        ] or (left.source == "none")


def test_scenarios_of_the_package_are_sources_that_share_no_group_in_training() -> None:
    parts = starter_parts()
    assert len(parts) == 14
    assert sum(len(one.items) for one in parts.values()) == 998
    for left in leave_one_source_out(parts, Seen):
        assert isinstance(left.planner, Seen)
        assert {item.group for item in left.items}.isdisjoint(left.planner.groups)


def test_labelled_corpora_are_sources() -> None:
    data = data_folder("casino", "annomi")
    parts = labelled_parts(["casino", "annomi"], data, rows=50)
    assert {name: (len(one.rows), len(one.items)) for name, one in parts.items()} == {
        "casino": (50, 180),
        "annomi": (50, 378),
    }
    with pytest.raises(ConfigurationError, match="'dailydialog' has classes"):
        labelled_parts(["dailydialog"], data)
