from pathlib import Path

import msgspec
import pytest

from skillofmind.core.dialogue import Annotation, Dialogue, Turn
from skillofmind.core.plan import Alternative, Plan
from skillofmind.evals.measures import explanation, skill
from skillofmind.evals.records import Answer, Case, Gold
from skillofmind.evals.summary import summarise
from skillofmind.evals.tasks import TASKS, annotated_task
from skillofmind.mind.starter import starter_dialogues
from tests.evals.tasks.small import read_all


def test_the_packages_dialogues_are_asked_at_every_annotated_turn_of_the_test_part() -> None:
    tests = [one for one in starter_dialogues() if one.split == "test"]
    items = read_all(TASKS["starter"], Path("nowhere"))
    assert len(items) == sum(bool(turn.annotations) for one in tests for turn in one.turns[1:]) == 998
    assert len({item.group for item in items}) == 334
    assert all(item.gold.explanation and item.gold.counterfactual and item.gold.reply for item in items)
    assert all(item.slices["skills"] == "one" for item in items)
    assert {item.slices["lang"] for item in items} == {"en", "ko"}


def annotated(*annotations: Annotation, split: str | None = None, id: str = "own:1") -> Dialogue:
    turns = (Turn("A", "My dog died."), Turn("B", "Oh no.", annotations=annotations), Turn("A", "Yes."))
    return Dialogue(turns, id=id, split=split, lang="en")


def written(path: Path, *dialogues: Dialogue) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in dialogues))
    return path


BOTH = (
    Annotation("Harmlesseness"),
    Annotation("empathy", "It must hurt.", "Great!"),
    Annotation("Empathy", "Again."),
    Annotation("Staring"),
)


def test_own_annotations_are_normalised_and_unknown_ones_stay(tmp_path: Path) -> None:
    (item,) = read_all(annotated_task(written(tmp_path / "a.jsonl", annotated(*BOTH))), tmp_path)
    assert item.gold == Gold(
        ("Harmlessness", "Empathy", "Staring"),
        explanation="It must hurt.",
        counterfactual="Great!",
        reply="Oh no.",
    )
    assert (item.id, item.slices["skills"], len(item.dialogue.turns)) == ("own:1#1", "several", 1)


def test_a_row_with_several_skills_is_ranked(tmp_path: Path) -> None:
    task = annotated_task(
        written(tmp_path / "a.jsonl", annotated(Annotation("Ethics"), Annotation("Empathy")))
    )
    (item,) = read_all(task, tmp_path)
    ranked = tuple(Alternative(name) for name in ("Empathy", "Echoing", "Ethics"))
    plan = Plan(skill="Empathy", skill_raw="Empathy", alternatives=ranked, valid=True)
    assert task.score(item, Answer(plan=plan))["lrap"] == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_one_split_may_be_asked(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl",
        annotated(Annotation("Ethics"), split="train"),
        annotated(Annotation("Empathy"), split="test", id="own:2"),
        annotated(),
    )
    assert [item.id for item in read_all(annotated_task(path), tmp_path)] == ["own:1#1", "own:2#1"]
    only = annotated_task(path, split="test", name="mine")
    assert [(item.task, item.id) for item in read_all(only, tmp_path)] == [("mine", "own:2#1")]


def test_the_explanation_is_scored_beside_the_skill(tmp_path: Path) -> None:
    task = annotated_task(written(tmp_path / "a.jsonl", annotated(*BOTH[1:2])))
    (item,) = read_all(task, tmp_path)
    right = Plan("It must hurt.", "Empathy", skill_raw="Empathy", valid=True)
    blank = Plan("", "Empathy", skill_raw="Empathy", valid=True)
    leaking = Plan("Oh no.", "Ethics", skill_raw="Ethics", valid=True)
    answers = [Answer(plan=right), Answer(plan=leaking), Answer(plan=blank), Answer(error="late")]
    scores = [task.score(item, answer) for answer in answers]
    assert [one["accuracy"] for one in scores] == [1, 0, 1, None]
    assert [one["explained"] for one in scores] == [1, 1, 0, None]
    assert [one["rouge1"] for one in scores] == [1, 0, 0, None]
    # "It must hurt." and nothing at all are as far from one reply as from the other.
    assert [one["nearer"] for one in scores] == [0.5, 1, 0.5, None]
    assert [one["leak"] for one in scores] == [0, 1, 0, None]
    cases = [Case(item, answer, found) for answer, found in zip(answers, scores, strict=True)]
    found = {one.name: one for one in task.measures(cases)}
    assert (found["rouge1"].n, found["accuracy"].n) == (3, 3)


def test_numbers_of_the_skill_come_first_and_no_name_stands_for_two(tmp_path: Path) -> None:
    task = annotated_task(written(tmp_path / "a.jsonl", annotated(*BOTH[1:2])), name="mine")
    (item,) = read_all(task, tmp_path)
    plan = Plan("It must hurt.", "Empathy", "Empathy", confidence=0.5, valid=True)
    case = Case(item, Answer(plan=plan), task.score(item, Answer(plan=plan)))
    names = [one.measure for one in summarise([case], {"mine": task}, {}).results[0].estimates]
    assert len(names) == len(set(names))
    of_skill = [one.name for one in skill.skill_measures([case])]
    assert names[: len(of_skill)] == of_skill
    assert names[0] == "accuracy"
    assert names[len(of_skill) :] == [one.name for one in explanation.explanation_measures([case])]
    assert names[-1] == "bleu4"
    assert not skill.score_skill(item, case.answer).keys() & explanation.SCORES.keys()
