from pathlib import Path

from skillofmind.data.corpora.persona.personachat import read
from tests.data.corpora.small_files import json_lines, shared, sorted_out, write_lines


def test_the_published_copy_is_read_whole() -> None:
    folder = shared("personachat")
    dialogues, rejected = sorted_out(read(folder))
    rows = json_lines(folder / "test_original.jsonl")
    assert (len(dialogues), rejected) == (753, [])
    assert [[turn.text for turn in d.turns] for d in dialogues] == [row["dialogue"] for row in rows]
    assert sum(len(dialogue.turns) for dialogue in dialogues) == 11690
    assert [[list(s.persona) for s in d.speakers] for d in dialogues] == [
        [row["speaker persona"], row["listener persona"]] for row in rows
    ]


def test_numbered_lines_become_dialogues(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "valid_both_original.txt",
        "1 your persona: i knit.",
        "2 partner's persona: i drum.",
        "3 do you drum ?\tno , i knit .\t\tyes .|no , i knit .",
        "4 oh .\tand you ?",
        "1 your persona: i swim.",
        "2 __SILENCE__\thello .",
        "3 hi .\thow are you ?",
    )
    first, second = sorted_out(read(path))[0]
    assert [(turn.speaker, turn.text) for turn in first.turns] == [
        ("A", "do you drum ?"),
        ("B", "no , i knit ."),
        ("A", "oh ."),
        ("B", "and you ?"),
    ]
    assert first.turns[1].meta == {"candidates": ["yes .", "no , i knit ."]}
    assert [speaker.persona for speaker in first.speakers] == [("i drum.",), ("i knit.",)]
    assert (first.id, first.split) == ("personachat:valid_both_original:1", "validation")
    assert (second.id, second.meta) == ("personachat:valid_both_original:5", {"silence": 1})
    assert [turn.speaker for turn in second.turns] == ["B", "A", "B"]


def test_a_line_that_does_not_fit_rejects_its_dialogue(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "train.txt",
        "1 hi\thello",
        "3 late\tyes",
        "1 no tab",
        "1 hi\t",
        "",
        "1 fine\tgood",
        "1 your persona: i nap.",
    )
    dialogues, rejected = sorted_out(read(path))
    assert [dialogue.id for dialogue in dialogues] == ["personachat:train:6"]
    assert [(row.line, row.reason.split(";")[0]) for row in rejected] == [
        (1, "line 2 does not begin with the number 2"),
        (3, "line 3 has no tab between what is said and the answer."),
        (4, "turn 2 is empty"),
        (7, "the dialogue has no turns"),
    ]
