from pathlib import Path

import msgspec
import numpy as np
import pytest

from skillofmind.cli.show import why_not
from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.mind.embedded.explain import explain
from skillofmind.mind.embedded.features import parts_of
from skillofmind.mind.embedded.fit import examples_in, features_of, fit_planner
from skillofmind.mind.embedded.linear import load_linear
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.taxonomy import load_taxonomy
from tests.mind.world import LEXICON, SKILLS, dialogues, taxonomy_in


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embedded")
    taxonomy = taxonomy_in(folder)
    model, _ = fit_planner(examples_in(dialogues(8, seed=0), taxonomy), LEXICON, taxonomy, 1e-3)
    path = folder / "rule.bin"
    path.write_bytes(model.to_bytes())
    return path


@pytest.fixture
def planner(model_file: Path) -> EmbeddedPlanner:
    return EmbeddedPlanner(model_file, taxonomy=taxonomy_in(model_file.parent))


DIALOGUE = Dialogue(
    turns=(
        Turn("B", "Hello, is this about the lamp?"),
        Turn("A", "Yes."),
        Turn("A", "I feel so sad about it."),
    ),
    context=SocialContext(relationship="friends since school", topic="the lamp"),
    speakers=(Speaker("B", "Bea", role="friend"),),
    lang="en",
)


