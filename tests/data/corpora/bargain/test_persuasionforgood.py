import csv
from collections import Counter
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Label, Speaker, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.corpora.bargain.persuasionforgood import sentences_joined
from tests.data.corpora.reading import label_counts, said, shared, told, turn_count
from tests.data.corpora.samples import PERSUASION_300, PERSUASION_FULL, PERSUASION_INFO

NAME = "persuasionforgood"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "full_dialog.csv").write_bytes(PERSUASION_FULL)
    (tmp_path / "full_info.csv").write_bytes(PERSUASION_INFO)
    (tmp_path / "300_dialog.csv").write_bytes(PERSUASION_300)
    (tmp_path / "300_info.csv").write_bytes(b"B2,B3,B4,B5,B6,B7\nd2,u3,1,2,0.5,11\nd2,u4,7,,,\n")
    return tmp_path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_sentence_is_a_turn(folder: Path) -> None:
    (first, second), rejected = told(NAME, folder / "full_dialog.csv")
    assert rejected == []
    assert first.id == f"{NAME}:d1"
    assert first.turns == (
        Turn("persuader", "Hi, you. ", meta={"turn": 0}),
        Turn("persuader", "Would you give?", meta={"turn": 0}),
        Turn("persuadee", "Maybe.", meta={"turn": 0}),
    )
    assert said(second) == [("persuader", "Hello.")]
    assert (first.split, first.licence, first.scenario) == (None, "Apache-2.0", "persuasion")
    assert first.context.roles


def test_the_info_file_beside_tells_of_the_speakers(folder: Path) -> None:
    (first, second), _ = told(NAME, folder / "full_dialog.csv")
    assert first.speakers == (
        Speaker("persuader", role="persuader", human=True, attributes={"age": "36.0", "sex": "Female"}),
        Speaker("persuadee", role="persuadee", human=True, attributes={"sex": "Male"}),
    )
    assert first.meta == {
        "users": {"persuader": "u1", "persuadee": "u2"},
        "exchanges": "10",
        "scores": {"persuader": {"extrovert": "3.4"}, "persuadee": {"extrovert": "2.0"}},
        "outcome": {"donation": {"persuader": "0.5", "persuadee": "0.0"}},
    }
    assert second.meta == {}


def test_annotated_sentences(folder: Path) -> None:
    (dialogue,), (fault,) = told(NAME, folder / "300_dialog.csv")
    assert dialogue.turns == (
        Turn(
            "persuader",
            "Hello.",
            labels=(
                Label(f"{NAME}.persuader", "greeting"),
                Label(f"{NAME}.persuader", "praise-user", rank=2),
            ),
            meta={"turn": 0, "sentiment": {"neg": "0", "neu": "1", "pos": "0"}},
        ),
        Turn("persuadee", "Hi.", labels=(Label(f"{NAME}.persuadee", "greeting"),), meta={"turn": 0}),
    )
    assert dialogue.meta["outcome"] == {
        "donation": {"persuadee": "0.5"},
        "intended_donation": {"persuadee": "2"},
    }
    assert str(fault) == "300_info.csv:3: row 2: B4 is '7'; 0 is the persuader, 1 the persuadee."


def test_a_folder_has_each_dialogue_once(folder: Path) -> None:
    kept, rejected = told(NAME, folder)
    assert [dialogue.id for dialogue in kept] == [f"{NAME}:d2", f"{NAME}:d1"]
    assert "full_dialog.csv:5: row 4: the 1 rows of 'd2' stand, with labels, in 300_dialog.csv." in map(
        str, rejected
    )


def test_rows_that_are_no_sentence_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "full_dialog.csv"
    path.write_bytes(
        PERSUASION_FULL + b"4,Hm.,1,2,d2\n5, ,1,0,d2\n6,Hm.,one,0,d2\n7,Hm.,1,0\n8,\xff,1,0,d2\n"
    )
    kept, rejected = told(NAME, path)
    assert turn_count(kept) == 4
    assert sorted(row.line for row in rejected) == [6, 7, 8, 9, 10]
    assert rejected[1].reason == "row 9: byte 0xff is not UTF-8; save the file as UTF-8."


def test_a_broken_row_does_not_cut_its_dialogue_in_two(tmp_path: Path) -> None:
    path = tmp_path / "full_dialog.csv"
    path.write_bytes(PERSUASION_FULL.replace(b"1,Would", b"1,torn\n1,Would"))
    kept, rejected = told(NAME, path)
    assert [(dialogue.id, len(dialogue.turns)) for dialogue in kept] == [(f"{NAME}:d1", 3), (f"{NAME}:d2", 1)]
    assert [row.line for row in rejected] == [3]


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    (tmp_path / "full_dialog.csv").write_bytes(b"Unit,Turn,B2\nHi.,0,d1\n")
    with pytest.raises(DataError, match=r"full_dialog\.csv:1: no column 'B4'"):
        told(NAME, tmp_path)


def test_sentences_can_be_joined_to_what_was_sent(folder: Path) -> None:
    (first, _), _ = told(NAME, folder / "full_dialog.csv")
    assert sentences_joined(first.turns) == (
        Turn("persuader", "Hi, you.  Would you give?", meta={"turn": 0, "sentences": 2}),
        Turn("persuadee", "Maybe.", meta={"turn": 0}),
    )


@pytest.mark.parametrize(
    ("file", "dialogues", "sentences", "sent"),
    [("full_dialog.csv", 792, 16304, 16304), ("300_dialog.csv", 230, 8292, 4712)],
)
def test_the_shared_files(file: str, dialogues: int, sentences: int, sent: int) -> None:
    path = shared(NAME, file)
    rows = rows_of(path)
    kept, rejected = told(NAME, path)
    assert (len(kept), turn_count(kept), rejected) == (dialogues, sentences, [])
    assert [turn.text for dialogue in kept for turn in dialogue.turns] == [row["Unit"] for row in rows]
    assert sum(len(sentences_joined(dialogue.turns)) for dialogue in kept) == sent
    for side, role in (("er", "persuader"), ("ee", "persuadee")):
        wanted = Counter(row.get(f"{side}_label_{rank}") or "" for row in rows for rank in (1, 2))
        del wanted[""]
        assert label_counts(kept, f"{NAME}.{role}") == wanted
    assert all("donation" in dialogue.meta["outcome"] for dialogue in kept)


def test_the_shared_folder_keeps_every_row() -> None:
    kept, rejected = told(NAME, shared(NAME))
    annotated = {row["B2"] for row in rows_of(shared(NAME, "300_dialog.csv"))}
    full = Counter(row["B2"] for row in rows_of(shared(NAME, "full_dialog.csv")))
    assert len(kept) == len({dialogue.id for dialogue in kept}) == len(annotated | set(full)) == 792
    left = sum(int(row.reason.split("the ")[1].split()[0]) for row in rejected)
    assert len(rejected) == len(annotated) == 230
    assert left == sum(full[name] for name in annotated)
    assert turn_count(kept) == 8292 + sum(full.values()) - left
