import json
from collections import Counter
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Label, SocialContext, Turn
from skillofmind.core.errors import DataError
from tests.data.corpora.reading import label_counts, lines, only, said, shared, told, turn_count
from tests.data.corpora.samples import EMPATHETIC_CSV, EMPATHETIC_GROUPED

NAME = "empathetic_dialogues"


def test_the_original_table(tmp_path: Path) -> None:
    path = tmp_path / "valid.csv"
    path.write_bytes(EMPATHETIC_CSV)
    (first, second), rejected = told(NAME, path)
    assert rejected == []
    assert first.id == f"{NAME}:hit:1_conv:2"
    assert first.turns == (
        Turn("Speaker", '"He reads, alone!', meta={"utterance_idx": 1, "speaker_idx": "10"}),
        Turn("Listener", "Wonderful.", meta={"utterance_idx": 2, "speaker_idx": "11"}),
    )
    assert first.context == SocialContext(emotion="proud", situation="My son, at last, reads.")
    assert first.meta == {"selfeval": "5|5|5_4|4|4"}
    assert (first.split, first.licence, first.scenario) == ("validation", "CC BY-NC 4.0", "emotional support")
    assert said(second) == [("Speaker", "It howls.")]


def test_only_the_first_seven_commas_count(tmp_path: Path) -> None:
    path = tmp_path / "valid.csv"
    path.write_bytes(EMPATHETIC_CSV.replace(b"10,It howls.,1|1|1_1|1|1,", b"10,It howls.,1,a,b,,c"))
    (_, second), rejected = told(NAME, path)
    assert rejected == []
    assert second.meta == {"selfeval": "1", "tags": "a,b,,c"}


def test_short_rows_and_rows_without_a_number_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_bytes(EMPATHETIC_CSV + b"hit:4,1,sad\nhit:5,one,sad,p,1,Hello.,,\nhit:5,1,sad,p,1, ,,\n")
    kept, rejected = told(NAME, path)
    assert len(kept) == 2
    assert [str(row) for row in rejected] == [
        "test.csv:5: row 4: 3 cells where 8 belong; fetch the file again.",
        "test.csv:6: row 5: utterance_idx 'one' is no number; it tells who speaks.",
        "test.csv:7: row 6: the utterance is empty; nobody spoke.",
    ]


def test_a_table_with_other_columns_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match=r"test\.csv:1: the columns must be conv_id"):
        list(told(NAME, path))


def test_grouped_lines(tmp_path: Path) -> None:
    dialogue = only(NAME, lines(tmp_path / "test.jsonl", [EMPATHETIC_GROUPED]))
    assert dialogue.id == f"{NAME}:hit:8_conv:1"
    assert said(dialogue) == [
        ("Speaker", "I lost, again."),
        ("Listener", "Against whom?"),
        ("Speaker", "My aunt."),
    ]
    assert dialogue.context == SocialContext(emotion="annoyed", situation="I lost a bet.")


def test_a_labelled_turn_of_a_listener(tmp_path: Path) -> None:
    dialogue = only(NAME, lines(tmp_path / "intents.jsonl", [{"text": "Oh no. ", "intent": "sympathizing"}]))
    assert dialogue.turns == (Turn("Listener", "Oh no. ", labels=(Label(f"{NAME}.intent", "sympathizing"),)),)
    assert dialogue.id == f"{NAME}:intents:1"
    assert dialogue.licence == "research use"


@pytest.mark.parametrize(("file", "count", "split"), [("valid", 2117, "validation"), ("test", 1944, "test")])
def test_the_shared_files(file: str, count: int, split: str) -> None:
    path = shared(NAME, f"{file}.jsonl")
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    kept, rejected = told(NAME, path)
    assert (len(kept), rejected) == (count, [])
    assert [[turn.text for turn in dialogue.turns] for dialogue in kept] == [row["utterence"] for row in rows]
    assert Counter(d.context.emotion for d in kept) == Counter(row["label"] for row in rows)
    assert len(Counter(d.context.emotion for d in kept)) == 32
    assert {dialogue.split for dialogue in kept} == {split}
    assert len({dialogue.id for dialogue in kept}) == count


def test_the_shared_intents() -> None:
    path = shared(NAME, "listener_intents_manual.jsonl")
    wanted = Counter(json.loads(line)["intent"] for line in path.read_bytes().splitlines())
    kept, rejected = told(NAME, path)
    assert (len(kept), turn_count(kept), rejected) == (406, 406, [])
    assert label_counts(kept, f"{NAME}.intent") == wanted
    assert len(wanted) == 15


def test_the_published_table_of_columns() -> None:
    dialogue = only(NAME, shared("dialogstudio_samples", "Empathetic.original_examples.json"))
    assert (dialogue.id, len(dialogue.turns)) == (f"{NAME}:hit:0_conv:0", 5)
    assert dialogue.context.emotion == "guilty"
    assert "_comma_" not in (dialogue.context.situation or "")
    same = next(row for row in told(NAME, shared(NAME, "test.jsonl"))[0] if row.id == dialogue.id)
    assert same.context == dialogue.context
    assert said(same) == said(dialogue)
