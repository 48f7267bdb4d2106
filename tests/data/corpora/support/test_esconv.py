from collections import Counter
from pathlib import Path

from skillofmind.core.dialogue import Label
from skillofmind.data.corpora.support.esconv import read
from tests.data.corpora.small_files import (
    ESCONV,
    ESCONV_FAILED,
    json_lines,
    label_counts,
    shared,
    sorted_out,
    write_json_lines,
)

PUBLISHED = {
    "Question": 3801,
    "Others": 3341,
    "Providing Suggestions": 2954,
    "Affirmation and Reassurance": 2827,
    "Self-disclosure": 1713,
    "Reflection of feelings": 1436,
    "Information": 1215,
    "Restatement or Paraphrasing": 1089,
}
"""Strategies in all 1,300 dialogues, of which the folder holds 980."""


def test_the_published_files_are_read_whole() -> None:
    folder = shared("esconv")
    dialogues, rejected = sorted_out(read(folder))
    assert rejected == []
    splits = Counter(dialogue.split for dialogue in dialogues)
    assert splits == {"train": 694, "validation": 142, "test": 144, None: 156}
    files = ("failed", "test", "train", "valid")
    rows = [row for name in files for row in json_lines(folder / f"{name}.jsonl")]
    assert [[turn.text for turn in d.turns] for d in dialogues] == [
        [said.get("text", said.get("content")) for said in row["dialog"]] for row in rows
    ]
    assert [d.context.situation for d in dialogues] == [row["situation"] for row in rows]
    assert [d.meta["survey_score"] for d in dialogues] == [row["survey_score"] for row in rows]


def test_strategies_are_counted_as_in_the_files_and_below_the_published_counts() -> None:
    folder = shared("esconv")
    dialogues = [d for d in sorted_out(read(folder))[0] if not d.meta.get("failed")]
    counts = label_counts(dialogues, "esconv.strategy")
    rows = [row for name in ("train", "valid", "test") for row in json_lines(folder / f"{name}.jsonl")]
    assert counts == Counter(said["strategy"] for row in rows for said in row["dialog"] if "strategy" in said)
    assert counts.keys() == PUBLISHED.keys()
    share = len(dialogues) / 1300
    for strategy, count in counts.items():
        assert 0.9 < count / (PUBLISHED[strategy] * share) < 1.1, strategy


def test_the_failed_part_keeps_its_spellings_and_feedback() -> None:
    dialogues = [d for d in sorted_out(read(shared("esconv")))[0] if d.meta.get("failed")]
    strategies = label_counts(dialogues, "esconv.strategy")
    assert (strategies["Questions"], strategies["Question"], strategies["Direct Guidance"]) == (399, 8, 11)
    feedback = label_counts(dialogues, "esconv.feedback")
    assert feedback == {"1": 134, "2": 140, "3": 208, "4": 160, "5": 133}


def test_only_the_supporter_has_strategies() -> None:
    for dialogue in sorted_out(read(shared("esconv")))[0]:
        for turn in dialogue.turns:
            schemes = {label.scheme for label in turn.labels}
            assert schemes <= ({"esconv.strategy"} if turn.speaker == "supporter" else {"esconv.feedback"})


def test_turns_of_one_speaker_follow_one_another(tmp_path: Path) -> None:
    (dialogue,) = sorted_out(read(write_json_lines(tmp_path / "test.jsonl", ESCONV)))[0]
    assert [turn.speaker for turn in dialogue.turns] == ["seeker", "seeker", "supporter"]
    assert dialogue.turns[2].labels == (Label("esconv.strategy", "Question", annotator="supporter"),)
    assert (dialogue.context.emotion, dialogue.context.topic) == ("fear", "job crisis")
    assert dialogue.context.extra == {"experience_type": "Previous Experience"}


def test_the_shape_of_the_authors_is_read_as_an_array_over_many_lines(tmp_path: Path) -> None:
    path = tmp_path / "ESConv.json"
    row = write_json_lines(tmp_path / "row", ESCONV_FAILED).read_text().strip()
    row = row.replace('"speaker": "speaker"', '"speaker": "seeker"')
    row = row.replace('"speaker": "listener"', '"speaker": "supporter"').replace(", ", ",\n ")
    path.write_text(f"[\n{row},\n{row}\n]\n")
    dialogues, rejected = sorted_out(read(path))
    assert rejected == []
    height = row.count("\n") + 1
    assert [dialogue.id for dialogue in dialogues] == ["esconv:ESConv:2", f"esconv:ESConv:{2 + height}"]
    assert [(turn.speaker, turn.text) for turn in dialogues[0].turns] == [
        ("seeker", "Hello\n"),
        ("supporter", "Yes?"),
    ]
    assert dialogues[0].turns[0].labels == (Label("esconv.feedback", "2", annotator="seeker"),)


def test_a_speaker_from_elsewhere_is_rejected(tmp_path: Path) -> None:
    broken = {**ESCONV, "dialog": [{"text": "Hello", "speaker": "bystander"}]}
    (rejected,) = sorted_out(read(write_json_lines(tmp_path / "x.jsonl", broken)))[1]
    assert rejected.reason == "turn 1 has no text or is of 'bystander', who is not of the corpus."
