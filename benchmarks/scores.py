"""Scores of guesses against labels, with intervals that resample whole dialogues.

Counts are summed by dialogue first; a resample is then a weighting of dialogues, so a thousand of them are a
few matrix products.

    score = Scores(("a", "b"), gold=["a", "b"], guess=["a", "a"], groups=["one", "two"])
    score.accuracy()   # {"value": 0.5, "interval95": [0.0, 1.0]}
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 1000
SEED = 7


class Scores:
    """Guesses beside labels."""

    def __init__(
        self, classes: Sequence[str], gold: Sequence[str], guess: Sequence[str], groups: Sequence[str]
    ) -> None:
        """Count by dialogue.

        Args:
            classes: what macro-F1 is the mean over; a guess outside of them is simply wrong.
            gold: one label a row.
            guess: one guess a row.
            groups: the dialogue of each row.
        """
        names = {name: index for index, name in enumerate(dict.fromkeys(groups))}
        self._of = np.array([names[group] for group in groups])
        self._weights = resamples(len(names))
        self._right = np.array([g == p for g, p in zip(gold, guess, strict=True)], dtype=np.float64)
        self._hits = self._table([g if g == p else None for g, p in zip(gold, guess, strict=True)], classes)
        self._seen = self._table(gold, classes) + self._table(guess, classes)

    def accuracy(self) -> dict[str, Any]:
        """Return the share of right guesses."""
        return self.share(self._right)

    def share(self, right: "Sequence[bool] | Floats") -> dict[str, Any]:
        """Return the share of rows that are `right`."""
        hits = np.bincount(self._of, np.asarray(right, dtype=np.float64), self._weights.shape[1])
        rows = np.bincount(self._of, minlength=self._weights.shape[1]).astype(np.float64)
        return _with_interval((self._weights @ hits) / (self._weights @ rows))

    def macro_f1(self) -> dict[str, Any]:
        """Return the mean F1 over the classes; one that nobody said or guessed counts 0."""
        hits, seen = self._weights @ self._hits, self._weights @ self._seen
        return _with_interval((2 * hits / np.maximum(seen, 1e-9)).mean(axis=1))

    def _table(self, names: Sequence[str | None], classes: Sequence[str]) -> "Floats":
        """Return how often each dialogue has each class, [dialogues, classes]."""
        column = {name: index for index, name in enumerate(classes)}
        table = np.zeros((self._weights.shape[1], len(classes)))
        for row, name in zip(self._of, names, strict=True):
            if name in column:
                table[row, column[name]] += 1
        return table


def resamples(groups: int) -> "Floats":
    """Return how often each group is drawn, [1 + RESAMPLES, groups]; the first row takes each once."""
    drawn = np.random.default_rng(SEED).multinomial(groups, [1 / groups] * groups, RESAMPLES)
    return np.vstack([np.ones(groups), drawn.astype(np.float64)])


def _with_interval(values: "Floats") -> dict[str, Any]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"value": round(float(values[0]), 4), "interval95": [round(float(low), 4), round(float(high), 4)]}
