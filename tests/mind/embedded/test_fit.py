from pathlib import Path

import msgspec
import numpy as np
import pytest

from skillofmind.core.dialogue import Annotation, Dialogue, SocialContext, Turn
from skillofmind.core.errors import DataError
from skillofmind.mind.embedded.fit import FOLDS, Example, examples_in, features_of, fit_planner, fold_of
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.taxonomy import Taxonomy
from tests.mind.world import LEXICON, SKILLS, dialogues, taxonomy_in

L2 = 1e-4


@pytest.fixture
def taxonomy(tmp_path: Path) -> Taxonomy:
    return taxonomy_in(tmp_path)


def annotated(*skills: str | None, meta: dict[str, str] | None = None, name: str = "d") -> Dialogue:
    notes = [() if skill is None else (Annotation(skill),) for skill in skills]
    turns = tuple(Turn("ab"[i % 2], f"turn {i}", annotations=note) for i, note in enumerate(notes))
    return Dialogue(turns=turns, id=name, meta=meta or {})


def test_every_annotated_turn_but_the_first_is_an_example(taxonomy: Taxonomy) -> None:
    dialogue = annotated("Comfort", None, " advice. ", "Service")
    found = examples_in([dialogue], taxonomy)
    assert found == [
        Example(dialogue.before(2), "Advice", "d"),
        Example(dialogue.before(3), "Service", "d"),
    ]
    assert [len(example.dialogue.turns) for example in found] == [2, 3]
    assert found[0].dialogue.responder == "a"


def test_an_unknown_skill_is_named_with_its_place(taxonomy: Taxonomy) -> None:
    with pytest.raises(DataError, match=r"^d7: turn 2 .*'Empathy'.* taxonomy; correct it"):
        examples_in([annotated(None, "Empathy", name="d7")], taxonomy)


def test_a_skill_without_an_example_is_named(taxonomy: Taxonomy) -> None:
    examples = examples_in([annotated(None, "Comfort", "Service")], taxonomy)
    with pytest.raises(DataError, match=r"^no annotated turn for Advice, Apology; every skill"):
        fit_planner(examples, LEXICON, taxonomy, L2)


def test_pairs_stay_together(taxonomy: Taxonomy) -> None:
    pairs = [annotated(None, "Comfort", meta={"pair": "p"}, name=name) for name in ("x", "y")]
    assert {example.group for example in examples_in(pairs, taxonomy)} == {"p"}
    alone = examples_in([annotated(None, "Comfort", "Advice", name="z")], taxonomy)
    assert {example.group for example in alone} == {"z"}


def test_folds_depend_on_the_group_alone_and_are_about_even() -> None:
    folds = [fold_of(f"group {i}") for i in range(1000)]
    assert folds == [fold_of(f"group {i}") for i in range(1000)]
    assert set(folds) == set(range(FOLDS))
    assert min(np.bincount(folds)) > 150


def test_twins_in_one_fold_cannot_help_each_other(taxonomy: Taxonomy) -> None:
    """Random labels on twin dialogues: out of fold, a twin that were trained on would give them away."""
    draw = np.random.default_rng(3)
    twins = []
    for number in range(40):
        skill = SKILLS[int(draw.integers(4))]
        words = f"w{number} x{number} y{number}"
        for copy in "abc":
            turns = (Turn("A", words), Turn("B", "r", annotations=(Annotation(skill),)))
            twins.append(Dialogue(turns=turns, id=f"{number}{copy}", meta={"pair": f"p{number}"}))
    _, together = fit_planner(examples_in(twins, taxonomy), LEXICON, taxonomy, L2)
    apart = [msgspec.structs.replace(twin, meta={}) for twin in twins]
    _, leaked = fit_planner(examples_in(apart, taxonomy), LEXICON, taxonomy, L2)
    assert together.accuracy < 0.5
    assert leaked.accuracy > 0.7


def accuracy(planner: EmbeddedPlanner, held: list[Dialogue]) -> float:
    return sum(
        planner.plan_now(dialogue.before(2)).skill == dialogue.turns[2].annotations[0].skill
        for dialogue in held
    ) / len(held)


def test_the_rule_is_learned_and_the_context_is_needed_for_it(taxonomy: Taxonomy, tmp_path: Path) -> None:
    phases: list[str] = []
    model, report = fit_planner(
        examples_in(dialogues(24, seed=0), taxonomy), LEXICON, taxonomy, L2, phases.append
    )
    path = tmp_path / "rule.bin"
    path.write_bytes(model.to_bytes())
    planner, unseen = EmbeddedPlanner(path, taxonomy=taxonomy), dialogues(40, seed=1)
    assert accuracy(planner, unseen) >= 0.9
    blind = [msgspec.structs.replace(dialogue, context=SocialContext()) for dialogue in unseen]
    # Without the relationship two of the four skills remain possible.
    assert 0.4 <= accuracy(planner, blind) <= 0.6
    assert (report.dialogues, report.examples, report.majority) == (96, 96, 0.25)
    assert report.accuracy >= 0.9
    assert report.top3 >= report.accuracy
    assert report.features == model.header.rows > 50
    assert report.temperature == model.header.temperature
    assert [phase for phase in phases if "fold" in phase] == [
        f"fold {i + 1} of {FOLDS}" for i in range(FOLDS)
    ]


def test_without_the_context_the_rule_cannot_be_learned(taxonomy: Taxonomy) -> None:
    blind = [msgspec.structs.replace(d, context=SocialContext()) for d in dialogues(12, seed=0)]
    _, report = fit_planner(examples_in(blind, taxonomy), LEXICON, taxonomy, L2)
    assert report.accuracy <= 0.65


def test_the_same_dialogues_give_the_same_bytes(taxonomy: Taxonomy) -> None:
    examples = examples_in(dialogues(8, seed=0), taxonomy)
    first, second = (fit_planner(examples, LEXICON, taxonomy, L2)[0].to_bytes() for _ in range(2))
    assert first == second
    other = examples_in(dialogues(8, seed=2), taxonomy)
    assert fit_planner(other, LEXICON, taxonomy, L2)[0].to_bytes() != first


def test_the_file_says_what_it_was_made_from(taxonomy: Taxonomy) -> None:
    examples = examples_in(dialogues(8, seed=0), taxonomy)
    header = fit_planner(examples, LEXICON, taxonomy, L2)[0].header
    assert header.labels == SKILLS
    assert header.lexicon == LEXICON
    assert header.trained_on.keys() == {"dialogues", "examples", "data", "l2"}
    assert (header.trained_on["dialogues"], header.trained_on["examples"], header.trained_on["l2"]) == (
        32,
        32,
        L2,
    )
    changed = fit_planner(examples[::-1], LEXICON, taxonomy, L2)[0].header
    assert changed.trained_on["data"] != header.trained_on["data"]


def test_features_of_sums_over_the_parts() -> None:
    found = features_of(Dialogue(turns=(Turn("a", "so sad"), Turn("a", "so sad")), responder="b"), LEXICON)
    alone = features_of(Dialogue(turns=(Turn("a", "so sad"),), responder="b"), LEXICON)
    assert found["any|low"] == pytest.approx(1.5 * alone["any|low"])
    assert found["last them|low"] == alone["last them|low"]
