import json
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Label, Turn
from tests.data.corpora.reading import json_lines, label_counts, lines, said, shared, told, turn_count
from tests.data.corpora.samples import PROSOCIAL, PROSOCIAL_LISTS, columns, listed


@pytest.mark.parametrize("content", [json_lines(*PROSOCIAL), listed(*PROSOCIAL), columns(*PROSOCIAL)])
def test_rows_become_dialogues_in_every_container(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "valid.json"
    path.write_bytes(content)
    (first, second), rejected = told("prosocial", path)
    assert rejected == []
    assert (first.id, second.id) == ("prosocial:validation:5", "prosocial:validation:6")
    assert first.turns[:2] == (
        Turn(
            "A",
            "I will read my sister's diary.",
            labels=(
                Label("prosocial.safety_label", "__needs_caution__"),
                Label("prosocial.safety_annotation", "needs caution", "1"),
                Label("prosocial.safety_annotation", "casual", "2"),
                Label("prosocial.safety_annotation", "needs caution", "3"),
            ),
            meta={
                "safety_annotation_reasons": ["private", "fine", "a breach"],
                "source": "ours",
                "response_id": 0,
            },
        ),
        Turn(
            "B",
            "Would you like her to read yours?",
            meta={"rots": ["You should not read other people's diaries."]},
        ),
    )
    assert len(first.turns) == 4
    assert second.context.rules_of_thumb == ("It is good to be dry.", "It is kind to help.")
    assert (second.split, second.licence, second.scenario) == ("validation", "CC BY 4.0", "safety")
    assert [speaker.key for speaker in second.speakers] == ["A", "B"]


def test_rules_are_those_of_the_last_row_even_when_it_has_none(tmp_path: Path) -> None:
    (first, _), _ = told("prosocial", lines(tmp_path / "rows.jsonl", PROSOCIAL))
    assert first.context.rules_of_thumb == ()


def test_lists_of_dialogues(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(listed(*PROSOCIAL_LISTS))
    (first, second), rejected = told("prosocial", path)
    assert rejected == []
    assert said(first) == [
        ("A", "I hid his keys."),
        ("B", "Give them back."),
        ("A", "Fine."),
        ("B", "Thanks."),
    ]
    assert (first.id, second.id) == ("prosocial:train:1", "prosocial:train:2")
    assert first.context.rules_of_thumb == ("It is good to give back.",)
    assert second.context.rules_of_thumb == ()


def test_rows_without_an_answer_are_rejected_one_by_one(tmp_path: Path) -> None:
    rows = [PROSOCIAL[0], PROSOCIAL[1] | {"response": None}, PROSOCIAL[2]]
    kept, (rejected,) = told("prosocial", lines(tmp_path / "rows.jsonl", rows))
    assert [len(dialogue.turns) for dialogue in kept] == [2, 2]
    assert str(rejected).startswith("rows.jsonl:2: what was said or what was answered is missing")


def test_a_dialogue_ends_where_the_id_changes_or_the_episode_is_done(tmp_path: Path) -> None:
    open_end = [row | {"episode_done": False} for row in PROSOCIAL]
    assert turn_count(told("prosocial", lines(tmp_path / "a.jsonl", open_end))[0][:1]) == 4
    same = [row | {"dialogue_id": 1} for row in PROSOCIAL]
    assert [len(d.turns) for d in told("prosocial", lines(tmp_path / "b.jsonl", same))[0]] == [4, 2]


def test_the_published_examples() -> None:
    path = shared("dialogstudio_samples", "Prosocial.original_examples.json")
    table = json.loads(path.read_bytes())
    kept, rejected = told("prosocial", path)
    assert rejected == []
    assert len(kept) == len(set(table["dialogue_id"])) == 2
    assert turn_count(kept) == 2 * len(table["context"]) == 10
    assert label_counts(kept, "prosocial.safety_label") == {"__needs_caution__": 5}
    assert sum(label_counts(kept, "prosocial.safety_annotation").values()) == 15
    assert [turn.text for dialogue in kept for turn in dialogue.turns][::2] == table["context"]
    assert list(kept[1].context.rules_of_thumb) == table["rots"][-1]
