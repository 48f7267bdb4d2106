from pathlib import Path

from skillofmind.core.dialogue import Speaker, Turn
from tests.data.corpora.reading import lines, only, told
from tests.data.corpora.samples import PEARL


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    dialogue = only("pearl", lines(tmp_path / "test.jsonl", [PEARL]))
    assert dialogue.id == "pearl:test:1"
    assert dialogue.turns == (
        Turn("Seeker", "A film with boats?"),
        Turn("Recommender", "He says: Seeker: go!\nYou may like it."),
    )
    assert dialogue.speakers == (
        Speaker("Seeker", role="looks for a film", persona=("I like boats.", "I dislike gore.")),
        Speaker("Recommender", role="recommends films"),
    )
    assert (dialogue.split, dialogue.licence, dialogue.scenario) == ("test", "CC BY 4.0", "recommendation")
    assert dialogue.meta == {"gt": "A Boat (2001)"}


def test_a_persona_may_be_a_list(tmp_path: Path) -> None:
    dialogue = only("pearl", lines(tmp_path / "test.jsonl", [PEARL | {"user_persona": ["Boats.", ""]}]))
    assert dialogue.speakers[0].persona == ("Boats.",)


def test_empty_strings_alone_are_no_dialogue(tmp_path: Path) -> None:
    kept, rejected = told("pearl", lines(tmp_path / "test.jsonl", [PEARL, PEARL | {"dialogue": ["", ""]}]))
    assert len(kept) == 1
    assert [str(row) for row in rejected] == ["test.jsonl:2: the dialogue has no turns; give at least one."]
