"""The committed results of training from nothing hold what is claimed of them."""

import json
from typing import Any

import pytest

from skillofmind.data.synthesize.rule_world import without_context, without_turn
from tests.structure.source import ROOT

RESULTS = ROOT / "results"
RULE_WORLD = json.loads((RESULTS / "train_rule_world.json").read_text("utf-8"))


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
