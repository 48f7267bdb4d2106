"""The planner in the package: what it is, how good it is, and that one command makes it again."""

import json
from pathlib import Path

import pytest

from skillofmind.cli.main import main
from skillofmind.mind.embedded.fit import examples_in
from skillofmind.mind.embedded.linear import load_linear
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.starter import asset, demo_path, starter_dialogues, starter_path
from skillofmind.mind.taxonomy import load_taxonomy
from tests.structure.source import ROOT

DATA = asset("embedded.bin").read_bytes()
MODEL = load_linear(DATA, "embedded.bin")


def test_it_is_small_and_knows_the_skills_of_the_package() -> None:
    assert len(DATA) < 10_000_000
    assert MODEL.header.labels == load_taxonomy().names()
    assert MODEL.header.rows > 10_000


def test_it_says_what_it_was_trained_on_and_the_test_dialogues_are_not_in_it() -> None:
    train = examples_in((d for d in starter_dialogues() if d.split == "train"), load_taxonomy())
    assert MODEL.header.trained_on["examples"] == len(train)
    test = [d.id for d in starter_dialogues() if d.split == "test"]
    assert len(test) > 200
    assert not set(test) & {example.dialogue.id for example in train}


def test_pairs_with_equal_turns_are_in_the_same_split() -> None:
    splits: dict[str, set[str | None]] = {}
    for dialogue in starter_dialogues():
        if "pair" in dialogue.meta:
            splits.setdefault(str(dialogue.meta["pair"]), set()).add(dialogue.split)
    assert len(splits) == 36
    assert all(len(found) == 1 for found in splits.values())


def test_on_held_out_dialogues_it_is_as_good_as_published() -> None:
    published = json.loads((ROOT / "results" / "planner_starter.json").read_text("utf-8"))
    planner, test = EmbeddedPlanner(), [d for d in starter_dialogues() if d.split == "test"]
    examples = examples_in(test, load_taxonomy())
    right = sum(planner.plan_now(example.dialogue).skill == example.skill for example in examples)
    assert published["planner"] == planner.identity
    assert round(right / len(examples), 4) == published["scores"]["embedded"]["accuracy"]["value"]


def test_its_choice_differs_over_the_demo_dialogues(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json"]) == 0
    skills = [json.loads(line)["plan"]["skill"] for line in capsys.readouterr().out.splitlines()]
    assert len(skills) == len(demo_path().read_bytes().splitlines())
    assert len(set(skills)) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_makes_it_again_to_the_byte(tmp_path: Path) -> None:
    assert main(["fit", str(starter_path()), "--out", str(tmp_path / "again.bin")]) == 0
    assert (tmp_path / "again.bin").read_bytes() == DATA
