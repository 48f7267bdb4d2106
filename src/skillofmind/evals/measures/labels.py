"""Measures of guessed labels against right ones, each a function of sums over cases.

With K labels, g_k the cases whose right label is k, p_k those guessed as k, t_k those of both, n all cases:

    recall_k = t_k / g_k     precision_k = t_k / p_k     F1_k = 2 t_k / (g_k + p_k)
    macro-F1 = mean of F1_k over the labels with g_k + p_k > 0
    kappa    = (n t - sum of g_k p_k) / (n^2 - sum of g_k p_k),   t = sum of t_k

so 2 K columns are enough for macro-F1 and 2 K + 2 for kappa. An answer that names no label is wrong: it
counts in g_k and n and in no p_k.

*Chance* says what an answer is worth that does not look at the question. With l_k the cases for which k would
be right (or accepted, so that l_k may be more than g_k): always the best label gives max l_k / n; a label
drawn with the shares of the right ones gives sum of (g_k / n) (l_k / n). Which label and which shares that
are is found once, from all cases; resamples keep them.

    >>> found = encoded(["a", "a", "b"], ["a", "b", None])
    >>> kappa("kappa", found).value(kappa("kappa", found).rows.sum(axis=0)).round(4)
    np.float64(0.0)
"""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skillofmind.evals.measure import Measure, mean_of, quotient, ratio_of
from skillofmind.evals.statistics.resampling import Floats

Numbers = NDArray[np.int64]


class Labels(NamedTuple):
    """Right and guessed labels of cases as numbers.

    Attributes:
        names: of the labels, sorted.
        right: [cases], place in `names`; -1 for a case that does not count.
        guessed: [cases], place in `names`; -1 for an answer that names none.
    """

    names: tuple[str, ...]
    right: Numbers
    guessed: Numbers

    @property
    def n(self) -> int:
        """How many cases count."""
        return int((self.right >= 0).sum())


def encoded(
    right: Sequence[str | None], guessed: Sequence[str | None], known: Collection[str] = ()
) -> Labels:
    """Number the labels of both.

    Args:
        right: of each case; `None` for one that does not count.
        guessed: of each case; `None` for an answer that names no label.
        known: all labels there are, beside the right ones; a guess outside them names none. Measures of two
            arms can be compared only with the same labels. Without any, guesses decide too.
    """
    names = tuple(sorted({*_given(right), *(known or _given(guessed))}))
    place = {name: index for index, name in enumerate(names)}
    told = [one if of is not None else None for of, one in zip(right, guessed, strict=True)]
    numbers = [
        np.array([-1 if one is None else place.get(one, -1) for one in labels], dtype=np.int64)
        for labels in (right, told)
    ]
    return Labels(names, *numbers)


def _given(labels: Sequence[str | None]) -> set[str]:
    return {label for label in labels if label is not None}


def macro_f1(name: str, labels: Labels, about: str = "") -> Measure:
    """Return the mean F1 of the labels that are right or guessed anywhere."""
    rows = np.hstack([_both(labels), _shown(labels.right, labels) + _shown(labels.guessed, labels)])

    def value(sums: Floats) -> Floats:
        found = _f1(sums, len(labels.names))
        there = np.isfinite(found)
        return _over(np.where(there, found, 0).sum(axis=-1), there.sum(axis=-1))

    return Measure(name, rows, value, labels.n, about=about)


def kappa(name: str, labels: Labels, about: str = "") -> Measure:
    """Return Cohen's kappa of guessed and right labels; an answer without a label is a label of its own."""
    counts = (labels.right >= 0).astype(np.float64)
    agreed = (labels.right == labels.guessed) * counts
    rows = np.hstack(
        [_shown(labels.right, labels), _shown(labels.guessed, labels), agreed[:, None], counts[:, None]]
    )
    size = len(labels.names)

    def value(sums: Floats) -> Floats:
        total = sums[..., -1]
        chance = (sums[..., :size] * sums[..., size : 2 * size]).sum(axis=-1)
        return _over(sums[..., -2] * total - chance, total**2 - chance)

    return Measure(name, rows, value, labels.n, about=about)


def by_label(labels: Labels) -> dict[str, tuple[Measure, Measure, Measure]]:
    """Return label -> precision, recall and F1 of it; undefined where it is not guessed, right, or either."""
    right, guessed, both = _shown(labels.right, labels), _shown(labels.guessed, labels), _both(labels)
    found = {}
    for place, name in enumerate(labels.names):
        hit, of, told = both[:, place], right[:, place], guessed[:, place]
        found[name] = (
            ratio_of(f"precision of {name}", np.stack([hit, told], axis=1), int(told.sum())),
            ratio_of(f"recall of {name}", np.stack([hit, of], axis=1), int(of.sum())),
            ratio_of(f"F1 of {name}", np.stack([2 * hit, of + told], axis=1), int((of + told > 0).sum())),
        )
    return found


def chance(suffix: str, right: Sequence[str | None], accepted: Sequence[Collection[str]]) -> list[Measure]:
    """Return what always the best label, and a label drawn like the right ones, would score.

    Args:
        suffix: ends the names `majority` and `draw`.
        right: of each case; `None` for one that does not count.
        accepted: of each case, labels that score; those of a case that does not count do not matter.
    """
    every = [frozenset(of) if one is not None else None for one, of in zip(right, accepted, strict=True)]
    hits = Counter(name for of in every if of is not None for name in of)
    best = min(hits, key=lambda name: (-hits[name], name), default="")
    drawn = Counter(one for one in right if one is not None)
    always = [None if of is None else float(best in of) for of in every]
    like = [None if of is None else math.fsum(drawn[name] for name in of) / drawn.total() for of in every]
    beside = f"would score: chance, to compare `{suffix[1:] or 'accuracy'}` with."
    found = (
        mean_of(f"majority{suffix}", always, "", f"What always {best!r} {beside}"),
        mean_of(f"draw{suffix}", like, "", f"What a label drawn like the right ones {beside}"),
    )
    return [one._replace(compared=False) for one in found]


def _shown(numbers: Numbers, labels: Labels) -> Floats:
    """Return [cases, labels], 1 at the label of each case."""
    rows = np.zeros((len(numbers), len(labels.names)))
    there = np.flatnonzero(numbers >= 0)
    rows[there, numbers[there]] = 1
    return rows


def _both(labels: Labels) -> Floats:
    return _shown(np.where(labels.right == labels.guessed, labels.right, -1), labels)


def _f1(sums: Floats, size: int) -> Floats:
    return _over(2 * sums[..., :size], sums[..., size:])


def _over(above: Floats, below: Floats) -> Floats:
    return quotient(np.stack([above, below], axis=-1))
