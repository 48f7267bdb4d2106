from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.core.plan import Plan
from skillofmind.evals.files import (
    discard_derived,
    items_fingerprint,
    keep_items,
    read_answers,
    read_cases,
    read_run,
    read_summary,
    rescored,
    settings_of,
    write_derived,
)
from skillofmind.evals.records import Answer
from skillofmind.run.directory import RunDirectory
from tests.evals.fake import fake_task, items

TASKS = {"numbers": fake_task()}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of six items, of which four are answered."""
    path = tmp_path / "run"
    with RunDirectory.open(path, command="x", options={"settings": {"planner": "scripted"}}) as held:
        keep_items(path, items(6))
        for item in items(6)[:4]:
            held.log("log").append(item.key, Answer(error="busy"))
            held.log("log").append(item.key, Answer(plan=Plan("I see.", item.gold.skills[0])))
    return path


def test_a_run_that_is_not_finished_is_scored_as_far_as_it_got(run: Path) -> None:
    found = read_run(run, TASKS)
    assert (len(found.items), len(found.answers), len(found.cases)) == (6, 4, 4)
    assert found.summary.results[0].estimates[0].value == 1.0
    assert found.summary.settings["planner"] == "scripted"
    assert found.summary.settings["items"] == items_fingerprint(run)
    assert not (run / "cases.jsonl").exists()


def test_what_is_derived_is_read_back_as_it_was(run: Path) -> None:
    found = rescored(run, TASKS)
    write_derived(run, found.cases, found.summary)
    again = read_run(run, {})
    assert (again.cases, again.summary) == (found.cases, found.summary)
    assert list(read_cases(run)) == found.cases
    assert read_summary(run) == found.summary
    discard_derived(run)
    discard_derived(run)
    assert sorted(path.name for path in run.iterdir()) == [
        ".lock",
        "items.jsonl",
        "log.jsonl",
        "manifest.json",
    ]


def test_the_last_answer_counts_and_a_torn_one_is_not_there(run: Path) -> None:
    assert {answer.error for answer in read_answers(run).values()} == {None}
    log = run / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-3])
    assert read_answers(run)["numbers//item-3"].error == "busy"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("items.jsonl", '{"task": 1}\n', "line 1 is no item"),
        ("log.jsonl", '{"key": "a", "value": {"x": 1}}\n', "line 1 is not a record"),
        ("summary.json", "{", "is no summary"),
        ("cases.jsonl", "[]\n", "line 1 is no case"),
        ("manifest.json", "{", "is not a manifest"),
    ],
)
def test_a_damaged_file_is_named(run: Path, name: str, text: str, said: str) -> None:
    if name in ("cases.jsonl", "summary.json"):
        found = rescored(run, TASKS)
        write_derived(run, found.cases, found.summary)
    (run / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match=said) as caught:
        read_run(run, TASKS)
    assert name in str(caught.value)


def test_a_folder_without_items_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no items.jsonl; name the folder of an evaluation"):
        read_run(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read_run(tmp_path / "x")


def test_settings_are_those_of_the_manifest(run: Path) -> None:
    assert settings_of(run) == {"planner": "scripted"}
