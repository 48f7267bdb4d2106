from pathlib import Path

from skillofmind.core.dialogue import Image, SocialContext, Speaker, Turn
from tests.data.corpora.reading import lines, told
from tests.data.corpora.samples import STARK


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    (first, second), rejected = told("stark", lines(tmp_path / "train.jsonl", [STARK]))
    assert rejected == []
    assert (first.id, second.id) == ("stark:p3:e1:session1", "stark:p3:e1:session2")
    assert first.turns == (
        Turn("Ines", "I found my old camera."),
        Turn("Ines", "", (Image("a dusty camera on a table"),), meta={"images_key": "k1"}),
        Turn("AI Assistant", "Lovely!"),
    )
    traits = {"age": "34", "gender": "Female", "birthplace": "Portugal", "residence": "Norway"}
    assert first.speakers == (Speaker("Ines", attributes=traits), Speaker("AI Assistant"))
    assert second.speakers == (Speaker("Ines", attributes=traits),)
    assert first.context == SocialContext(event="Ines tidies the attic.")
    assert second.context == SocialContext(
        event="Ines shows her first pictures.", elapsed="2 months", experience="Ines takes a course."
    )
    assert first.meta == {
        "episode": "p3:e1",
        "session": 1,
        "time_interval": "0 hours",
        "number_of_session": 2,
    }
    assert (first.split, first.licence) == ("train", "research use only")


def test_a_session_with_uneven_lists_is_rejected_alone(tmp_path: Path) -> None:
    broken = STARK | {"session1:speaker": ["Ines"]}
    kept, (rejected,) = told("stark", lines(tmp_path / "stark.jsonl", [broken]))
    assert [dialogue.id for dialogue in kept] == ["stark:p3:e1:session2"]
    assert str(rejected) == (
        "stark.jsonl:1: session 1 has 3 utterances, 1 speakers and 3 picture descriptions; "
        "one of each belongs to a turn."
    )


def test_a_person_without_sessions_is_rejected(tmp_path: Path) -> None:
    kept, (rejected,) = told("stark", lines(tmp_path / "stark.jsonl", [{"name": "Ines"}]))
    assert kept == []
    assert "no session" in rejected.reason


def test_keys_of_pictures_that_fit_no_turn_stay_with_the_session(tmp_path: Path) -> None:
    (first, _), _ = told("stark", lines(tmp_path / "s.jsonl", [STARK | {"session1:images_key": "k9"}]))
    assert first.meta["images_key"] == "k9"
    assert all(turn.meta == {} for turn in first.turns)


def test_a_row_without_id_is_named_by_file_and_row(tmp_path: Path) -> None:
    bare = {key: value for key, value in STARK.items() if key != "unique_id"}
    (first, _), _ = told("stark", lines(tmp_path / "stark.jsonl", [bare]))
    assert first.id == "stark:stark:1:session1"
