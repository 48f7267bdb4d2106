from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue, Image
from skillofmind.core.plan import Plan
from skillofmind.data.jsonl import Rejected
from skillofmind.evals.records import Answer
from skillofmind.evals.tasks import TASKS
from skillofmind.evals.tasks.photochat import read
from tests.evals.tasks.small import PHOTOS, always, answered, photo_talk, read_all, texts, values, written

BOTH, OFFICIAL = TASKS["photochat"], TASKS["photochat.official"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "photochat", PHOTOS)


def test_half_of_the_items_send_no_picture(data: Path) -> None:
    items = read_all(BOTH, data)
    assert [item.gold.label for item in items].count("Image-Sharing") == 8
    assert [item.gold.label for item in items].count("other") == 8
    assert len({item.id for item in items}) == 16
    sharing = next(item for item in items if item.gold.label == "Image-Sharing")
    assert texts(sharing) == ["hi", "hello", "I baked today", "show me"]
    assert sharing.id == "photochat:test:0#4"
    assert items == read_all(BOTH, data)


def test_negatives_lie_before_and_after_the_photo(data: Path) -> None:
    places = {int(item.id.split("#")[1]) for item in read_all(BOTH, data) if item.gold.label == "other"}
    assert places <= {1, 2, 3, 5, 6}
    assert min(places) < 4 < max(places)


def test_always_sending_a_picture_wins_only_in_the_published_code(data: Path) -> None:
    share = always("Image-Sharing")
    ours = values(BOTH, answered(BOTH, read_all(BOTH, data), share))
    theirs = values(OFFICIAL, answered(OFFICIAL, read_all(OFFICIAL, data), share))
    assert (ours["class"], ours["class_recall"]) == (0.5, 0.5)
    assert (theirs["class"], theirs["class_recall"]) == (1.0, 1.0)


def test_a_plan_without_a_skill_is_wrong_and_a_failed_one_missing(data: Path) -> None:
    other = next(item for item in read_all(BOTH, data) if item.gold.label == "other")
    assert BOTH.score(other, Answer(plan=Plan(skill_raw="?")))["class"] == 0.0
    assert BOTH.score(other, Answer(error="refused")) == {"class": None, "valid": None}
    assert BOTH.score(other, Answer(plan=Plan(skill="Empathy", valid=True))) == {"class": 1.0, "valid": 1.0}


def test_recall_counts_failed_answers_nowhere(data: Path) -> None:
    cases = answered(BOTH, read_all(BOTH, data), always("Image-Sharing"))
    failed = [case if n else type(case)(case.item, Answer(error="x"), {}) for n, case in enumerate(cases)]
    (measure,) = (one for one in BOTH.measures(failed) if one.name == "class_recall")
    assert (measure.n, float(measure.value(measure.rows.sum(axis=0)))) == (15, 0.5)
    (table,) = BOTH.tables(failed)
    assert sum(int(row[1] or 0) for row in table.rows) == 15


def test_dialogues_without_a_photo_or_with_one_at_once(tmp_path: Path) -> None:
    data = written(tmp_path / "photochat", [photo_talk(1, "a", "b", "c"), photo_talk(2, 0, "nice")])
    assert [item.gold.label for item in read_all(BOTH, data)] == ["other", "other"]
    assert read_all(OFFICIAL, data) == []


def test_the_reader_keeps_speakers_and_the_photo_and_names_bad_rows(tmp_path: Path) -> None:
    rows = [photo_talk(5, "look", 0, 1), photo_talk(6, "a", " "), photo_talk(7), {"dialogue": 3}]
    found = list(read(written(tmp_path / "photochat", rows) / "photochat"))
    kept = [one for one in found if isinstance(one, Dialogue)]
    assert [one.id for one in kept] == ["photochat:test:5"]
    assert [turn.speaker for turn in kept[0].turns] == ["0", "0", "1"]
    assert kept[0].turns[1].images == (Image("Objects in the photo: Cake", "https://example.org/cake.jpg"),)
    reasons = [one.reason for one in found if isinstance(one, Rejected)]
    assert len(reasons) == 3
    assert reasons[0].startswith("a turn has neither words nor a photo")
