"""Files of one's own annotated dialogues in the place of tasks."""

import shutil
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.files import read_items, read_summary
from skillofmind.evals.records import Summary
from skillofmind.mind.starter import starter_dialogues
from tests.cli.som import Here, assert_refused


def write(path: Path, dialogues: list[Dialogue]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in dialogues))
    return path


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    return list(starter_dialogues())[:8]


def test_a_file_is_a_task_and_need_not_be_there_afterwards(
    here: Here, tmp_path: Path, dialogues: list[Dialogue]
) -> None:
    mine, run = write(tmp_path / "here" / "mine.jsonl", dialogues), tmp_path / "run"
    words = ["eval", "plans", run, "--tasks", f"{mine},numbers", "--n", 15]
    result = here(*words)
    assert result.code == 0, result.err
    assert [item.task for item in read_items(run)] == ["own.mine"] * 15 + ["numbers"] * 15
    summary = read_summary(run)
    assert [one.task for one in summary.results] == ["own.mine", "numbers", "mean over tasks"]
    names = [one.measure for one in summary.results[0].estimates]
    assert names[0] == "accuracy"
    assert {"rougeL", "nearer", "leak", "bleu4"} <= set(names)
    assert summary.settings["tasks"] == "own.mine,numbers"

    before = {name: (run / name).read_bytes() for name in ("cases.jsonl", "summary.json")}
    assert str(tmp_path).encode() not in b"".join(before.values())
    shutil.rmtree(mine.parent)
    shutil.copytree(run, tmp_path / "other")
    for again in (words, ["eval", "plans", run, "--n", 15], ["eval", "show", run, "--rescore"]):
        for name in before:
            (run / name).unlink()
        result = here(*again)
        assert result.code == 0, result.err
        assert {name: (run / name).read_bytes() for name in before} == before
    assert "own.mine" in here("eval", run, tmp_path / "other").out
    assert here("eval", "report", run, tmp_path / "other", "--out", tmp_path / "report").code == 0


def test_files_of_one_name_are_two_tasks(here: Here, tmp_path: Path, dialogues: list[Dialogue]) -> None:
    first = write(tmp_path / "a" / "mine.jsonl", dialogues[:4])
    second = write(tmp_path / "b" / "mine.jsonl", dialogues[4:])
    result = here("eval", "plans", tmp_path / "run", "--tasks", f"{first},{second},{first}", "--json")
    found = msgspec.json.decode(result.out, type=Summary)
    assert [one.task for one in found.results] == ["own.mine", "own.mine-2", "mean over tasks"]


def test_an_audit_takes_files_too(here: Here, tmp_path: Path, dialogues: list[Dialogue]) -> None:
    mine = write(tmp_path / "mine.jsonl", dialogues)
    result = here(
        "eval", "audit", tmp_path / "run", "--tasks", mine, "--audits", "failures", "--n", 10, "--json"
    )
    assert result.code == 0, result.err
    assert {item.task for item in read_items(tmp_path / "run")} == {"own.mine"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("nowhere/mine", "--tasks 'nowhere/mine' is no task, and no such file or folder is there"),
        ("numbers,mine.JSONL", "--tasks 'mine.JSONL' is no task, and no such file"),
        ("own.mine", "the task 'own.mine' is of a file of yours; name the file in its place in --tasks."),
        ("nambers", "task 'nambers' is unknown; did you mean 'numbers'?"),
        ("numbers,", "task '' is unknown"),
    ],
)
@pytest.mark.parametrize("command", ["plans", "audit"])
def test_what_is_not_there_is_named(here: Here, tmp_path: Path, command: str, words: str, said: str) -> None:
    assert_refused(here("eval", command, tmp_path / "run", "--tasks", words), said)


def test_dialogues_without_annotations_are_named(
    here: Here, tmp_path: Path, dialogues: list[Dialogue]
) -> None:
    plain = [
        msgspec.structs.replace(
            one, turns=tuple(msgspec.structs.replace(turn, annotations=()) for turn in one.turns)
        )
        for one in dialogues
    ]
    mine = write(tmp_path / "mine.jsonl", plain)
    assert_refused(
        here("eval", "plans", tmp_path / "run", "--tasks", mine),
        "the task 'own.mine' found no items: none of its dialogues has what is asked for",
    )


def test_a_name_of_the_package_wins_over_a_file(
    here: Here, tmp_path: Path, dialogues: list[Dialogue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "numbers", dialogues)
    assert here("eval", "plans", "run", "--tasks", "numbers", "--n", 5).code == 0
    assert {item.task for item in read_items(tmp_path / "run")} == {"numbers"}
    assert here("eval", "plans", "other", "--tasks", "./numbers", "--n", 5).code == 0
    assert {item.task for item in read_items(tmp_path / "other")} == {"own.numbers"}
