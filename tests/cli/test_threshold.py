"""`--planner embedded:threshold=...`: a plan without a skill where none is likely enough."""

from pathlib import Path

import msgspec
import pytest

from skillofmind.cli.opening import Wanted, read_planner
from skillofmind.core.errors import ConfigurationError
from tests.cli.som import Here, som

TALK = "Ana: My bike was stolen.\nBen: Oh no, I am so sorry.\n"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    file = tmp_path / "talk.txt"
    file.write_text(TALK)
    return file


def test_a_name_and_its_setting_are_read() -> None:
    assert read_planner("embedded") == Wanted("embedded", 0.0)
    assert read_planner("weights") == Wanted("weights", 0.0)
    assert read_planner("encoder:threshold=0.25") == Wanted("encoder", 0.25)
    assert read_planner("embedded:threshold=1") == Wanted("embedded", 1.0)


@pytest.mark.parametrize("text", ["", ":", "embedded:threshold=1.01", "weights:threshold=0", "Embedded"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--planner"):
        read_planner(text)


def test_below_the_threshold_there_is_a_ranking_and_no_skill(here: Here, talk: Path) -> None:
    usual = here("plan", talk, "--json").rows()[0].plan
    result = here("plan", talk, "--json", "--planner", "embedded:threshold=0.99")
    assert result.code == 1
    assert "0 planned, 1 without a valid skill, 0 failed" in result.err
    [row] = result.rows()
    assert (row.kind(), row.plan.skill, row.plan.confidence, row.plan.error) == ("invalid", None, None, None)
    assert row.plan.explanation.startswith(f"No skill is likely enough: {usual.skill} comes first with ")
    assert row.plan.alternatives == usual.alternatives
    assert row.plan.planner == f"{usual.planner}:at-least-0.99"


def test_at_the_threshold_the_plan_is_the_usual_one(here: Here, talk: Path) -> None:
    usual = here("plan", talk, "--json").rows()[0].plan
    result = here("plan", talk, "--json", "--planner", "embedded:threshold=0.01")
    assert result.code == 0
    plan = result.rows()[0].plan
    assert plan == msgspec.structs.replace(usual, planner=f"{usual.planner}:at-least-0.01")


def test_the_text_says_why_there_is_no_plan(here: Here, talk: Path) -> None:
    result = here("plan", talk, "--planner", "embedded:threshold=0.99")
    assert "  no plan for Ana: No skill is likely enough: " in result.out
    assert "and 99.0% is asked for." in " ".join(result.out.split())


def test_a_run_is_not_resumed_with_another_threshold(here: Here, talk: Path, tmp_path: Path) -> None:
    run = ("--run", tmp_path / "run")
    assert here("plan", talk, *run, "--planner", "embedded:threshold=0.99").code == 1
    other = here("plan", talk, *run, "--planner", "embedded:threshold=0.5")
    assert other.code == 2
    assert "--planner: 'embedded:threshold=0.99' -> 'embedded:threshold=0.5'" in other.err


def test_a_talk_goes_on_without_a_plan() -> None:
    result = som("chat", "--planner", "embedded:threshold=1", stdin=b"I failed the exam again.\n")
    assert (result.code, result.err) == (0, "")
    assert "no plan for Assistant: No skill is likely enough" in result.out
    assert result.out.count("\nassistant> ") == 1
