"""Softmax regression over named features: fitting, and one file that holds the result.

Fitting minimises, over weights W (features x skills) and biases b,

    mean over rows of w_i [ -log softmax(W^T x_i + b)[y_i] ] + (l2 / 2) ||W||^2

By the representer theorem W = X^T A with one row of A per training row, so with the Gram matrix K = X X^T
the whole descent runs on n x n numbers, however many features there are. Nesterov steps, fixed count, no
randomness: the same rows give the same bytes on the same library versions.

The file holds the weights as 8-bit integers with one scale per skill, the feature names as 32-bit hashes
(two names that collide share a weight; at 10^5 features that happens to about one in 10^5 unseen names),
and the cue lexicon, so that it needs nothing beside it.
"""

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.mind.cues import Lexicon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAGIC = b"SOMPLAN\x01"
_RARE = 2
_STEPS = 300
_POWER_STEPS = 30


class Header(Record, frozen=True):
    """Everything of a model except its numbers.

    Attributes:
        labels: skill names, in the order of the columns.
        bias: one number a skill.
        scales: one number a skill; an 8-bit weight times this is the weight.
        temperature: scores are divided by it before the softmax; set on held-out rows.
        rows: number of features.
        lexicon: the cue lexicon that the features were taken with.
        trained_on: what the model was made from, for people: rows, dialogues, data fingerprint.
    """

    labels: tuple[str, ...]
    bias: tuple[float, ...]
    scales: tuple[float, ...]
    temperature: float
    rows: int
    lexicon: Lexicon
    trained_on: dict[str, Any]


class LinearModel:
    """A fitted model: `scores` of named features, and bytes to keep it."""

    def __init__(
        self,
        header: Header,
        hashes: "NDArray[np.uint32]",
        idf: "NDArray[np.float16]",
        weights: "NDArray[np.int8]",
    ) -> None:
        """Take over the arrays: hashes ascending [F], idf [F], weights [F, skills]."""
        self.header = header
        self._hashes, self._idf, self._weights = hashes, idf, weights
        self._scales = np.asarray(header.scales, dtype=np.float64)
        self._bias = np.asarray(header.bias, dtype=np.float64)

    def bias(self) -> "Floats":
        """Return the biases [skills]."""
        return self._bias

    def contributions(self, parts: Sequence[dict[str, float]]) -> "Floats":
        """Return what each part adds to the score of each skill, [parts, skills]."""
        names = [_hash(name) for features in parts for name in features]
        values = np.array([value for features in parts for value in features.values()], dtype=np.float64)
        owner = np.repeat(np.arange(len(parts)), [len(features) for features in parts])
        wanted = np.array(names, dtype=np.uint32)
        found = np.searchsorted(self._hashes, wanted)
        found[found == len(self._hashes)] = 0
        known = self._hashes[found] == wanted if len(self._hashes) else np.zeros(len(wanted), dtype=bool)
        rows, owner = found[known], owner[known]
        weighted = self._weights[rows] * (values[known] * self._idf[rows])[:, None]
        out = np.zeros((len(parts), len(self.header.labels)))
        np.add.at(out, owner, weighted)
        return out * self._scales

    def probabilities(self, scores: "Floats") -> "Floats":
        """Return the calibrated probabilities of scores [..., skills]."""
        return softmax(scores / self.header.temperature)

    def to_bytes(self) -> bytes:
        """Return the file."""
        header = msgspec.json.encode(self.header)
        size = len(header).to_bytes(4, "little")
        arrays = (self._hashes, self._idf, self._weights)
        return MAGIC + size + header + b"".join(array.tobytes() for array in arrays)


def load_linear(data: bytes, name: str) -> LinearModel:
    """Read a model file.

    Raises:
        DataError: not a model file, or cut short.
    """
    if not data.startswith(MAGIC):
        raise DataError(f"{name}: not a planner file of `som fit`; name one that it wrote.")
    start = len(MAGIC) + 4
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    try:
        header = msgspec.json.decode(data[start:end], type=Header)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{name}: the header is damaged ({error}); run `som fit` again.") from error
    if not _fits_together(header):
        raise DataError(f"{name}: the header's sizes do not fit together; run `som fit` again.")
    rows, skills = header.rows, len(header.labels)
    if len(data) != end + rows * (4 + 2 + skills):
        raise DataError(f"{name}: {len(data)} bytes do not fit its header; run `som fit` again.")
    hashes = np.frombuffer(data, np.uint32, rows, end)
    idf = np.frombuffer(data, np.float16, rows, end + 4 * rows)
    weights = np.frombuffer(data, np.int8, rows * skills, end + 6 * rows).reshape(rows, skills)
    return LinearModel(header, hashes, idf, weights)


