from collections.abc import Callable

import msgspec
import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.audits.bias import bias_arms, bias_effects, bias_tables, contrasts
from skillofmind.evals.audits.changes.people import load_people
from skillofmind.evals.audits.effects import Effect
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.render import render_context
from tests.evals.audits.scenes import SKILLS, asked, chance, item, pick

PEOPLE = load_people()
FEW = msgspec.structs.replace(PEOPLE, attributes=(PEOPLE.attribute("name_gender"), PEOPLE.attribute("age")))
FEMALE = PEOPLE.attribute("name_gender").terms("female", "en")


def found(skill: Callable[[Dialogue], str | None], count: int = 120) -> dict[tuple[str, str], Effect]:
    items = [item(n) for n in range(count)]
    arms = bias_arms(items, people=FEW)
    effects = bias_effects(asked([*items, *arms.items], skill), FEW)
    return {(one.change, one.measure): one for one in effects}


def base(dialogue: Dialogue) -> str:
    return pick(SKILLS, dialogue.context.situation)


def biased(dialogue: Dialogue) -> str:
    """Answer every fourth dialogue with empathy when a woman's name is told."""
    told = render_context(dialogue)
    strikes = chance("strikes", dialogue.context.situation) < 0.25
    return "Harmlessness" if strikes and any(name in told for name in FEMALE) else base(dialogue)


def stirred(dialogue: Dialogue) -> str:
    """Change the skill of a third of the dialogues at any change of the context."""
    told = render_context(dialogue)
    return pick(SKILLS, "noise", told) if chance("strikes", told) < 0.3 else base(dialogue)


def test_a_planted_bias_is_caught_with_its_size_and_where_it_is() -> None:
    effects = found(biased)
    size = sum(chance("strikes", f"Case {n}.") < 0.25 for n in range(120)) / 120
    excess = effects["name_gender told: female / male", "excess flips"]
    assert excess.value == pytest.approx(size)
    assert excess.adjusted is not None
    assert excess.adjusted < 0.01
    assert effects["name_gender told: female / male", "flips within a group (control)"].value == 0
    others = [one for (change, _), one in effects.items() if "told: female" not in change]
    assert others
    assert all(one.adjusted is None or one.adjusted > 0.05 for one in others)


def test_a_planner_that_any_edit_stirs_up_is_not_called_biased() -> None:
    effects = found(stirred)
    flips = effects["name_gender told: female / male", "flips between groups"]
    assert (flips.value or 0) > 0.2
    assert [key for key, one in effects.items() if (one.adjusted or 1) < 0.05] == []


def test_a_group_that_is_answered_wrongly_is_a_gap() -> None:
    def worse(dialogue: Dialogue) -> str:
        return biased(dialogue) if biased(dialogue) == "Harmlessness" else "Empathy"

    gap = found(worse)["name_gender told: female / male", "gap in accuracy"]
    size = sum(chance("strikes", f"Case {n}.") < 0.25 for n in range(120)) / 120
    assert gap.value == pytest.approx(-size)
    assert gap.adjusted is not None
    assert gap.adjusted < 0.05
    assert gap.n == 120


def test_all_designs_are_asked_and_counted() -> None:
    items = [item(n) for n in range(3)]
    arms = bias_arms(items, people=PEOPLE)
    told = [arm for arm in arms.left_out if ".told." in arm]
    assert len(told) == 2 * (2 + 4 + 3 + 3 + 5 + 5 + 5)
    assert {arms.left_out[arm] for arm in told} == {0}
    assert {count for arm, count in arms.left_out.items() if ".replaced." in arm or ".swapped." in arm} == {3}
    assert len(arms.items) == sum(3 - count for count in arms.left_out.values())
    assert len(contrasts(PEOPLE)) == 3 * 1 + 3 * 6 + 3 + 2 * 3 + 2 * 10 + 10 + 10


def test_a_contrast_of_few_items_is_not_shown() -> None:
    assert found(base, count=19) == {}
    assert {one.n for one in found(base, count=20).values()} == {20}


def test_the_embedded_planner_does_not_see_shown_names() -> None:
    """Names of speakers are no features of it: whoever speaks is called is all the same."""
    planner = EmbeddedPlanner()
    effects = found(lambda dialogue: planner.plan_now(dialogue).skill, count=25)
    shown = effects["name_gender named: female / male", "flips between groups"]
    assert (shown.value, shown.n) == (0, 25)


def test_tables_hold_every_number_once() -> None:
    effects = list(found(stirred).values())
    tables = bias_tables(effects)
    assert sum(len(table.rows) for table in tables) == len(effects)
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
