import json
from pathlib import Path

from skillofmind.core.dialogue import Turn
from tests.data.corpora.reading import only, shared, told, turn_count
from tests.data.corpora.samples import WIZARD, listed


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    path = tmp_path / "valid_topic_split.json"
    path.write_bytes(listed(WIZARD))
    dialogue = only("wizard_of_wikipedia", path)
    assert dialogue.id == "wizard_of_wikipedia:valid_topic_split:1"
    assert dialogue.turns == (
        Turn(
            "Wizard",
            "Kites are old.",
            meta={
                "checked_sentence": {"chosen_Kites_0": "Kites were flown long ago."},
                "checked_passage": {"chosen_topic_0_Kites": "Kites"},
                "retrieved_topics": ["Kites"],
            },
        ),
        Turn("Apprentice", "How old? "),
    )
    assert dialogue.context.topic == "Kites"
    assert [speaker.key for speaker in dialogue.speakers] == ["Apprentice", "Wizard"]
    assert (dialogue.split, dialogue.licence, dialogue.scenario) == ("validation", "CC BY 4.0", "knowledge")
    assert dialogue.meta == {
        "outcome": {"wizard_eval": 4},
        "persona": "i like wind.",
        "chosen_topic_passage": ["Kites were flown long ago."],
    }


def test_a_dialogue_without_turns_is_rejected_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    path.write_bytes(listed(WIZARD, WIZARD | {"dialog": []}))
    kept, (rejected,) = told("wizard_of_wikipedia", path)
    assert len(kept) == 1
    assert str(rejected) == "train.json:1: row 2: the dialogue has no turns; give at least one."


def test_the_published_examples() -> None:
    path = shared("dialogstudio_samples", "wizard_of_wikipedia.original_examples.json")
    rows = json.loads(path.read_bytes())
    kept, rejected = told("wizard_of_wikipedia", path)
    assert (len(kept), turn_count(kept), rejected) == (5, 48, [])
    assert [d.context.topic for d in kept] == [row["chosen_topic"] for row in rows]
    assert [[t.text for t in d.turns] for d in kept] == [[t["text"] for t in row["dialog"]] for row in rows]
    assert [d.turns[0].speaker for d in kept] == [row["dialog"][0]["speaker"][2:] for row in rows]
    assert {turn.speaker for dialogue in kept for turn in dialogue.turns} == {"Apprentice", "Wizard"}
