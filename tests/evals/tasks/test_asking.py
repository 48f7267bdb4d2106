import hypothesis.strategies as st
import pytest
from hypothesis import given

from skillofmind.core.dialogue import Annotation, Dialogue, Image, Label, Turn
from skillofmind.evals.records import Gold
from skillofmind.evals.tasks.asking import asked, bare, depth


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
