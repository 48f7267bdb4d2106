import pytest

from skillofmind.adapters.planning import Forethought, Messages, Planning, unasked
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Alternative, Evidence, Plan
from skillofmind.mind.recent import recent_turns
from tests.adapters.scene import CHAT, RESULTS
from tests.mind.planners import FixedPlanner


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (CHAT, ""),
        ([*CHAT, {"role": "system", "content": "Be kind."}], ""),
        (RESULTS, "tools"),
        ([*CHAT, {"role": "function", "name": "f", "content": "1"}], "tools"),
        (CHAT[:-1], "turn"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "turn"),
        ([{"role": "system", "content": "Begin."}], "turn"),
        ([], "turn"),
    ],
)
def test_what_is_not_planned(messages: Messages, reason: str) -> None:
    assert unasked(messages) == reason


def test_the_json_of_a_planning_says_everything() -> None:
    asked = Planning(Plan(alternatives=(Alternative("Empathy"),)), "skill", False, "abstained", {"plan": 0.5})
    assert asked.to_json() == {
        "plan": {
            "explanation": "",
            "skill": None,
            "skill_raw": "",
            "confidence": None,
            "alternatives": [{"skill": "Empathy", "confidence": None}],
            "evidence": [],
            "valid": False,
            "planner": "",
            "responder": "",
        },
        "inject": "skill",
        "planned": False,
        "reason": "abstained",
        "seconds": {"plan": 0.5},
    }
    assert Planning(None, "both", False, "off", {}).to_json()["plan"] is None
    assert Planning(Plan(error="x"), "both", False, "failed", {}).to_json()["plan"]["error"] == "x"


def turns(*sizes: int) -> Dialogue:
    return Dialogue(turns=tuple(Turn("User", "x" * size) for size in sizes))


def test_the_oldest_turns_of_a_long_conversation_are_left_out() -> None:
    assert recent_turns(turns(1, 2, 3), chars=5) == (turns(2, 3), 1)
    assert recent_turns(turns(1, 2, 3), chars=6) == (turns(1, 2, 3), 0)
    assert recent_turns(turns(1, 9), chars=5) == (turns(9), 1)
    assert recent_turns(turns(), chars=5) == (turns(), 0)


def test_evidence_is_numbered_in_the_whole_conversation() -> None:
    evidence = (Evidence("turn", "0", "x", 1.0), Evidence("context", "text", "y", 0.5))
    planner = FixedPlanner(Plan(explanation="x", skill="Empathy", valid=True, evidence=evidence))
    old = {"role": "user", "content": "x" * 30_000}
    planning = Forethought(planner).think([*[old] * 10, *CHAT]).planning
    assert planning.plan is not None
    # Each long turn is clipped to 4,000 characters and a little, of which five fit.
    assert len(planner.asked[0].turns) == 5 + 3
    assert [item.where for item in planning.plan.evidence] == ["5", "text"]
