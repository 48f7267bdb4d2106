"""The committed results of training from nothing hold what is claimed of them."""

import json
from typing import Any

import pytest

from skillofmind.data.synthesize.rule_world import without_context, without_turn
from tests.structure.source import ROOT

RESULTS = ROOT / "results"
RULE_WORLD = json.loads((RESULTS / "train_rule_world.json").read_text("utf-8"))
SLUNG = json.loads((RESULTS / "slung.json").read_text("utf-8"))


@pytest.mark.parametrize("run", RULE_WORLD["runs"], ids=lambda run: f"seed {run['seed']}")
def test_the_rule_is_learned_in_the_required_format(run: dict[str, Any]) -> None:
    whole = run["test"]["whole"]
    assert whole["right"]["decided"] >= 500
    assert whole["right"]["value"] >= 0.95
    assert whole["valid"]["value"] >= 0.99


@pytest.mark.parametrize("run", RULE_WORLD["runs"], ids=lambda run: f"seed {run['seed']}")
def test_without_the_context_the_planner_falls_to_what_the_rule_predicts(run: dict[str, Any]) -> None:
    for way in ("without_context", "other_context"):
        found = run["test"][way]
        assert found["predicted"] == round(without_context(), 4)
        assert found["right"]["low"] <= without_context() <= found["right"]["high"]
        assert abs(found["over_all_cases"] - without_context()) <= 0.01
    assert run["test"]["without_turn"]["right"]["low"] <= without_turn()


def test_unlikelihood_unlearns_what_masking_leaves_over_three_seeds() -> None:
    assert len(SLUNG["runs"]) == 3
    for run in SLUNG["runs"]:
        arms = run["pre_exposed"]["always_risky"]
        assert arms["unlikelihood"]["generates"] <= 0.05 < 0.8 < arms["masked"]["generates"]
        assert min(arms["unlikelihood"]["understands"], arms["masked"]["understands"]) >= 0.95


def test_one_of_slungs_claims_does_not_hold_at_its_threshold() -> None:
    """A masked model stays at 0.9 or more with two seeds of three; the reference has 0.96 to 0.98."""
    assert [name for name, holds in SLUNG["holds"].items() if not holds] == ["masking_does_not_unlearn"]
    assert len(SLUNG["holds"]) == 9
