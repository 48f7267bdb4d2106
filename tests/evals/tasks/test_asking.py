import hypothesis.strategies as st
import pytest
from hypothesis import given

from skillofmind.core.dialogue import Annotation, Dialogue, Image, Label, Turn
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.tasks.asking import asked, bare, depth, drawn


def talk(length: int) -> Dialogue:
    turns = tuple(
        Turn("AB"[n % 2], f"turn {n}", labels=(Label("s", "v"),), annotations=(Annotation("Empathy"),))
        for n in range(length)
    )
    return Dialogue(turns, id="own:7", corpus="own", lang="en", scenario="chat", meta={"end": "divorce"})


@given(st.integers(2, 20), st.data())
def test_neither_the_turn_nor_what_follows_is_shown(length: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(1, length - 1))
    item = asked("t", talk(length).before(index), index, Gold(reply=f"turn {index}"))
    assert [turn.text for turn in item.dialogue.turns] == [f"turn {n}" for n in range(index)]
    assert item.dialogue.responder == "AB"[index % 2]


def test_labels_annotations_and_remarks_are_not_shown_and_pictures_are() -> None:
    shown = bare(
        Dialogue((Turn("A", "x", images=(Image("a dog"),), labels=(Label("s", "v"),)),), meta={"k": 1})
    )
    assert shown == Dialogue((Turn("A", "x", images=(Image("a dog"),)),))


def test_an_item_knows_its_place_its_group_and_its_slices() -> None:
    item = asked("t", talk(6).before(4), 4, Gold(), scheme="s", lang="de")
    assert (item.key, item.group) == ("t//own:7#4", "own:7")
    assert item.slices == {"corpus": "own", "lang": "de", "scheme": "s", "scenario": "chat", "turns": "4-7"}


@pytest.mark.parametrize(
    ("turns", "name"), [(0, "1-3"), (1, "1-3"), (3, "1-3"), (4, "4-7"), (7, "4-7"), (8, "8+"), (99, "8+")]
)
def test_depths(turns: int, name: str) -> None:
    assert depth(turns) == name


def items(count: int, arm: str = "") -> list[Item]:
    return [Item("t", f"i{n}", "g", Dialogue(()), arm=arm) for n in range(count)]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 3))
def test_a_larger_draw_holds_the_smaller_one_in_the_same_order(one: int, more: int, seed: int) -> None:
    few, many = drawn(items(40), one, seed), drawn(items(40), one + more, seed)
    assert len(few) == one
    assert [item for item in many if item in few] == few
    assert [item.id for item in many] == sorted((item.id for item in many), key=lambda name: int(name[1:]))


def test_a_draw_depends_on_the_ids_and_the_seed_alone() -> None:
    assert {item.id for item in drawn(items(40)[::-1], 9)} == {item.id for item in drawn(items(40), 9)}
    assert drawn(items(40), 9, seed=1) != drawn(items(40), 9)
    assert drawn(items(40), None) == drawn(items(40), 99) == items(40)


def test_arms_of_an_item_are_drawn_together() -> None:
    both = [*items(20), *items(20, "swapped")]
    found = drawn(both, 5)
    assert len(found) == 10
    assert {item.id for item in found if item.arm} == {item.id for item in found if not item.arm}
