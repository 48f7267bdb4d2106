"""Softmax regression on rarity-weighted pieces: how a rater is trained, and how it rates.

    x = blocks of (1 + ln count) * idf, each brought to unit length        idf = ln((1 + n) / (1 + df)) + 1
    minimise  (1 / 2) ||W||^2 + C * sum over texts of  w_y [ -ln softmax(W^T x + b)[y] ]

w_y = (n / (classes * n_y)) ^ balance evens out rare classes. L-BFGS from 0, no randomness: the same texts
give the same weights on the same library versions. Training needs scipy (extra `eval`); rating needs numpy.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skillofmind.core.errors import MissingExtra
from skillofmind.evals.raters.grams import Grams

Floats = NDArray[np.float64]

_STEPS = 200
_CHUNK = 1 << 16


class Linear(NamedTuple):
    """A fitted model.

    Attributes:
        codes: pieces that have weights, ascending, [pieces].
        idf: rarity of each, [pieces].
        weights: [pieces, classes].
        bias: [classes].
    """

    codes: NDArray[np.uint32]
    idf: Floats
    weights: NDArray[np.float32]
    bias: Floats


class _Entries(NamedTuple):
    """The pieces that a model knows: text, column and value of each."""

    texts: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats


def fit(
    found: Grams,
    labels: NDArray[np.int64],
    classes: int,
    *,
    strength: float,
    balance: float,
    least: int = 2,
) -> Linear:
    """Return the model of texts and their classes.

    Args:
        found: pieces of the texts.
        labels: class of each text, [texts].
        classes: how many there are.
        strength: C, more than 0: how much the texts count against the penalty.
        balance: 0 weighs texts alike, 1 weighs classes alike.
        least: pieces of fewer texts are left out.

    Raises:
        MissingExtra: scipy is not there.
    """
    try:
        from scipy.optimize import minimize
        from scipy.sparse import csr_matrix
    except ImportError as error:
        raise MissingExtra("training a rater needs scipy; pip install 'skillofmind[eval]'.") from error
    codes, idf = _vocabulary(found, least)
    entries = _entries(found, codes, idf)
    matrix = csr_matrix((entries.values, (entries.texts, entries.columns)), (found.texts, len(codes)))
    sizes = np.maximum(np.bincount(labels, minlength=classes), 1)
    weight = ((len(labels) / (classes * sizes)) ** balance)[labels] * strength
    target = np.eye(classes)[labels]

    def loss(flat: Floats) -> tuple[float, Floats]:
        whole = flat.reshape(len(codes) + 1, classes)
        weights, bias = whole[:-1], whole[-1]
        logs = log_softmax(matrix @ weights + bias)
        error = (np.exp(logs) - target) * weight[:, None]
        slope = np.vstack([matrix.T @ error + weights, error.sum(0)])
        value = 0.5 * float((weights**2).sum()) - float((weight * logs[np.arange(len(labels)), labels]).sum())
        return value, slope.ravel()

    start = np.zeros((len(codes) + 1) * classes)
    settings: dict[str, Any] = {"maxiter": _STEPS, "maxcor": 10, "ftol": 1e-7}
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options=settings).x.reshape(-1, classes)
    return Linear(codes, idf, best[:-1].astype(np.float32), np.asarray(best[-1]))


def scores(model: Linear, found: Grams) -> Floats:
    """Return the log-odds of every class up to a constant, [texts, classes]."""
    entries = _entries(found, model.codes, model.idf)
    total = np.tile(model.bias, (found.texts, 1))
    for start in range(0, len(entries.texts), _CHUNK):
        part = slice(start, start + _CHUNK)
        np.add.at(
            total, entries.texts[part], model.weights[entries.columns[part]] * entries.values[part, None]
        )
    return total


def log_softmax(scores: Floats) -> Floats:
    """Return log softmax over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def taken(found: Grams, texts: Sequence[int] | NDArray[np.int64]) -> Grams:
    """Return the pieces of some of the texts, numbered anew in the order given, which must ascend."""
    wanted = np.asarray(texts, dtype=np.int64)
    place = np.full(found.texts, -1, dtype=np.int64)
    place[wanted] = np.arange(len(wanted))
    of = place[found.blocks // found.per_text]
    kept = of >= 0
    blocks = of[kept] * found.per_text + found.blocks[kept] % found.per_text
    return Grams(found.codes[kept], found.values[kept], blocks, len(wanted), found.per_text)


def _vocabulary(found: Grams, least: int) -> tuple[NDArray[np.uint32], Floats]:
    """Return the pieces of at least so many texts, and their rarity."""
    codes, texts = np.unique(found.codes, return_counts=True)
    kept = texts >= least
    return codes[kept], np.log((1 + found.texts) / (1 + texts[kept])) + 1


def _entries(found: Grams, codes: NDArray[np.uint32], idf: Floats) -> _Entries:
    columns = np.minimum(np.searchsorted(codes, found.codes), max(len(codes) - 1, 0))
    known = codes[columns] == found.codes if len(codes) else np.zeros(len(columns), bool)
    columns, blocks = columns[known], found.blocks[known]
    values = found.values[known] * idf[columns]
    lengths = np.sqrt(np.bincount(blocks, values**2, minlength=found.texts * found.per_text))
    return _Entries(blocks // found.per_text, columns, values / lengths[blocks])
