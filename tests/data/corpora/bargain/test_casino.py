import json
from collections import Counter
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Label, Speaker, Turn
from tests.data.corpora.reading import label_counts, lines, only, shared, told, turn_count
from tests.data.corpora.samples import CASINO

STRATEGY = "casino.strategy"
ACTIONS = {"Submit-Deal", "Accept-Deal", "Reject-Deal", "Walk-Away"}


def test_every_field_finds_its_place(tmp_path: Path) -> None:
    dialogue = only("casino", lines(tmp_path / "valid.jsonl", [CASINO]))
    assert dialogue.id == "casino:12"
    assert dialogue.turns[4] == Turn(
        "mturk_agent_1",
        "Submit-Deal",
        meta={"action": "Submit-Deal", "task_data": {"issue2youget": {"Food": "1"}}},
    )
    known = {"gender": "female", "ethnicity": "other", "education": "school"}
    assert dialogue.speakers == (
        Speaker("mturk_agent_1", "A", "camper", True, {"age": "20", **known}),
        Speaker("mturk_agent_2", "B", "camper", True, {"age": "40", **known}),
    )
    assert dialogue.context.priorities == (
        "A, high: Food (Food matters most.)",
        "A, medium: Firewood (Cold nights.)",
        "A, low: Food (We ate.)",
        "B, high: Water (Water matters most.)",
        "B, medium: Firewood (Cold nights.)",
        "B, low: Food (We ate.)",
    )
    assert dialogue.context.personality == (
        "A: proself, extraversion 2.5, agreeableness 6.0; B: proself, extraversion 2.5, agreeableness 6.0"
    )
    assert dialogue.meta["outcome"]["mturk_agent_2"]["points_scored"] == 18
    assert (dialogue.split, dialogue.licence, dialogue.scenario) == ("validation", "CC BY 4.0", "negotiation")


def test_annotations_are_matched_by_order_and_text(tmp_path: Path) -> None:
    """The first `ok` has no annotation; the deals never have one."""
    dialogue = only("casino", lines(tmp_path / "valid.jsonl", [CASINO]))
    assert [turn.labels for turn in dialogue.turns] == [
        (Label(STRATEGY, "small-talk"),),
        (),
        (Label(STRATEGY, "self-need"), Label(STRATEGY, "elicit-pref")),
        (),
        (),
        (),
    ]
    assert dialogue.meta["unmatched_annotations"] == [["never said", "no-need"]]


@pytest.mark.parametrize(
    ("file", "count", "split"),
    [("train", 685, "train"), ("valid", 19, "validation"), ("test", 73, "test")],
)
def test_the_shared_files(file: str, count: int, split: str) -> None:
    path = shared("casino", f"{file}.jsonl")
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    kept, rejected = told("casino", path)
    assert (len(kept), rejected) == (count, [])
    assert turn_count(kept) == sum(len(row["chat_logs"]) for row in rows)
    assert [d.id for d in kept] == [f"casino:{row['dialogue_id']}" for row in rows]
    assert {dialogue.split for dialogue in kept} == {split}
    given = Counter(
        label
        for row in rows
        for _, told_labels in row["annotations"]
        for label in told_labels.split(",")
        if label
    )
    assert label_counts(kept, STRATEGY) == given
    assert all("unmatched_annotations" not in dialogue.meta for dialogue in kept)
    acted = sum(turn["text"] in ACTIONS for row in rows for turn in row["chat_logs"])
    assert sum("action" in turn.meta for d in kept for turn in d.turns) == acted


def test_all_301_annotated_dialogues_have_labels() -> None:
    kept, _ = told("casino", shared("casino"))
    assert len(kept) == 777
    assert sum(any(turn.labels for turn in dialogue.turns) for dialogue in kept) == 301
    assert len(label_counts(kept, STRATEGY)) == 10
    assert all(not turn.labels for d in kept for turn in d.turns if "action" in turn.meta)
