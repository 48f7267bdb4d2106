from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.dialogue import Speaker, Turn
from tests.data.corpora.reading import json_lines, lines, only, said, shared, told, turn_count
from tests.data.corpora.samples import SODA, listed


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    dialogue = only("soda", lines(tmp_path / "rows.jsonl", [SODA]))
    assert dialogue.id == "soda:41"
    assert dialogue.turns == (
        Turn("Mara", "Can I have the pump?"),
        Turn("Jo", " Sure, here. "),
        Turn("Mara", "It holds!"),
    )
    assert dialogue.speakers == (Speaker("Mara"), Speaker("Jo"))
    assert dialogue.context.situation == "Mara mends her bike with Jo's pump."
    assert (dialogue.split, dialogue.licence, dialogue.lang) == ("validation", "CC BY 4.0", "en")
    assert dialogue.scenario == "social narrative"
    assert dialogue.meta == {
        name: SODA[name]
        for name in ("head", "relation", "tail", "literal", "PersonX", "PersonY", "PersonZ", "head_answer")
    }


@pytest.mark.parametrize("speakers", [["Mara"], ["Mara", "Jo", "Mara", "Jo"]])
def test_speakers_and_utterances_must_be_equally_many(tmp_path: Path, speakers: list[str]) -> None:
    path = lines(tmp_path / "train.jsonl", [SODA | {"speakers": speakers}, SODA])
    kept, (rejected,) = told("soda", path)
    assert len(kept) == 1
    assert str(rejected) == (
        f"train.jsonl:1: {len(speakers)} speakers for 3 utterances; who says what is not known."
    )


@pytest.mark.parametrize("change", [{"dialogue": [], "speakers": []}, {"speakers": ["Mara", " ", "Mara"]}])
def test_a_row_without_turns_or_names_is_rejected(tmp_path: Path, change: dict[str, Any]) -> None:
    kept, rejected = told("soda", lines(tmp_path / "train.jsonl", [SODA | change]))
    assert (len(kept), len(rejected)) == (0, 1)


def test_the_file_names_the_split_and_the_row_where_the_row_does_not(tmp_path: Path) -> None:
    bare = {"dialogue": ["Hi."], "speakers": ["Ann"], "narrative": ""}
    dialogue = only("soda", lines(tmp_path / "test.jsonl", [bare]))
    assert (dialogue.id, dialogue.split, dialogue.context.situation) == ("soda:test:1", "test", None)


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    lines(tmp_path / "test.jsonl", [SODA])
    (tmp_path / "train.json").write_bytes(listed(SODA, SODA))
    (tmp_path / "README.md").write_bytes(json_lines(SODA))
    assert [len(results) for results in told("soda", tmp_path)] == [3, 0]


def test_the_published_examples() -> None:
    kept, rejected = told("soda", shared("dialogstudio_samples", "SODA.original_examples.json"))
    assert (len(kept), turn_count(kept), rejected) == (5, 44, [])
    assert kept[0].id == "soda:6027731"
    assert [speaker.key for speaker in kept[0].speakers] == ["Veda", "Priest"]
    assert said(kept[0])[1][0] == "Priest"
