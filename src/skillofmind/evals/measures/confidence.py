"""Does a confidence mean what it says: measures of probabilities against right and wrong, as sums over cases.

    Brier    = mean of (p - r)^2            p the probability that the planner gave its choice,
    log loss = mean of -log |1 - r - p|     r 1 where the choice is right and 0 where not
    ECE      = sum over bins of |sum of p - sum of r| / n

The bins are those of `scorers.calibration`: of equal size, by confidence, cut once for all cases; a resample
keeps them. Equal confidences are told apart by `ties`, so the order of cases changes nothing. An ECE counts
noise as distance, and a resample has more noise: the interval lies a little too high where cases are few.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from skillofmind.evals.measure import Measure, mean_of, quotient
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.scorers.calibration import BINS

_LEAST = float(np.finfo(np.float64).eps)
"""Probabilities nearer to 0 or 1 count as this far from it, as in scikit-learn."""


def confidence_measures(
    confidence: Sequence[float | None], right: Sequence[float | None], ties: Sequence[str]
) -> list[Measure]:
    """Return mean confidence, ECE, Brier score and log loss.

    Args:
        confidence: of each case, 0 to 1; `None` where the planner gave none.
        right: of each case, 1 or 0; `None` where that is not known.
        ties: of each case, a name that orders cases of equal confidence.
    """
    known = [
        (sure, hit) if sure is not None and hit is not None else None
        for sure, hit in zip(confidence, right, strict=True)
    ]
    brier = [None if pair is None else (pair[0] - pair[1]) ** 2 for pair in known]
    return [
        mean_of("confidence", confidence, "", "Mean probability that the planner gives its choice."),
        _ece(known, ties),
        mean_of("brier", brier, "lower", "Mean squared distance of the confidence from 1 or 0."),
        mean_of("log_loss", [_log_loss(pair) for pair in known], "lower", "Mean surprise by right or wrong."),
    ]


def _log_loss(pair: tuple[float, float] | None) -> float | None:
    if pair is None:
        return None
    sure = min(max(pair[0], _LEAST), 1 - _LEAST)
    return float(-(pair[1] * np.log(sure) + (1 - pair[1]) * np.log1p(-sure)))


def _ece(known: Sequence[tuple[float, float] | None], ties: Sequence[str]) -> Measure:
    pairs = {place: pair for place, pair in enumerate(known) if pair is not None}
    order = sorted(pairs, key=lambda place: (pairs[place][0], ties[place]))
    edges = [len(order) * place // BINS for place in range(BINS + 1)]
    rows = np.zeros((len(known), BINS + 1))
    for number, (start, end) in enumerate(pairwise(edges)):
        for place in order[start:end]:
            sure, hit = pairs[place]
            rows[place, [number, -1]] = sure - hit, 1
    about = f"Mean distance of confidence and accuracy over {BINS} bins of equal size."
    return Measure("ece", rows, _binned, len(order), "lower", about)


def _binned(sums: Floats) -> Floats:
    return quotient(np.stack([np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1]], axis=-1))
