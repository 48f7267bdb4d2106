from collections import Counter
from pathlib import Path

from skillofmind.core.dialogue import Label
from skillofmind.data.corpora.conduct.socialdial import read
from tests.data.corpora.small_files import (
    SOCIAL,
    json_lines,
    label_counts,
    shared,
    sorted_out,
    write_json_lines,
)


def test_the_published_part_is_read_whole() -> None:
    folder = shared("socialdial")
    dialogues, rejected = sorted_out(read(folder))
    rows = json_lines(folder / "human_dialogue_data.jsonl")
    assert (len(dialogues), rejected) == (1194, [])
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [said["Utterance"] for said in row["Dialogue"]] for row in rows
    ]
    assert [dialogue.id for dialogue in dialogues] == [f"socialdial:{row['ID']}" for row in rows]
    for scheme, key in (("socialdial.violation", "Violation Tag"), ("socialdial.emotion", "Emotion")):
        expected = Counter(said[key] for row in rows for said in row["Dialogue"])
        assert label_counts(dialogues, scheme) == expected
    assert label_counts(dialogues, "socialdial.violation")["violation"] == 733
    assert sum("translation" in turn.meta for d in dialogues for turn in d.turns) == sum(
        said["Translation"] != "None" for row in rows for said in row["Dialogue"]
    )


def test_the_situation_is_in_the_context() -> None:
    folder = shared("socialdial")
    rows = json_lines(folder / "human_dialogue_data.jsonl")
    for dialogue, row in zip(sorted_out(read(folder))[0], rows, strict=True):
        context, rule = dialogue.context, row["Norm Rule"]
        assert (context.relationship, context.topic) == (row["Social Relation"], row["Topic"])
        assert (context.norm, context.extra["norm_context"]) == (rule["action"], rule["context"])
        assert context.extra["norm_type"] == rule["norm_type"]
        assert context.extra["formality"] == row["Formality"]
        assert dialogue.meta["index"] == rule["index"]


def test_objects_one_after_another_are_read(tmp_path: Path) -> None:
    row = write_json_lines(tmp_path / "row", SOCIAL).read_text("utf-8").strip()
    spread = row.replace('"ID": 3', '"ID": 4').replace(", ", ",\n    ")
    path = tmp_path / "human_dialogue_data.json"
    path.write_text(row + spread + "\n" + row.replace('"ID": 3', '"ID": "x"') + row, "utf-8")
    dialogues, rejected = sorted_out(read(path))
    assert [dialogue.id for dialogue in dialogues] == ["socialdial:3", "socialdial:4", "socialdial:x"]
    assert [found.reason[:20] for found in rejected] == ["the id 'socialdial:3"]
    assert rejected[0].line == spread.count("\n") + 2


def test_a_turn(tmp_path: Path) -> None:
    (dialogue,) = sorted_out(read(write_json_lines(tmp_path / "x.jsonl", SOCIAL)))[0]
    first, second = dialogue.turns
    assert (first.speaker, second.speaker, dialogue.lang) == ("A", "B", "zh")
    assert first.labels == (Label("socialdial.violation", "violation"), Label("socialdial.emotion", "angry"))
    assert (first.meta, second.meta) == ({}, {"translation": "Please."})
