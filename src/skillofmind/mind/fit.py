"""Train the embedded planner on annotated dialogues.

    dialogues -> examples (dialogue before an annotated turn, its skill) -> features
              -> out-of-fold scores (folds by dialogue) -> temperature and report
              -> weights on all examples -> one file

Dialogues that share turns on purpose (`meta.pair`) stay in one fold.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.mind.cues import Lexicon
from skillofmind.mind.features import Features, parts_of
from skillofmind.mind.linear import Design, LinearModel, best_temperature, fit_dual, pack
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5


class Example(NamedTuple):
    """One annotated turn: the dialogue before it, its skill, and the group that must stay together."""

    dialogue: Dialogue
    skill: str
    group: str


class FitReport(Record, frozen=True):
    """How the planner did on dialogues that it was not trained on (out-of-fold).

    Attributes:
        dialogues: distinct dialogues.
        examples: annotated turns.
        features: features kept.
        accuracy: share of turns whose skill came first.
        top3: share of turns whose skill was among the first three.
        majority: accuracy of always naming the commonest skill.
        temperature: found by minimising the out-of-fold log loss.
    """

    dialogues: int
    examples: int
    features: int
    accuracy: float
    top3: float
    majority: float
    temperature: float


def examples_in(dialogues: Iterable[Dialogue], taxonomy: Taxonomy) -> list[Example]:
    """Return every annotated turn that has turns before it.

    Raises:
        DataError: an annotation names no skill of the taxonomy.
    """
    normalise = Normaliser(taxonomy)
    examples = []
    for dialogue in dialogues:
        group = str(dialogue.meta.get("pair") or dialogue.id)
        for index, turn in enumerate(dialogue.turns):
            for annotation in turn.annotations[:1] if index else ():
                skill = normalise(annotation.skill).skill
                if skill is None:
                    raise DataError(
                        f"{dialogue.id}: turn {index + 1} has the skill {annotation.skill!r}, which is not "
                        "in the taxonomy; correct it (`som skills` lists them)."
                    )
                examples.append(Example(dialogue.before(index), skill, group))
    return examples


def features_of(dialogue: Dialogue, lexicon: Lexicon) -> Features:
    """Return the features of all parts of a dialogue, summed."""
    total: Features = {}
    for part in parts_of(dialogue, lexicon):
        for name, value in part.features.items():
            total[name] = total.get(name, 0.0) + value
    return total


def fit_planner(
    examples: Sequence[Example],
    lexicon: Lexicon,
    taxonomy: Taxonomy,
    l2: float,
    on_phase: Callable[[str], None] = lambda _: None,
) -> tuple[LinearModel, FitReport]:
    """Fit a model and measure it out of fold.

    Args:
        examples: at least one of every skill of the taxonomy.
        lexicon: cue lexicon; it goes into the model.
        taxonomy: fixes the skills and their order.
        l2: weight of the penalty, more than 0.
        on_phase: told what is being done, for progress.

    Raises:
        DataError: a skill has no example.
    """
    skills = taxonomy.names()
    _require_all(examples, skills)
    labels = np.array([skills.index(example.skill) for example in examples])
    on_phase(f"features of {len(examples)} turns")
    design = Design([features_of(example.dialogue, lexicon) for example in examples])
    on_phase(f"similarities over {len(design.hashes)} features")
    gram = design.gram()
    folds = np.array([fold_of(example.group) for example in examples])
    scores = np.zeros((len(examples), len(skills)))
    for fold in range(FOLDS):
        on_phase(f"fold {fold + 1} of {FOLDS}")
        scores[folds == fold] = _held_out(gram, labels, folds == fold, len(skills), l2)
    on_phase("all turns")
    dual, bias = fit_dual(gram, labels, len(skills), l2)
    report = _report(examples, labels, scores, len(design.hashes))
    trained_on = {
        "dialogues": report.dialogues,
        "examples": report.examples,
        "data": fingerprint([[example.dialogue, example.skill] for example in examples]),
        "l2": l2,
    }
    header = {"temperature": report.temperature, "lexicon": lexicon, "trained_on": trained_on}
    return pack(design, dual, bias, header, skills), report


def fold_of(group: str, folds: int = FOLDS) -> int:
    """Return the fold of a group of dialogues; a hash, so that adding dialogues moves none."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") % folds


def _require_all(examples: Sequence[Example], skills: Sequence[str]) -> None:
    missing = [skill for skill in skills if all(example.skill != skill for example in examples)]
    if missing:
        raise DataError(
            f"no annotated turn for {', '.join(missing)}; every skill of the taxonomy needs at least one."
        )


def _held_out(
    gram: "NDArray[np.float64]",
    labels: "NDArray[np.int64]",
    held: "NDArray[np.bool_]",
    skills: int,
    l2: float,
) -> "NDArray[np.float64]":
    rest = np.flatnonzero(~held)
    if not held.any() or not len(rest):
        return np.zeros((int(held.sum()), skills))
    dual, bias = fit_dual(gram[np.ix_(rest, rest)], labels[rest], skills, l2)
    return np.asarray(gram[np.ix_(np.flatnonzero(held), rest)] @ dual + bias)


def _report(
    examples: Sequence[Example], labels: "NDArray[np.int64]", scores: "NDArray[np.float64]", features: int
) -> FitReport:
    order = np.argsort(-scores, axis=1, kind="stable")
    return FitReport(
        dialogues=len({example.dialogue.id for example in examples}),
        examples=len(examples),
        features=features,
        accuracy=round(float((order[:, 0] == labels).mean()), 4),
        top3=round(float((order[:, :3] == labels[:, None]).any(axis=1).mean()), 4),
        majority=round(float(np.bincount(labels).max() / len(labels)), 4),
        temperature=best_temperature(scores, labels),
    )
