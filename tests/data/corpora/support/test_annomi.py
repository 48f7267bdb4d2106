import csv
from collections import Counter
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.corpora.support.annomi import read
from tests.data.corpora.small_files import (
    ANNOMI_HEADER,
    ANNOMI_ROWS,
    label_counts,
    shared,
    sorted_out,
    write_lines,
)


def test_the_published_file_is_read_whole() -> None:
    dialogues, rejected = sorted_out(read(shared("annomi")))
    assert (len(dialogues), rejected) == (96, [])
    rows = published_rows()
    assert len(rows) == 8540
    texts = {(row["transcript_id"], row["utterance_id"]): row["utterance_text"] for row in rows}
    assert [turn.text for dialogue in dialogues for turn in dialogue.turns] == list(texts.values())
    assert sum(len(dialogue.turns) for dialogue in dialogues) == 6263


def test_every_row_is_in_the_labels() -> None:
    dialogues, _ = sorted_out(read(shared("annomi")))
    columns = {
        "main_therapist_behaviour": "annomi.therapist_behaviour",
        "client_talk_type": "annomi.client_talk",
        "therapist_input_subtype": "annomi.therapist_input",
        "reflection_subtype": "annomi.reflection",
        "question_subtype": "annomi.question",
    }
    found = Counter(
        (d.id.partition(":")[2], turn.meta["utterance_id"], label.annotator, label.scheme, label.value)
        for d in dialogues
        for turn in d.turns
        for label in turn.labels
    )
    expected = Counter(
        (row["transcript_id"], row["utterance_id"], row["annotator_id"], scheme, row[column])
        for row in published_rows()
        for column, scheme in columns.items()
        if row[column] != "n/a"
    )
    assert found == expected


def test_ten_experts_can_be_told_apart() -> None:
    dialogues, _ = sorted_out(read(shared("annomi")))
    ten = [dialogue for dialogue in dialogues if dialogue.meta["annotators"] == 10]
    assert {dialogue.id for dialogue in ten} == {f"annomi:{n}" for n in (7, 27, 55, 66, 109, 130)}
    therapist = raters(ten, "therapist", "annomi.therapist_behaviour")
    client = raters(ten, "client", "annomi.client_talk")
    experts = {str(n) for n in range(10)}
    assert (len(therapist), len(client)) == (128, 125)
    assert all(set(found) == experts and len(found) == 10 for found in (*therapist, *client))


def raters(dialogues: list[Dialogue], speaker: str, scheme: str) -> list[list[str | None]]:
    """Return who labelled each turn of a speaker by a scheme."""
    turns: list[Turn] = [turn for d in dialogues for turn in d.turns if turn.speaker == speaker]
    return [[label.annotator for label in turn.labels if label.scheme == scheme] for turn in turns]


def test_context_and_what_is_told_besides(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "AnnoMI-full.csv", ANNOMI_HEADER, *ANNOMI_ROWS, end="\r\n")
    first, second = sorted_out(read(tmp_path))[0]
    assert list(sorted_out(read(path))[0]) == [first, second]
    assert first.context.topic == "smoking"
    assert first.meta == {
        "mi_quality": "high",
        "video_title": "A talk, short",
        "video_url": "v",
        "annotators": 2,
    }
    assert first.turns[0].meta == {"utterance_id": "0", "timestamp": "00:00:01"}
    assert label_counts([first], "annomi.therapist_behaviour") == {"question": 1, "reflection": 1}
    assert label_counts([second], "annomi.client_talk") == {"sustain": 1}


def test_a_flag_that_contradicts_its_subtype_is_kept(tmp_path: Path) -> None:
    first = ANNOMI_ROWS[0].replace("True,closed", "False,closed")
    (dialogue,) = sorted_out(read(write_lines(tmp_path / "x.csv", ANNOMI_HEADER, first)))[0]
    assert dialogue.turns[0].meta["flags"] == {"1": {"question_exists": "False"}}
    assert not any("flags" in t.meta for d in sorted_out(read(shared("annomi")))[0] for t in d.turns)


def test_rows_out_of_place_reject_the_transcript(tmp_path: Path) -> None:
    a, b, c, d, other = ANNOMI_ROWS
    for rows, reason in (
        ([c, d, a, b], "line 2 has utterance '1' where 0 is due"),
        ([a, a, c, d], "line 2 begins rows of utterance 0 that name an annotator twice"),
        ([a, b.replace("smoke", "vape"), c, d], "line 2 begins rows of utterance 0 that differ"),
        ([a, b, c.replace("client", "camera"), d.replace("client", "camera")], "line 4 is of 'camera'"),
        ([a, b, c.replace("I might stop.", ""), d.replace("I might stop.", "")], "line 4 has no text"),
    ):
        path = write_lines(tmp_path / "x.csv", ANNOMI_HEADER, *rows, other)
        dialogues, rejected = sorted_out(read(path))
        assert [dialogue.id for dialogue in dialogues] == ["annomi:9"]
        assert [row.line for row in rejected] == [2]
        assert rejected[0].reason.startswith(reason)


def test_a_transcript_that_comes_back_is_rejected(tmp_path: Path) -> None:
    other, row = ANNOMI_ROWS[-1], ANNOMI_ROWS[0]
    dialogues, rejected = sorted_out(read(write_lines(tmp_path / "x.csv", ANNOMI_HEADER, row, other, row)))
    assert [dialogue.id for dialogue in dialogues] == ["annomi:4", "annomi:9"]
    assert [(found.line, found.reason[:27]) for found in rejected] == [(4, "the id 'annomi:4' was given")]


def test_a_row_of_another_width_is_rejected_and_a_missing_column_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.csv", ANNOMI_HEADER, "high,4,too short", ANNOMI_ROWS[-1])
    dialogues, rejected = sorted_out(read(path))
    assert ([d.id for d in dialogues], [row.line for row in rejected]) == (["annomi:9"], [2])
    path = write_lines(tmp_path / "x.csv", "transcript_id,utterance_id,interlocutor", "1,0,client")
    with pytest.raises(DataError, match=r"x\.csv:1: no column 'utterance_text'"):
        list(read(path))


def published_rows() -> list[dict[str, str]]:
    with (shared("annomi") / "AnnoMI-full.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
