from pathlib import Path

import pytest

from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer
from skillofmind.evals.tasks import TASKS
from tests.evals.tasks.small import (
    BST_LONG,
    BST_UNCHOSEN,
    always,
    answered,
    data_folder,
    read_all,
    texts,
    values,
    written,
)

BST, OFFICIAL = TASKS["bst"], TASKS["bst.official"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "blended_skill_talk", [BST_UNCHOSEN, BST_LONG])


def test_every_chosen_turn_is_asked_with_all_that_was_said_before(data: Path) -> None:
    items = read_all(BST, data)
    assert [item.id for item in items] == [f"blended_skill_talk:test:2#{place}" for place in (3, 7, 9)]
    assert [item.gold.label for item in items] == ["personal background", "empathy", "knowledge"]
    assert [item.gold.reply for item in items] == ["guided 0", "guided 2", "guided 3"]
    assert texts(items[1]) == [
        *("free given", "guided given", "free 0", "guided 0", "free 1", "guided 1", "free 2"),
    ]
    assert items[0].dialogue.context.topic == "Bread"
    assert items[0].dialogue.next_speaker() == "B"


def test_the_published_code_drops_turns_and_shares_one_context(data: Path) -> None:
    items = read_all(OFFICIAL, data)
    # Context of exchange 3, the last chosen one: message 0 of A, 1 of B, 2 of A.
    shown = ["free given", "guided given", "free 0", "guided 1", "free 2"]
    assert [texts(item) for item in items] == [shown] * 3
    assert [item.id for item in items] == [item.id for item in read_all(BST, data)]
    assert items[0].dialogue.context.topic is None
    assert all(speaker.persona == () for speaker in items[0].dialogue.speakers)


def test_classes_and_their_spelling(data: Path) -> None:
    found = values(BST, answered(BST, read_all(BST, data), always("Knowledge Sharing")))
    assert found["class"] == pytest.approx(1 / 3)
    item = read_all(OFFICIAL, data)[1]
    exact, loose = (
        Answer(plan=Plan(skill="Empathy", skill_raw=raw, valid=True)) for raw in ("Empathy", "empathy")
    )
    assert [OFFICIAL.score(item, one)["class"] for one in (exact, loose)] == [1.0, 0.0]
    assert [BST.score(item, one)["class"] for one in (exact, loose)] == [1.0, 1.0]


def test_only_the_test_part_is_asked_where_there_is_one(tmp_path: Path) -> None:
    data = written(tmp_path / "blended_skill_talk", [BST_LONG], "train.jsonl")
    assert len(read_all(BST, data)) == 3
    written(tmp_path / "blended_skill_talk", [BST_LONG])
    assert [item.id.split("#")[0] for item in read_all(BST, data)] == ["blended_skill_talk:test:1"] * 3


def test_the_shared_copy_has_no_choices() -> None:
    data = data_folder("blended_skill_talk")
    assert (read_all(BST, data), read_all(OFFICIAL, data)) == ([], [])
