"""How near two texts are by vectors of an encoder that is passed in; needs numpy.

Whole texts: the cosine of their vectors. Token by token: each token counts with the token of the other text
that it is most like (Zhang et al., BERTScore, arXiv 1904.09675, without inverse document frequencies and
without rescaling):

    P = mean over candidate tokens of max over reference tokens of cosine,   R the other way round
    F1 = 2 P R / (P + R)

    >>> float(cosine(np.array([1.0, 0.0]), np.array([1.0, 1.0])).round(4))
    0.7071
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.floating[Any]]

Embed = Callable[[Sequence[str]], Vectors]
"""Texts -> vectors [texts, size], such as `TextEncoder.encode`."""

EmbedTokens = Callable[[str], Vectors]
"""Text -> vectors of its tokens [tokens, size]."""


class Encoders(NamedTuple):
    """Encoders that are there.

    Attributes:
        texts: texts -> vectors.
        tokens: text -> vectors of its tokens.
    """

    texts: Embed | None = None
    tokens: EmbedTokens | None = None


NO_ENCODERS = Encoders()


def cosine(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    """Return the cosine along the last axis, -1 to 1; 0 where a vector is 0."""
    first, second = _unit(first), _unit(second)
    return np.asarray((first * second).sum(axis=-1), dtype=np.float64)


def greedy_f1(candidate: Vectors, reference: Vectors) -> float:
    """Return the F1 of matched tokens, at most 1; 0 where a text has none or P and R are not above 0.

    Args:
        candidate: vectors [tokens, size].
        reference: the same of the other text.
    """
    if not len(candidate) or not len(reference):
        return 0.0
    likeness = _unit(candidate) @ _unit(reference).T
    precision, recall = float(likeness.max(axis=1).mean()), float(likeness.max(axis=0).mean())
    return 2 * precision * recall / (precision + recall) if min(precision, recall) > 0 else 0.0


def _unit(vectors: Vectors) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    found: NDArray[np.float64] = np.divide(vectors, length, out=np.zeros(vectors.shape), where=length > 0)
    return found
