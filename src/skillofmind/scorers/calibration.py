"""Does a probability mean what it says, and what is left when the unsure answers are left out?

Answers are sorted by confidence and cut into bins of equal size. With n answers,

    ECE = sum over bins b of  (n_b / n) |mean confidence of b - share of right answers in b|

(Naeini et al. 2015; bins of equal mass as in Nixon et al., arXiv 1904.01685). Risk at coverage c is the share
of wrong answers among the c n most confident ones (Geifman and El-Yaniv, arXiv 1705.08500).

>>> round(expected_calibration_error([0.9, 0.9, 0.1, 0.1], [True, True, False, False], bins=2), 3)
0.1
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

BINS = 15


class Bin(NamedTuple):
    """Answers of like confidence.

    Attributes:
        confidence: their mean confidence, 0 to 1.
        accuracy: share of right ones.
        size: how many they are.
    """

    confidence: float
    accuracy: float
    size: int


class Kept(NamedTuple):
    """What is answered from a confidence on.

    Attributes:
        threshold: the lowest confidence among the answers.
        coverage: share of all questions that are answered.
        accuracy: share of right answers among them; 1 - risk.
    """

    threshold: float
    coverage: float
    accuracy: float


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Return at most `bins` bins of equal size (but for one), from unsure to sure."""
    pairs = _by_confidence(confidence, right)
    edges = [len(pairs) * place // bins for place in range(bins + 1)]
    return [
        Bin(
            sum(sure for sure, _ in part) / len(part),
            sum(hit for _, hit in part) / len(part),
            len(part),
        )
        for part in (pairs[start:end] for start, end in pairwise(edges))
        if part
    ]


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = BINS) -> float:
    """Return the ECE, 0 to 1; 0 where there are no answers."""
    found = reliability(confidence, right, bins)
    count = sum(part.size for part in found)
    return sum(part.size * abs(part.confidence - part.accuracy) for part in found) / max(count, 1)


def risk_coverage(
    confidence: Sequence[float], right: Sequence[bool], coverages: Sequence[float]
) -> list[Kept]:
    """Return what is kept when the most confident `coverage` (more than 0, to 1) of the answers are given.

    At least one answer is given.
    """
    pairs = _by_confidence(confidence, right)[::-1]
    kept = []
    for coverage in coverages if pairs else ():
        given = pairs[: max(1, round(coverage * len(pairs)))]
        kept.append(Kept(given[-1][0], len(given) / len(pairs), sum(hit for _, hit in given) / len(given)))
    return kept


def _by_confidence(confidence: Sequence[float], right: Sequence[bool]) -> list[tuple[float, bool]]:
    # The sort is stable and looks at the confidence alone: with ties, right answers must not come first.
    return sorted(zip(confidence, right, strict=True), key=lambda pair: pair[0])
