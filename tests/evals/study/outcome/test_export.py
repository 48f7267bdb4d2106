import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.cli.study.desk import Desk, Posted
from skillofmind.evals.study.folder import OpenStudy, read
from skillofmind.evals.study.outcome.export import as_csv, as_jsonl, rows
from tests.evals.study.talks import GOOD, PLAIN, answer_all, attentive, made_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = made_study(tmp_path, 5, criteria=("empathy", "overall"))
    answer_all(made, "ana", attentive(lambda task, criterion: GOOD if criterion.name == "overall" else ""))
    with OpenStudy(made, lambda: "2026-02-02") as opened:
        Desk(opened).answer("ana", Posted(0, {"empathy": "left", "overall": "left"}, 2.0, "=HYPERLINK(1)"))
    return made


def lines(folder: Path, **how: Any) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in as_jsonl(rows(read(folder), **how))]


def test_every_answer_is_there_with_its_systems(folder: Path) -> None:
    found = lines(folder)
    assert len(found) == 2 * 9
    real = [one for one in found if one["sort"] == "real" and one["place"] > 1]
    overall = [one for one in real if one["criterion"] == "overall"]
    assert {one["winner"] for one in overall} == {GOOD}
    assert {one["choice"] == "left" for one in overall if one["left"] == GOOD} == {True}
    assert {(one["choice"], one["winner"]) for one in real if one["criterion"] == "empathy"} == {("same", "")}
    assert {frozenset((one["left"], one["right"])) for one in real} == {frozenset((GOOD, PLAIN))}
    assert sorted({one["place"] for one in found}) == list(range(1, 10))


def test_changes_and_times_are_there(folder: Path) -> None:
    first = [one for one in lines(folder) if one["place"] == 1]
    assert [(one["revised"], one["time"], one["seconds"], one["remark"]) for one in first] == [
        (1, "2026-02-02", 7.0, "=HYPERLINK(1)")
    ] * 2


def test_nobody_is_named_if_asked_for(folder: Path) -> None:
    found = lines(folder, anonymous=True)
    assert {(one["rater"], one["remark"]) for one in found} == {("rater 1", "")}


def test_csv_holds_the_same_and_no_formula(folder: Path) -> None:
    text = b"".join(as_csv(rows(read(folder)))).decode()
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == 18
    assert list(found[0]) == list(lines(folder)[0])
    assert {one["remark"] for one in found} == {"", "'=HYPERLINK(1)"}