def log_odds(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def test_the_effect_of_a_part_is_what_changes_when_its_features_are_taken_away(
    planner: EmbeddedPlanner, model_file: Path
) -> None:
    plan = planner.plan_now(DIALOGUE)
    model = load_linear(model_file.read_bytes(), "f")
    chosen = SKILLS.index(plan.skill or "")
    total = features_of(DIALOGUE, LEXICON)

    def odds(features: dict[str, float]) -> float:
        scores = np.array(model.header.bias) + np.array(model.contributions([features])[0])
        return log_odds(float(model.probabilities(scores)[chosen]))

    expected = {}
    for part in parts_of(DIALOGUE, LEXICON):
        if part.kind != "shape":
            rest = {name: value - part.features.get(name, 0.0) for name, value in total.items()}
            expected[part.kind, part.where, part.quote] = odds(total) - odds(rest)
    assert len(expected) == 6
    moved = [item for item in expected.items() if abs(item[1]) >= 0.0005]
    ranked = sorted(moved, key=lambda item: -abs(item[1]))[:4]
    assert len(ranked) >= 3
    assert [(e.kind, e.where, e.quote) for e in plan.evidence] == [key for key, _ in ranked]
    assert [e.effect for e in plan.evidence] == pytest.approx([effect for _, effect in ranked], abs=1e-3)


def test_a_plan_is_full_and_ranked(planner: EmbeddedPlanner) -> None:
    plan = planner.plan_now(DIALOGUE)
    assert (plan.skill, plan.skill_raw, plan.valid, plan.error) == ("Comfort", "Comfort", True, None)
    assert (plan.planner, plan.responder) == (planner.identity, "B")
    values = [alternative.confidence or 0.0 for alternative in plan.alternatives]
    assert plan.alternatives[0].skill == "Comfort"
    assert {alternative.skill for alternative in plan.alternatives} == set(SKILLS)
    assert values == sorted(values, reverse=True)
    # Four decimals each, so the sum may be off by half a unit a skill.
    assert sum(values) == pytest.approx(1.0, abs=4 * 0.00005)
    assert plan.confidence == values[0]
    assert "so I want to give comfort." in plan.explanation


def test_the_explanation_is_made_of_the_evidence(planner: EmbeddedPlanner, model_file: Path) -> None:
    plan = planner.plan_now(DIALOGUE)
    taxonomy = taxonomy_in(model_file.parent)
    assert plan.explanation == explain(DIALOGUE, plan.evidence, plan.alternatives, taxonomy)
    assert plan.evidence[0].effect > 0
    assert "friends since school" in plan.explanation


async def test_planning_twice_gives_the_same_bytes(planner: EmbeddedPlanner, model_file: Path) -> None:
    again = EmbeddedPlanner(model_file, taxonomy=taxonomy_in(model_file.parent))
    for dialogue in dialogues(3, seed=5):
        asked = dialogue.before(2)
        first = msgspec.json.encode(planner.plan_now(asked))
        assert first == msgspec.json.encode(await again.plan(asked))


def test_parts_without_any_known_feature_are_no_evidence(planner: EmbeddedPlanner) -> None:
    dialogue = Dialogue(turns=(Turn("A", "zzz"), Turn("B", "qqq"), Turn("A", "")), context=SocialContext())
    plan = planner.plan_now(dialogue)
    assert all(evidence.effect != 0 for evidence in plan.evidence)
    assert plan.valid


def test_a_dialogue_without_turns_is_an_error_plan(planner: EmbeddedPlanner) -> None:
    plan = planner.plan_now(Dialogue(turns=(), context=DIALOGUE.context))
    assert plan == Plan(error="The dialogue has no turns.", planner=planner.identity, responder="Listener")


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\n[RESULT SKILL] Service", "👩‍👩‍👧 שלום", "\x00\ufffd"])
def test_any_text_is_planned(planner: EmbeddedPlanner, text: str) -> None:
    plan = planner.plan_now(Dialogue(turns=(Turn("A", text),), context=SocialContext(text=text)))
    assert plan.valid
    assert plan.skill in SKILLS
    assert len(plan.explanation) < 500
    assert "[RESULT SKILL]" not in plan.explanation


def test_another_taxonomy_is_refused_with_the_difference(model_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"other skills \(differing: .*Comfort, .*\); train one"):
        EmbeddedPlanner(model_file, taxonomy=load_taxonomy())
    renamed = tmp_path / "renamed.toml"
    text = (model_file.parent / "four.toml").read_text(encoding="utf-8")
    renamed.write_text(text.replace('"Comfort"', '"Solace"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"\(differing: Comfort, Solace\)"):
        EmbeddedPlanner(model_file, taxonomy=load_taxonomy(renamed))


def test_the_order_of_skills_in_the_taxonomy_does_not_matter(model_file: Path) -> None:
    taxonomy = taxonomy_in(model_file.parent)
    turned = msgspec.structs.replace(taxonomy, skills=taxonomy.skills[::-1])
    one, other = (EmbeddedPlanner(model_file, taxonomy=t).plan_now(DIALOGUE) for t in (taxonomy, turned))
    assert msgspec.structs.replace(one, planner="") == msgspec.structs.replace(other, planner="")
    assert one.planner != other.planner


def test_a_file_that_is_damaged_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with pytest.raises(DataError, match=r"x\.bin: cannot be read \(No such file or directory\)"):
        EmbeddedPlanner(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"x\.bin: not a planner file"):
        EmbeddedPlanner(path)


def test_a_file_that_was_fitted_anew_is_read_anew(model_file: Path, tmp_path: Path) -> None:
    taxonomy, path = taxonomy_in(tmp_path), tmp_path / "again.bin"
    path.write_bytes(model_file.read_bytes())
    before = EmbeddedPlanner(path, taxonomy=taxonomy).identity
    model, _ = fit_planner(examples_in(dialogues(8, seed=3), taxonomy), LEXICON, taxonomy, 1e-3)
    path.write_bytes(model.to_bytes())
    assert EmbeddedPlanner(path, taxonomy=taxonomy).identity != before


def test_a_plan_below_the_threshold_abstains_and_keeps_its_ranking(
    planner: EmbeddedPlanner, model_file: Path
) -> None:
    sure = planner.plan_now(DIALOGUE)
    best = max(planner.probabilities(DIALOGUE).values())
    taxonomy = taxonomy_in(model_file.parent)
    at, above = (
        EmbeddedPlanner(model_file, taxonomy=taxonomy, threshold=threshold)
        for threshold in (best, min(1.0, best + 1e-9))
    )
    assert at.plan_now(DIALOGUE) == msgspec.structs.replace(sure, planner=at.identity)
    plan = above.plan_now(DIALOGUE)
    assert (plan.skill, plan.skill_raw, plan.confidence, plan.valid, plan.error) == (
        None,
        "",
        None,
        False,
        None,
    )
    assert (plan.alternatives, plan.evidence) == (sure.alternatives, sure.evidence)
    assert plan.explanation.startswith(f"No skill is likely enough: Comfort comes first with {best:.1%}")
    assert why_not(plan) == plan.explanation


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(model_file: Path, threshold: float) -> None:
    with pytest.raises(ConfigurationError, match="is no probability; give one from 0 to 1"):
        EmbeddedPlanner(model_file, taxonomy=taxonomy_in(model_file.parent), threshold=threshold)
