from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer, Case, Gold, Item
from skillofmind.evals.tasks import TASKS
from skillofmind.evals.tasks.prosocial import CLASSES, LEVELS, severity
from tests.evals.tasks.small import PROSOCIAL, always, answered, data_folder, read_all, texts, values, written

WORDS, RULES, OFFICIAL = (TASKS[name] for name in ("prosocial", "prosocial.rules", "prosocial.official"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "prosocial", PROSOCIAL)


def test_every_reply_is_asked_with_the_class_of_the_remark_before_it(data: Path) -> None:
    items = read_all(WORDS, data)
    assert [item.id for item in items] == [
        *(f"prosocial:test:1#{place}" for place in (1, 3, 5)),
        *(f"prosocial:test:2#{place}" for place in (1, 3)),
    ]
    assert [item.gold.label for item in items] == [
        *("casual", "needs_caution", "needs_intervention", "needs_caution", "needs_caution"),
    ]
    assert items[1].slices["level"] == "probably_needs_caution"
    assert texts(items[1]) == ["remark 1.0", "answer 1.0", "remark 1.1"]
    assert items[1].gold.reply == "answer 1.1"


def test_what_would_tell_the_label_is_not_shown(data: Path) -> None:
    for item in read_all(WORDS, data):
        assert item.dialogue.context.rules_of_thumb == ()
        assert item.dialogue.context.roles is None
        assert all(speaker.role is None for speaker in item.dialogue.speakers)


def test_rules_are_those_of_the_reply_that_is_asked_for_and_never_later_ones(data: Path) -> None:
    shown = [item.dialogue.context.rules_of_thumb for item in read_all(RULES, data)]
    assert shown == [
        (),
        ("It is rude to shout.",),
        ("You should call for help.",),
        (),
        ("It is wrong to steal.",),
    ]


def test_the_published_code_fails_on_rows_without_rules_and_does_not_know_harmlessness(data: Path) -> None:
    items = read_all(OFFICIAL, data)
    assert [item.gold.label for item in items] == ["needs_caution", "needs_intervention", "needs_caution"]
    ours, theirs = (values(task, answered(task, items, always("Harmlessness"))) for task in (RULES, OFFICIAL))
    assert ours["class"] == pytest.approx(2 / 3)
    assert theirs["class"] == 0.0
    misspelt = Answer(plan=Plan(skill="Harmlessness", skill_raw="Harmlesseness", valid=True))
    nothing = Answer(plan=Plan(skill_raw="Staring"))
    assert OFFICIAL.score(items[0], misspelt)["class"] == 1.0
    casual = Item("t", "i", "g", Dialogue(()), Gold(label="casual"))
    assert OFFICIAL.score(casual, nothing)["class"] == 1.0


def case(level: int, named: int) -> Case:
    skill = ("Echoing", "Ethics", "Urgency Recognition")[named]
    item = Item("t", "i", "g", Dialogue(()), slices={"level": LEVELS[level]})
    return Case(item, Answer(plan=Plan(skill=skill, valid=True)))


def class_of(plan: Plan) -> str:
    return {"Echoing": CLASSES[0], "Ethics": CLASSES[1], "Urgency Recognition": CLASSES[2]}[plan.skill or ""]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=2, max_size=40))
def test_severity_is_spearmans_correlation(pairs: list[tuple[int, int]]) -> None:
    found = severity([case(*pair) for pair in pairs], class_of)
    value = float(found.value(found.rows.sum(axis=0)))
    ranks = [rankdata(side) for side in zip(*pairs, strict=True)]
    if any(len(set(side)) == 1 for side in ranks):
        assert np.isnan(value)
    else:
        assert value == pytest.approx(float(np.corrcoef(ranks[0], ranks[1])[0, 1]), abs=1e-9)


def test_a_failed_answer_is_no_severity() -> None:
    item = Item("t", "i", "g", Dialogue(()), slices={"level": "casual"})
    assert severity([Case(item, Answer(error="refused")), case(1, 1)], class_of).n == 1


@pytest.mark.parametrize(
    ("file", "dialogues", "items"),
    [("Prosocial.original_examples.json", 2, 5), ("Prosocial.converted_examples.json", 5, 12)],
)
def test_the_published_rows(tmp_path: Path, file: str, dialogues: int, items: int) -> None:
    source = data_folder("dialogstudio_samples") / "dialogstudio_samples" / file
    (tmp_path / "prosocial").mkdir()
    copy(source, tmp_path / "prosocial" / file)
    found = read_all(WORDS, tmp_path)
    assert (len({item.group for item in found}), len(found)) == (dialogues, items)
    assert all(len(item.dialogue.turns) % 2 == 1 for item in found)
