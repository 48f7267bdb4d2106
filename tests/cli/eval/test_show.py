from pathlib import Path

import msgspec
import pytest

from skillofmind.evals.records import Case
from tests.cli.som import Here, assert_refused, prompted, right_answer
from tests.upstream import Upstream


@pytest.fixture
def runs(here: Here, tmp_path: Path) -> tuple[Path, Path]:
    """A run of the embedded planner, and one that is right wherever it is asked the same."""
    embedded, scripted = tmp_path / "embedded", tmp_path / "scripted"
    assert here("eval", "plans", embedded, "--tasks", "numbers").code == 0
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", scripted, "--tasks", "numbers", "--n", 40, *prompted(server.base_url)]
        assert here(*words).code == 0
    return embedded, scripted


def test_one_run_shows_values_intervals_and_counts(here: Here, runs: tuple[Path, Path]) -> None:
    result = here("eval", "show", runs[1], "--tables")
    assert result.code == 0
    words = " ".join(result.out.split())
    assert "accuracy 1.000 [1.000, 1.000] 40" in words
    assert "40 items, 20 dialogues or groups" in words
    assert "Counts" in words
    assert "parity" in words or "even" not in words


def test_folders_alone_show_runs_side_by_side_with_differences(here: Here, runs: tuple[Path, Path]) -> None:
    result = here("eval", *runs)
    assert result.code == 0
    assert "embedded → scripted" in result.out
    assert "Differences on the same items" in result.out
    found = msgspec.json.decode(here("eval", *runs, "--json").out)
    assert [one["name"] for one in found["runs"]] == ["embedded", "scripted"]
    accuracy = found["differences"][0]
    assert (accuracy["measure"], accuracy["n"], accuracy["first"]) == ("accuracy", 40, "embedded")
    assert accuracy["value"] > 0.9
    assert accuracy["adjusted"] < 0.01


def test_one_case_is_shown_readable(here: Here, runs: tuple[Path, Path]) -> None:
    result = here("eval", "show", runs[0], "--case", "item-7")
    assert result.code == 0
    assert "case 7: I have to tell you something." in result.out
    assert "right skill:" in result.out
    assert "scores: accuracy" in result.out
    case = msgspec.json.decode(here("eval", "show", runs[0], "--case", "item-7", "--json").out, type=Case)
    assert case.item.id == "item-7"


def test_the_worst_cases_come_surest_first(here: Here, runs: tuple[Path, Path]) -> None:
    lines = here("eval", "show", runs[0], "--worst", 5, "--json").out.splitlines()
    cases = [msgspec.json.decode(line, type=Case) for line in lines]
    assert [case.scores["accuracy"] for case in cases] == [0.0] * 5
    sure = [case.answer.plan.confidence if case.answer.plan else None for case in cases]
    assert sure == sorted(sure, key=lambda one: -(one or 0))


def test_scoring_again_makes_the_same_bytes(here: Here, runs: tuple[Path, Path]) -> None:
    before = {name: (runs[0] / name).read_bytes() for name in ("cases.jsonl", "summary.json")}
    (runs[0] / "summary.json").write_bytes(b"{}")
    assert here("eval", "show", runs[0], "--rescore").code == 0
    assert {name: (runs[0] / name).read_bytes() for name in before} == before


def test_a_run_that_is_not_finished_says_so(here: Here, tmp_path: Path) -> None:
    with Upstream(reply=right_answer) as server:
        words = ["eval", "plans", tmp_path / "run", "--tasks", "numbers", *prompted(server.base_url)]
        assert here(*words, "--max-calls", 25).code == 1
    result = here("eval", "show", tmp_path / "run")
    assert "25 items" in result.out
    assert "run is not finished: 35 of 60 items were not asked yet" in " ".join(result.out.split())


def test_runs_of_one_name_are_shown_by_their_paths(here: Here, runs: tuple[Path, Path]) -> None:
    other = runs[0].parent / "other" / "embedded"
    other.parent.mkdir()
    runs[1].rename(other)
    found = msgspec.json.decode(here("eval", runs[0], other, "--json").out)
    assert [one["name"] for one in found["runs"]] == [str(runs[0]), str(other)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--case", "item-70"], "has no answered item 'item-70'; did you mean"),
        (["--worst", "-1"], "--worst -1 must be 0 or more"),
        (["--task", "nambers"], "did you mean 'numbers'?"),
    ],
)
def test_what_is_not_there_is_named(here: Here, runs: tuple[Path, Path], words: list[str], said: str) -> None:
    assert_refused(here("eval", "show", runs[0], *words), said)


def test_a_folder_without_a_run_is_refused(here: Here, tmp_path: Path) -> None:
    assert_refused(here("eval", tmp_path), "has no items.jsonl; name the folder of an evaluation")


def test_a_wrong_subcommand_gets_a_suggestion(here: Here) -> None:
    assert_refused(here("eval", "plan"), "unknown subcommand 'plan'; did you mean 'plans'?")
    assert_refused(here("eval", "runs/nowhere"), "and folders of runs")
