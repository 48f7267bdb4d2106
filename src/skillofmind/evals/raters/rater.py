"""A rater: what it is made of, how it is trained and measured, how it rates.

rater = trained(KINDS["er"], KINDS["er"].read(data))
rater.classes[int(rated(rater, [("I failed.", "I am so sorry.")])[0])]
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.evals.measure import estimates, mean_of
from skillofmind.evals.measures.labels import encoded, macro_f1
from skillofmind.evals.raters.examples import Example, Kind, classes_of
from skillofmind.evals.raters.grams import Field, Grams, Pair, grams
from skillofmind.evals.raters.linear import Floats, Linear, fit, scores, taken
from skillofmind.evals.records import Estimate, Table
from skillofmind.mind.embedded.fit import fold_of

FOLDS = 5
"""Parts of a corpus without a test part; each is rated by a model of the others."""

BALANCE = 1.0
"""All classes count alike in training."""


class Quality(Record, frozen=True):
    """How a rater does on texts that it was not trained on.

    Attributes:
        rater: its name.
        corpus: what it was trained on.
        held_out: which texts were held out.
        trained: texts that the rater was trained on.
        n: texts held out.
        groups: posts, dialogues or texts among them, which the intervals draw.
        classes: how many there are.
        majority: share of the commonest class.
        accuracy: share of right classes.
        macro_f1: mean F1 of the classes.
        reference_accuracy: of TF-IDF with logistic regression, from the project's spec sheet.
        reference_macro_f1: the same.
    """

    rater: str
    corpus: str
    held_out: str
    trained: int
    n: int
    groups: int
    classes: int
    majority: float
    accuracy: Estimate
    macro_f1: Estimate
    reference_accuracy: float
    reference_macro_f1: float


class Rater(NamedTuple):
    """A trained rater.

    Attributes:
        name: such as `er`.
        about: what it says of a reply.
        classes: in the order of the model.
        fields: which texts it reads.
        model: weights.
        quality: on texts that it was not trained on.
        identity: changes with data, code and settings.
    """

    name: str
    about: str
    classes: tuple[str, ...]
    fields: tuple[Field, ...]
    model: Linear
    quality: Quality
    identity: str = ""


def rated(rater: Rater, pairs: Sequence[Pair]) -> NDArray[np.int64]:
    """Return the number of the class of each reply, [pairs]."""
    return np.asarray(chances(rater, pairs).argmax(axis=1), dtype=np.int64)


def chances(rater: Rater, pairs: Sequence[Pair]) -> Floats:
    """Return the log-odds of each class up to a constant, [pairs, classes]."""
    return scores(rater.model, grams(pairs, rater.fields))


def trained(kind: Kind, examples: Sequence[Example], identity: str = "") -> Rater:
    """Train and measure a rater.

    Raises:
        DataError: fewer than two classes, or nothing is held out.
        MissingExtra: scipy is not there.
    """
    classes = classes_of(examples, kind.corpus)
    place = {name: index for index, name in enumerate(classes)}
    labels = np.array([place[one.label] for one in examples], dtype=np.int64)
    found = grams([one.pair for one in examples], kind.fields)
    test = np.array([one.test for one in examples])
    if test.any():
        learned = np.flatnonzero(~test)
        model = _fitted(found, labels, learned, kind, len(classes))
        guessed = scores(model, taken(found, np.flatnonzero(test))).argmax(axis=1)
        held, how = np.flatnonzero(test), "the published test part"
    else:
        learned = held = np.arange(len(examples))
        guessed = _out_of_fold(found, labels, examples, kind, len(classes))
        model, how = _fitted(found, labels, learned, kind, len(classes)), f"{FOLDS} folds by group"
    told = [classes[guess] for guess in guessed]
    quality = _quality(kind, [examples[int(index)] for index in held], told, how, len(learned), len(classes))
    return Rater(kind.name, kind.about, classes, kind.fields, model, quality, identity)


def quality_table(qualities: Sequence[Quality]) -> Table:
    """Return how good raters are, next to what to compare them with."""
    columns = (
        "rater",
        "corpus",
        "held out",
        "texts",
        "groups",
        "majority",
        *(f"{name}{end}" for name in ("accuracy", "macro-F1") for end in ("", " low", " high", " reference")),
    )
    rows = tuple(
        (
            one.rater, one.corpus, one.held_out, one.n, one.groups, one.majority,
            one.accuracy.value, one.accuracy.low, one.accuracy.high, one.reference_accuracy,
            one.macro_f1.value, one.macro_f1.low, one.macro_f1.high, one.reference_macro_f1,
        )
        for one in qualities
    )  # fmt: skip
    about = (
        "Small models that rate replies, measured on texts of the same corpora that they were not trained on "
        "(95 % intervals by post, dialogue or text). Replies of a model are other texts: expect less on them."
    )
    return Table("How good the raters are", columns, rows, about)


def _fitted(
    found: Grams, labels: NDArray[np.int64], of: NDArray[np.int64], kind: Kind, classes: int
) -> Linear:
    return fit(taken(found, of), labels[of], classes, strength=kind.strength, balance=BALANCE)


def _out_of_fold(
    found: Grams, labels: NDArray[np.int64], examples: Sequence[Example], kind: Kind, classes: int
) -> NDArray[np.int64]:
    folds = np.array([fold_of(one.group, FOLDS) for one in examples])
    guessed = np.zeros(len(labels), dtype=np.int64)
    for fold in range(FOLDS):
        held, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        if not len(held) or not len(rest):
            raise DataError(
                f"{kind.corpus} has too few groups to hold some out ({len(examples)} texts); give more of it."
            )
        model = _fitted(found, labels, rest, kind, classes)
        guessed[held] = scores(model, taken(found, held)).argmax(axis=1)
    return guessed


def _quality(
    kind: Kind, held: Sequence[Example], told: Sequence[str], how: str, learned: int, classes: int
) -> Quality:
    right = [one.label for one in held]
    groups = [one.group for one in held]
    hits = [float(one == other) for one, other in zip(right, told, strict=True)]
    accuracy, f1 = estimates(
        [mean_of("accuracy", hits), macro_f1("macro_f1", encoded(right, list(told)))], groups
    )
    return Quality(
        rater=kind.name,
        corpus=kind.corpus,
        held_out=how,
        trained=learned,
        n=len(held),
        groups=len(set(groups)),
        classes=classes,
        majority=max(map(right.count, set(right))) / len(right),
        accuracy=accuracy,
        macro_f1=f1,
        reference_accuracy=kind.reference.accuracy,
        reference_macro_f1=kind.reference.macro_f1,
    )
