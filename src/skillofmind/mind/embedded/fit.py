"""Train the embedded planner on annotated dialogues.

    dialogues -> examples (dialogue before an annotated turn, its skill) -> features
              -> out-of-fold scores (folds by dialogue) -> temperature and report
              -> weights on all examples -> one file

Dialogues that share turns on purpose (`meta.pair`) stay in one fold.

Every example is learned twice: as it stands, and shortened to its last one or two turns with nothing known
beforehand. People often show a planner just that, and a model that only ever saw full dialogues leans on
their length and on which fields are filled in. Only whole examples are held out and measured.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext
from skillofmind.core.errors import DataError, MissingExtra
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.mind.embedded.cues import Lexicon
from skillofmind.mind.embedded.features import Features, parts_of
from skillofmind.mind.embedded.linear import LinearModel
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.scorers.calibration import expected_calibration_error

try:
    import numpy as np

    from skillofmind.mind.embedded.regression import Design, best_temperature, fit_dual, pack, softmax
except ImportError as error:
    raise MissingExtra("training needs numpy; pip install 'skillofmind[fit]'.") from error

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
        calibration_error: expected calibration error of the first skill's probability (0 to 1, 15 bins of
            equal size), at that temperature.
    """

    dialogues: int
    examples: int
    features: int
    accuracy: float
    top3: float
    majority: float
    temperature: float
    calibration_error: float


class Material(NamedTuple):
    """Training rows: all examples, then their shortened copies.

    Attributes:
        rows: examples, [rows].
        labels: number of the skill, [rows].
        folds: fold of the row's group, [rows].
        examples: how many of the rows are whole examples; only these are held out and measured.
        skills: how many skills there are.
    """

    rows: list[Example]
    labels: "NDArray[np.int64]"
    folds: "NDArray[np.int64]"
    examples: int
    skills: int


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
    material = material_of(examples, taxonomy)
    on_phase(f"features of {len(material.rows)} rows from {len(examples)} turns")
    design = Design([features_of(row.dialogue, lexicon) for row in material.rows])
    on_phase(f"similarities over {len(design.hashes)} features")
    gram = design.gram()
    scores = out_of_fold(gram, material, l2, on_phase)
    on_phase("all rows")
    dual, bias = fit_dual(gram, material.labels, material.skills, l2)
    temperature = best_temperature(scores, material.labels[: len(examples)])
    report = report_on(examples, material, scores, temperature, len(design.hashes))
    header = {
        "temperature": temperature,
        "lexicon": lexicon,
        "trained_on": origin(examples, report, l2),
    }
    return pack(design, dual, bias, header, taxonomy.names()), report


def material_of(examples: Sequence[Example], taxonomy: Taxonomy) -> Material:
    """Return the rows to train on.

    Raises:
        DataError: a skill has no example.
    """
    skills = taxonomy.names()
    _require_all(examples, skills)
    rows = training_rows(examples)
    return Material(
        rows,
        np.array([skills.index(row.skill) for row in rows]),
        np.array([fold_of(row.group) for row in rows]),
        len(examples),
        len(skills),
    )


def out_of_fold(
    gram: "NDArray[np.float64]",
    material: Material,
    l2: float,
    on_phase: Callable[[str], None] = lambda _: None,
) -> "NDArray[np.float64]":
    """Return scores [examples, skills], each of a model that saw no dialogue of the example's fold."""
    whole = np.arange(len(material.rows)) < material.examples
    scores = np.zeros((material.examples, material.skills))
    for fold in range(FOLDS):
        on_phase(f"fold {fold + 1} of {FOLDS}")
        held = np.flatnonzero(whole & (material.folds == fold))
        rest = np.flatnonzero(material.folds != fold)
        scores[held] = _held_out(gram, material.labels, held, rest, material.skills, l2)
    return scores


def origin(examples: Sequence[Example], report: FitReport, l2: float) -> dict[str, object]:
    """Return what a model was made from, for its header."""
    return {
        "dialogues": report.dialogues,
        "examples": report.examples,
        "data": data_fingerprint(examples),
        "l2": l2,
    }


def data_fingerprint(examples: Sequence[Example]) -> str:
    """Return a hash of all examples with their skills."""
    return fingerprint([[example.dialogue, example.skill] for example in examples])


def training_rows(examples: Sequence[Example]) -> list[Example]:
    """Return all examples, then a shortened copy of each that has anything to leave out."""
    short = [example._replace(dialogue=shortened(example.dialogue, example.group)) for example in examples]
    return [*examples, *(row for row, whole in zip(short, examples, strict=True) if row != whole)]


def shortened(dialogue: Dialogue, group: str) -> Dialogue:
    """Return the last one or two turns (by the hash of `group`) with nothing known beforehand."""
    keep = 1 + fold_of(group, 2)
    return msgspec.structs.replace(
        dialogue, turns=dialogue.turns[-keep:], context=SocialContext(), speakers=(), history=()
    )


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
    held: "NDArray[np.int64]",
    rest: "NDArray[np.int64]",
    skills: int,
    l2: float,
) -> "NDArray[np.float64]":
    """Return the scores [held, skills] of a model that was fitted on `rest`."""
    if not len(held) or not len(rest):
        return np.zeros((len(held), skills))
    dual, bias = fit_dual(gram[np.ix_(rest, rest)], labels[rest], skills, l2)
    return np.asarray(gram[np.ix_(held, rest)] @ dual + bias)


def report_on(
    examples: Sequence[Example],
    material: Material,
    scores: "NDArray[np.float64]",
    temperature: float,
    features: int,
) -> FitReport:
    """Return how held-out scores [examples, skills] do at a temperature."""
    labels = material.labels[: len(examples)]
    order = np.argsort(-scores, axis=1, kind="stable")
    right = order[:, 0] == labels
    confidence = softmax(scores / temperature).max(axis=1)
    return FitReport(
        dialogues=len({example.dialogue.id for example in examples}),
        examples=len(examples),
        features=features,
        accuracy=round(float(right.mean()), 4),
        top3=round(float((order[:, :3] == labels[:, None]).any(axis=1).mean()), 4),
        majority=round(float(np.bincount(labels).max() / len(labels)), 4),
        temperature=temperature,
        calibration_error=round(expected_calibration_error(confidence.tolist(), right.tolist()), 4),
    )
