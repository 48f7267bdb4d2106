import json
from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.dialogue import Dialogue
from tests.data.corpora.reading import lines, only, said, shared, told, turn_count
from tests.data.corpora.samples import STUDIO


def samples(corpus: str) -> Path:
    return shared("dialogstudio_samples", f"{corpus}.converted_examples.json")


def test_a_row_with_json_strings(tmp_path: Path) -> None:
    dialogue = only("dialogstudio", lines(tmp_path / "rows.jsonl", [STUDIO]))
    assert dialogue.id == "soda:8"
    assert said(dialogue) == [("Ann", "Hi."), ("Ben", "Hello."), ("Ann", "Bye.")]
    assert dialogue.context.situation == "Two meet."
    assert (dialogue.corpus, dialogue.split, dialogue.licence) == ("soda", "train", "CC BY 4.0")
    assert dialogue.meta == {"dialogstudio": "SODA--train--9"}


def test_rows_by_name(tmp_path: Path) -> None:
    path = tmp_path / "train_1.json"
    path.write_text(json.dumps({"SODA--train--9": STUDIO, "Mystery--train--1": STUDIO}, indent=1))
    (dialogue,), (rejected,) = told("dialogstudio", path)
    assert dialogue.id == "soda:8"
    assert rejected.reason.startswith("row 2: no reader for the corpus of 'Mystery--train--1'")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"log": []}, "no turns"),
        ({"original dialog info": "{"}, "a field that holds JSON cannot be read"),
        ({"original dialog info": "[]"}, "a field that holds JSON cannot be read"),
        ({"log": None}, "not a row of this corpus"),
    ],
)
def test_rows_that_cannot_be_read_are_rejected(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    kept, (rejected,) = told("dialogstudio", lines(tmp_path / "rows.jsonl", [STUDIO | change]))
    assert kept == []
    assert reason in rejected.reason


@pytest.mark.parametrize(
    ("corpus", "turns"),
    [
        ("CaSiNo", 62),
        ("ConvAI2", 64),
        ("Empathetic", 31),
        ("MULTIWOZ2_2", 46),
        ("Prosocial", 24),
        ("SODA", 44),
        ("wizard_of_wikipedia", 48),
    ],
)
def test_the_published_examples(corpus: str, turns: int) -> None:
    kept, rejected = told("dialogstudio", samples(corpus))
    assert (len(kept), turn_count(kept), rejected) == (5, turns, [])
    rows = json.loads(samples(corpus).read_bytes())
    assert [dialogue.meta["dialogstudio"] for dialogue in kept] == list(rows)
    for dialogue, row in zip(kept, rows.values(), strict=True):
        spoken = [text for item in row["log"] for text in (item["user utterance"], item["system response"])]
        texts = [turn.text for turn in dialogue.turns if "action" not in turn.meta]
        assert texts == [text.replace("_comma_", ",") for text in spoken if text]
        assert dialogue.split == "train"
    assert len({dialogue.id for dialogue in kept}) == 5


@pytest.mark.parametrize(
    ("corpus", "name"), [("CaSiNo", "casino"), ("SODA", "soda"), ("MULTIWOZ2_2", "multiwoz")]
)
def test_converted_examples_are_what_the_originals_are(corpus: str, name: str) -> None:
    converted, _ = told("dialogstudio", samples(corpus))
    original, _ = told(name, shared("dialogstudio_samples", f"{corpus}.original_examples.json"))
    assert list(map(essence, converted)) == list(map(essence, original))


def essence(dialogue: Dialogue) -> Any:
    """Return what both forms tell alike: CaSiNo's deals and their data stand apart in one of them."""
    turns = [(t.speaker, t.text, t.labels) for t in dialogue.turns if "action" not in t.meta]
    return dialogue.id, turns, dialogue.context, dialogue.speakers, dialogue.licence


def test_context_of_the_other_corpora() -> None:
    wizard = told("dialogstudio", samples("wizard_of_wikipedia"))[0][0]
    assert wizard.context.topic == "Science fiction"
    assert wizard.turns[0].speaker == "Wizard"
    prosocial = told("dialogstudio", samples("Prosocial"))[0][0]
    assert prosocial.id == "prosocial:train:0"
    assert len(prosocial.context.rules_of_thumb) == 1
    empathetic = told("dialogstudio", samples("Empathetic"))[0][0]
    assert (empathetic.id, empathetic.context.emotion) == (
        "empathetic_dialogues:hit:0_conv:1",
        "sentimental",
    )
    convai2 = told("dialogstudio", samples("ConvAI2"))[0][0]
    assert convai2.id == "convai2:0xab38710"
    assert {speaker.human for speaker in convai2.speakers} == {True, False}