def _fits_together(header: Header) -> bool:
    sizes = {len(header.labels), len(header.bias), len(header.scales)}
    return len(sizes) == 1 and 0 not in sizes and header.rows >= 0 and header.temperature > 0


class Design:
    """Training rows as postings: for each frequent feature, which rows have it and with what value."""

    def __init__(self, rows: Sequence[dict[str, float]]) -> None:
        """Index `rows`; features of fewer than two rows are left out."""
        counts = Counter(_hash(name) for features in rows for name in features)
        kept = sorted(code for code, count in counts.items() if count >= _RARE)
        self.hashes = np.array(kept, dtype=np.uint32)
        self.idf = np.array([_idf(counts[code], len(rows)) for code in kept], dtype=np.float16)
        index = {code: position for position, code in enumerate(kept)}
        postings: list[dict[int, float]] = [{} for _ in kept]
        for row, features in enumerate(rows):
            for name, value in features.items():
                position = index.get(_hash(name))
                if position is not None:
                    postings[position][row] = postings[position].get(row, 0.0) + value
        self.postings = [
            (np.fromiter(p, dtype=np.int64), np.fromiter(p.values(), dtype=np.float64) * float(self.idf[i]))
            for i, p in enumerate(postings)
        ]
        self.count = len(rows)

    def gram(self) -> "Floats":
        """Return K = X X^T, [rows, rows]."""
        gram = np.zeros((self.count, self.count))
        for rows, values in self.postings:
            gram[np.ix_(rows, rows)] += np.outer(values, values)
        return gram

    def primal(self, dual: "Floats") -> "Floats":
        """Return W = X^T A, [features, skills]."""
        weights = np.empty((len(self.postings), dual.shape[1]))
        for position, (rows, values) in enumerate(self.postings):
            weights[position] = values @ dual[rows]
        return weights


def fit_dual(
    gram: "Floats", labels: "NDArray[np.int64]", skills: int, l2: float, steps: int = _STEPS
) -> tuple["Floats", "Floats"]:
    """Return (A [rows, skills], b [skills]) that minimise the objective of the module's docstring.

    Every skill counts the same: rows are weighted by 1 / (number of rows with their skill), square-rooted.
    """
    count = len(labels)
    frequency = np.bincount(labels, minlength=skills)[labels]
    row_weights = np.sqrt(1 / frequency)
    row_weights *= count / row_weights.sum()
    target = np.eye(skills)[labels]
    step = 1 / (_largest_eigenvalue(gram) * row_weights.max() * 0.5 / count + l2 + 0.5)
    dual, bias = np.zeros((count, skills)), np.zeros(skills)
    ahead, bias_ahead, momentum = dual, bias, 1.0
    for _ in range(steps):
        error = (softmax(gram @ ahead + bias_ahead) - target) * row_weights[:, None] / count
        new, new_bias = ahead - step * (error + l2 * ahead), bias_ahead - step * error.sum(0)
        next_momentum = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        push = (momentum - 1) / next_momentum
        ahead, bias_ahead = new + push * (new - dual), new_bias + push * (new_bias - bias)
        dual, bias, momentum = new, new_bias, next_momentum
    return dual, bias


def best_temperature(scores: "Floats", labels: "NDArray[np.int64]") -> float:
    """Return the temperature (0.3 to 5, in steps of 2 %) with the lowest log loss on held-out scores."""
    grid = 0.3 * 1.02 ** np.arange(143)
    rows = np.arange(len(labels))
    losses = [-np.log(softmax(scores / t)[rows, labels] + 1e-12).mean() for t in grid]
    return round(float(grid[int(np.argmin(losses))]), 4)


def pack(
    design: Design, dual: "Floats", bias: "Floats", header: dict[str, Any], labels: Iterable[str]
) -> LinearModel:
    """Return the fitted model with weights rounded to 8 bits."""
    weights = design.primal(dual)
    scales = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    rounded = np.rint(weights / scales).astype(np.int8)
    filled = Header(
        labels=tuple(labels),
        bias=tuple(round(float(b), 6) for b in bias),
        scales=tuple(round(float(s), 9) for s in scales),
        rows=len(design.hashes),
        **header,
    )
    return LinearModel(filled, design.hashes, design.idf, rounded)


def softmax(scores: "Floats") -> "Floats":
    """Return softmax over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def _hash(name: str) -> int:
    return zlib.crc32(name.encode())


def _idf(count: int, rows: int) -> float:
    return math.log((1 + rows) / (1 + count)) + 1


def _largest_eigenvalue(gram: "Floats") -> float:
    vector = np.ones(len(gram)) / math.sqrt(len(gram))
    size = 1.0
    for _ in range(_POWER_STEPS):
        vector = gram @ vector
        size = float(np.linalg.norm(vector)) or 1.0
        vector /= size
    return size * 1.1
