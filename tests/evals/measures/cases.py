"""Cases made by hand or at random."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Alternative, Plan
from skillofmind.evals.measure import Measure
from skillofmind.evals.records import Answer, Case, Gold, Item

TALK = Dialogue(turns=(Turn("Ana", "I failed my exam."),), responder="Ben", lang="en")
SKILLS = ("Empathy", "Rhetoric", "Ethics", "Clarification", "Harmlessness")
Scorer = Callable[[Item, Answer], dict[str, float | None]]


def item(gold: Gold, place: int = 0, *, group: str = "", lang: str = "en", scheme: str = "") -> Item:
    talk = Dialogue(turns=TALK.turns, responder="Ben", lang=lang)
    slices = {"scheme": scheme} if scheme else {}
    return Item("t", str(place), group or f"g{place // 2}", talk, gold, slices=slices)


def told(
    skill: str | None,
    *ranked: str,
    raw: str | None = None,
    confidence: float | None = None,
    explanation: str = "",
) -> Answer:
    """Return the answer of a planner that names a skill and ranks some."""
    said = (skill or "") if raw is None else raw
    alternatives = tuple(Alternative(name) for name in ranked)
    return Answer(Plan(explanation, skill, said, confidence, alternatives, valid=skill is not None))


def scored(score: Scorer, pairs: Sequence[tuple[Item, Answer]]) -> list[Case]:
    return [Case(item, answer, score(item, answer)) for item, answer in pairs]


def value(measures: Sequence[Measure], name: str) -> float:
    """Return the value of all cases."""
    found = next(one for one in measures if one.name == name)
    return float(found.value(found.rows.sum(axis=0, keepdims=True))[0])


def values(measures: Sequence[Measure]) -> dict[str, float]:
    return {one.name: value(measures, one.name) for one in measures}


def same(first: dict[str, float], second: dict[str, float]) -> None:
    assert first.keys() == second.keys()
    np.testing.assert_allclose(list(first.values()), list(second.values()), rtol=0, atol=1e-9)


GUESSES = st.lists(
    st.tuples(
        st.sampled_from(SKILLS),
        st.sets(st.sampled_from(SKILLS), max_size=2),
        st.sampled_from(SKILLS) | st.none(),
        st.sampled_from([0.1, 0.5, 0.5, 0.9, 1.0, 0.0]),
    ),
    min_size=1,
    max_size=40,
)
"""Right skill, accepted skills, guessed skill, confidence."""
