from collections import Counter
from pathlib import Path

from skillofmind.core.dialogue import Image
from skillofmind.data.corpora.tutoring.cima import STUDENT_ACTIONS, TUTOR_ACTIONS, read
from tests.data.corpora.small_files import (
    CIMA,
    json_lines,
    label_counts,
    shared,
    sorted_out,
    write_json_lines,
)


def test_every_published_reply_is_a_dialogue() -> None:
    folder = shared("cima")
    dialogues, rejected = sorted_out(read(folder))
    rows = json_lines(folder / "cima.jsonl")
    assert len(rows) == len({dialogue.meta["exercise"] for dialogue in dialogues}) == 880
    assert (len(dialogues), rejected) == (sum(len(row["tutorResponses"]) for row in rows), [])
    assert len(dialogues) == 2546
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [*row["past_convo"], reply] for row in rows for reply in row["tutorResponses"]
    ]


def test_every_published_flag_is_a_label() -> None:
    folder = shared("cima")
    dialogues, _ = sorted_out(read(folder))
    rows = json_lines(folder / "cima.jsonl")
    flags = [flags for row in rows for flags in row["tutorActions"]]
    assert label_counts(dialogues, "cima.tutor_action") == Counter(
        name for found in flags for name, flag in zip(TUTOR_ACTIONS, found, strict=True) if flag
    )
    first = {dialogue.meta["exercise"]: dialogue for dialogue in reversed(dialogues)}
    assert label_counts(first.values(), "cima.student_action") == Counter(
        name
        for row in rows
        for name, flag in zip(STUDENT_ACTIONS, row["studentActions"], strict=True)
        if flag == "True"
    )


def test_the_first_published_replies() -> None:
    dialogues, _ = sorted_out(read(shared("cima")))
    assert [d.id for d in dialogues[:4]] == [f"cima:prepDataset:0:{n}" for n in (1, 2, 3)] + [
        "cima:prepDataset:1:1"
    ]
    assert [label.value for label in dialogues[2].turns[-1].labels] == [
        "Hint/Information reveal",
        "Correction",
    ]
    assert [turn.speaker for turn in dialogues[0].turns[-3:]] == ["tutor", "student", "tutor"]


def test_the_object_of_the_authors_and_its_context(tmp_path: Path) -> None:
    path = write_json_lines(
        tmp_path / "dataset.json", {"prepDataset": {"0": CIMA}, "shapeDataset": {"7": CIMA}}
    )
    dialogues, rejected = sorted_out(read(path))
    assert rejected == []
    assert [dialogue.id for dialogue in dialogues] == [
        f"cima:{part}:{n}" for part in ("prepDataset:0", "shapeDataset:7") for n in (1, 2)
    ]
    first = dialogues[0]
    assert first.context.situation == (
        "The student says in Italian what a picture shows: it is under the red chair."
    )
    assert first.turns[0].images == (
        Image("Something is under the red chair.", uri="pictures/hat_under_red_chair.png"),
    )
    assert [[label.value for label in turn.labels] for turn in first.turns] == [
        [],
        ["Guess"],
        ["Question", "Correction"],
    ]
    assert first.context.extra["color"] == "rossa"
    assert first.meta["grammarRules"] == CIMA["grammarRules"]


def test_what_does_not_match_is_rejected(tmp_path: Path) -> None:
    path = write_json_lines(
        tmp_path / "x.jsonl",
        {**CIMA, "tutorActions": [[True]]},
        {**CIMA, "tutorActions": [[True], [True]]},
        {**CIMA, "past_convo": ["one"]},
        {**CIMA, "studentActions": ["True"]},
        {"prepDataset": 3},
        {**CIMA, "tutorResponses": [], "tutorActions": [], "part": "p", "key": "k"},
    )
    dialogues, rejected = sorted_out(read(path))
    (asked,) = dialogues
    assert (asked.id, asked.next_speaker(), len(asked.turns)) == ("cima:p:k", "tutor", 2)
    assert Counter(row.line for row in rejected) == {1: 2, 2: 2, 3: 2, 4: 2, 5: 1}
    assert rejected[0].reason == "2 replies have 1 rows of actions."
