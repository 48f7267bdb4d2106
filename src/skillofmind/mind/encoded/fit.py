"""Train the head of the encoder planner on top of an embedded planner.

    texts of all rows -> vectors (frozen encoder, each text once) -> zones -> similarities
    out-of-fold scores of the embedded planner and of the head, over the same folds
        -> share and temperature that minimise the log loss of  softmax((linear + share * head) / temperature)
    head on all rows -> one file

The head is the same regression as the linear model (`embedded.regression`), on vectors in place of words.
All steps are fixed in number and order: the same rows and weights give the same bytes on the same library
versions, kind of processor and number of threads.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.embedded.fit import (
    Example,
    FitReport,
    Material,
    data_fingerprint,
    features_of,
    material_of,
    origin,
    out_of_fold,
    report_on,
)
from skillofmind.mind.embedded.linear import LinearModel
from skillofmind.mind.embedded.regression import Design, best_temperature, fit_dual, softmax
from skillofmind.mind.encoded.head import Head, HeadHeader
from skillofmind.mind.encoded.zones import ZONES, heard_in
from skillofmind.mind.taxonomy import Taxonomy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHARES = tuple(round(0.05 * step, 2) for step in range(31))
"""What is tried for the weight of the head's scores beside the linear model's: 0 to 1.5."""


class Encoder(Protocol):
    """What makes vectors of texts; `models.local.encoder.TextEncoder` is one."""

    identity: str
    size: int

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return vectors, [texts, size]."""


class Base(Protocol):
    """What a head stands on: the linear model, and the digest of its file."""

    @property
    def model(self) -> LinearModel:
        """The linear model."""

    @property
    def digest(self) -> str:
        """SHA-256 of its file, hexadecimal."""


def fit_head(
    examples: Sequence[Example],
    base: Base,
    encoder: Encoder,
    taxonomy: Taxonomy,
    l2: float,
    on_phase: Callable[[str], None] = lambda _: None,
) -> tuple[Head, FitReport]:
    """Fit a head and measure the sum of both models out of fold.

    Args:
        examples: those that `base` was trained on.
        base: the embedded planner.
        encoder: makes the vectors.
        taxonomy: the skills, in the order of `base`.
        l2: weight of the penalty, more than 0.
        on_phase: told what is being done, for progress.

    Raises:
        ConfigurationError: `base` was trained on other examples, so its scores would not be held out.
        DataError: a skill has no example.
    """
    _require_same(examples, base.model)
    material = material_of(examples, taxonomy)
    linear = _linear_scores(material, base.model, on_phase)
    on_phase("vectors of all texts")
    inputs = inputs_of([row.dialogue for row in material.rows], encoder)
    on_phase("similarities of vectors")
    gram = inputs @ inputs.T
    encoded = out_of_fold(gram, material, l2, on_phase)
    share, temperature = best_pool(linear, encoded, material.labels[: len(examples)])
    on_phase("all rows")
    dual, bias = fit_dual(gram, material.labels, material.skills, l2)
    report = report_on(examples, material, linear + share * encoded, temperature, inputs.shape[1])
    header = HeadHeader(
        labels=taxonomy.names(),
        bias=tuple(round(float(value), 6) for value in bias),
        size=encoder.size,
        share=share,
        temperature=temperature,
        encoder=encoder.identity,
        linear=base.digest,
        trained_on=origin(examples, report, l2),
    )
    weights = (inputs.T @ dual).reshape(len(ZONES), encoder.size, material.skills)
    return Head(header, weights.astype(np.float16)), report


def inputs_of(dialogues: Sequence[Dialogue], encoder: Encoder) -> "Floats":
    """Return what the head sees of each dialogue, [dialogues, zones * size]; every text is encoded once."""
    heard = [heard_in(dialogue) for dialogue in dialogues]
    texts = sorted({part.text for parts in heard for part in parts if part.text})
    vectors = dict(zip(texts, encoder.encode(texts).astype(np.float64), strict=True))
    found = np.zeros((len(dialogues), len(ZONES), encoder.size))
    for row, parts in enumerate(heard):
        for part in parts:
            if part.text:
                found[row, part.zone] += part.weight * vectors[part.text]
    return found.reshape(len(dialogues), -1)


def best_pool(linear: "Floats", encoded: "Floats", labels: "NDArray[np.int64]") -> tuple[float, float]:
    """Return share (of `SHARES`) and temperature with the lowest log loss of `linear + share * encoded`."""
    rows = np.arange(len(labels))

    def loss(share: float) -> float:
        scores = linear + share * encoded
        probabilities = softmax(scores / best_temperature(scores, labels))
        return float(-np.log(probabilities[rows, labels] + 1e-12).mean())

    share = min(SHARES, key=loss)
    return share, best_temperature(linear + share * encoded, labels)


def _linear_scores(material: Material, model: LinearModel, on_phase: Callable[[str], None]) -> "Floats":
    on_phase("the embedded planner, out of fold")
    design = Design([features_of(row.dialogue, model.header.lexicon) for row in material.rows])
    return out_of_fold(design.gram(), material, float(model.header.trained_on["l2"]), on_phase)


def _require_same(examples: Sequence[Example], model: LinearModel) -> None:
    if model.header.trained_on.get("data") != data_fingerprint(examples):
        raise ConfigurationError(
            "the embedded planner was trained on other dialogues than these; train it on them first with "
            "`som fit FILE --out planner.bin`, then add --linear planner.bin."
        )
