"""Nearest neighbours by meaning, with any encoder of texts: paraphrases that share no run of words.

The encoder is a function from texts to vectors of one size, such as that of an embedding model; nothing is
imported here. Vectors are compared by their cosine. Cost is the product of both sizes.

    >>> encoder = lambda texts: [[text.count("a"), text.count("c")] for text in texts]
    >>> list(neighbours(["a b"], ["b a", "c"], encoder, 0.9))
    [Neighbour(first=0, second=0, cosine=1.0)]
"""

import math
from collections.abc import Callable, Iterator, Sequence

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record

Encoder = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts -> a vector for each."""


class Neighbour(Record, frozen=True):
    """A text of ours, by its place, the text of the others nearest to it, and their cosine."""

    first: int
    second: int
    cosine: float


def neighbours(
    ours: Sequence[str], others: Sequence[str], encoder: Encoder, threshold: float = 0.9
) -> Iterator[Neighbour]:
    """Yield each of our texts whose nearest other text has a cosine of at least `threshold`.

    Args:
        ours: audited texts.
        others: texts to look in; of equally near ones the first counts.
        encoder: called once for either; a vector of zeros is near nothing.
        threshold: -1 to 1.

    Raises:
        ConfigurationError: the encoder gave more or fewer vectors than texts.
    """
    theirs = _encoded(others, encoder)
    for place, vector in enumerate(_encoded(ours, encoder)):
        cosines = [_dot(vector, other) for other in theirs]
        best = max(range(len(cosines)), key=cosines.__getitem__, default=None)
        if best is not None and any(vector) and cosines[best] >= threshold:
            yield Neighbour(place, best, cosines[best])


def _encoded(texts: Sequence[str], encoder: Encoder) -> list[list[float]]:
    vectors = encoder(texts)
    if len(vectors) != len(texts):
        raise ConfigurationError(
            f"the encoder gave {len(vectors)!r} vectors for {len(texts)!r} texts; one each."
        )
    return [_unit(vector) for vector in vectors]


def _unit(vector: Sequence[float]) -> list[float]:
    length = math.sqrt(math.fsum(x * x for x in vector))
    return [x / length for x in vector] if length else [0.0 for _ in vector]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return min(1.0, math.fsum(x * y for x, y in zip(one, other, strict=True)))
