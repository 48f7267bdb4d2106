"""Softmax regression over named features: what `som fit` computes; needs numpy (extra `fit`).

It minimises, over weights W (features x skills) and biases b,

    mean over rows of w_i [ -log softmax(W^T x_i + b)[y_i] ] + (l2 / 2) ||W||^2

By the representer theorem W = X^T A with one row of A per training row, so with the Gram matrix K = X X^T
the whole descent runs on n x n numbers, however many features there are. Nesterov steps, fixed count, no
randomness: the same rows give the same bytes on the same library versions.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skillofmind.mind.embedded.linear import ZERO, Header, LinearModel, feature_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_ROWS = 3
_STEPS = 150
_POWER_STEPS = 30
_DENSE = 12  # a feature of more than one row in twelve is cheaper as a dense column


class Design:
    """Training rows as postings: for each frequent feature, which rows have it and with what value."""

    def __init__(self, rows: Sequence[dict[str, float]], least: int = LEAST_ROWS) -> None:
        """Index `rows`; features of fewer than `least` rows are left out."""
        counts = Counter(feature_hash(name) for features in rows for name in features)
        kept = sorted(code for code, count in counts.items() if count >= least)
        self.hashes = np.array(kept, dtype=np.uint32)
        self.idf = np.array([_idf(counts[code], len(rows)) for code in kept])
        index = {code: position for position, code in enumerate(kept)}
        postings: list[dict[int, float]] = [{} for _ in kept]
        for row, features in enumerate(rows):
            for name, value in features.items():
                position = index.get(feature_hash(name))
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
        frequent = [entry for entry in self.postings if len(entry[0]) * _DENSE > self.count]
        block = np.zeros((self.count, len(frequent)))
        for column, (rows, values) in enumerate(frequent):
            block[rows, column] = values
        gram += block @ block.T
        for rows, values in self.postings:
            if len(rows) * _DENSE <= self.count:
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
    All numbers have the precision of `gram`.
    """
    count, kind = len(labels), gram.dtype
    frequency = np.bincount(labels, minlength=skills)[labels]
    row_weights = np.sqrt(1 / frequency)
    row_weights *= count / row_weights.sum()
    target = np.eye(skills, dtype=kind)[labels]
    step = 1 / (_largest_eigenvalue(gram) * float(row_weights.max()) * 0.5 / count + l2 + 0.5)
    row_weights = row_weights.astype(kind)
    dual, bias = np.zeros((count, skills), dtype=kind), np.zeros(skills, dtype=kind)
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
    """Return the fitted model with weights (rarity included) rounded to 8 bits."""
    weights = design.primal(dual) * design.idf[:, None]
    scales = np.maximum(np.abs(weights).max(axis=0, initial=0.0), 1e-9) / 127
    rounded = (np.rint(weights / scales) + ZERO).astype(np.uint8)
    filled = Header(
        labels=tuple(labels),
        bias=tuple(round(float(b), 6) for b in bias),
        scales=tuple(round(float(s), 9) for s in scales),
        rows=len(design.hashes),
        **header,
    )
    return LinearModel(filled, design.hashes.astype("<u4").tobytes(), rounded.tobytes())


def softmax(scores: "Floats") -> "Floats":
    """Return softmax over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def _idf(count: int, rows: int) -> float:
    return math.log((1 + rows) / (1 + count)) + 1


def _largest_eigenvalue(gram: "Floats") -> float:
    vector = np.ones(len(gram), dtype=gram.dtype) / math.sqrt(len(gram))
    size = 1.0
    for _ in range(_POWER_STEPS):
        vector = gram @ vector
        size = float(np.linalg.norm(vector)) or 1.0
        vector /= size
    return size * 1.1
