"""The members of the next-strategy stack, each from (train rows, test rows) to probabilities; its reference.

All settings are fixed here; they were found on the validation part of the published split.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.esconv_features import named_features, texts_of
from benchmarks.esconv_rows import CLASSES, Row, last_texts, own_strategies
from benchmarks.sequence_model import Talk, fit_predict
from benchmarks.vectors import Vectors
from skillofmind.core.dialogue import Dialogue
from skillofmind.mind.embedded.cues import Lexicon, load_lexicon
from skillofmind.mind.embedded.fit import features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TEXTS = {"seeker": 1.0, "supporter": 1.0, "last": 0.7, "told": 0.5, "situation": 0.3}
_FADE = 0.6
_DIRECTIONS = 40
_LEAST = 25
_SEEDS = (0, 1, 2)


class Inputs:
    """What members take from a row, each made once."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self._lexicon: Lexicon = load_lexicon()
        self._named: dict[tuple[str, int], dict[str, float]] = {}
        self._cues: dict[tuple[str, int], dict[str, float]] = {}

    def named(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """Return the named features of each row."""
        for row in rows:
            if _key(row) not in self._named:
                self._named[_key(row)] = named_features(row)
        return [self._named[_key(row)] for row in rows]

    def cues(self, rows: Sequence[Row]) -> list[dict[str, float]]:
        """Return the package's n-gram and cue features of each row."""
        for row in rows:
            if _key(row) not in self._cues:
                self._cues[_key(row)] = features_of(row.before, self._lexicon)
        return [self._cues[_key(row)] for row in rows]

    def dense(self, rows: Sequence[Row]) -> "Floats":
        """Return the vectors of the last turn, of either side's turns (fading), and of the situation."""
        return np.array([self._dense(row) for row in rows])

    def turns(self, dialogue: Dialogue) -> "NDArray[np.float32]":
        """Return the vectors of a dialogue's turns."""
        return self._vectors([turn.text for turn in dialogue.turns])

    def _dense(self, row: Row) -> "Floats":
        vectors = self.turns(row.before)
        fade = _FADE ** np.arange(len(vectors))[::-1]
        seeker = np.array([turn.speaker == "seeker" for turn in row.before.turns])
        sides = [(vectors * (fade * side)[:, None]).sum(axis=0) for side in (seeker, ~seeker)]
        situation = self._vectors([row.before.context.situation or ""])[0]
        return np.concatenate([vectors[-1], *sides, 0.5 * situation])


def _key(row: Row) -> tuple[str, int]:
    return row.dialogue, len(row.before.turns)


def reference(train: Sequence[Row], test: Sequence[Row], weights: str | None) -> "NDArray[np.int64]":
    """Return the guesses of TF-IDF of the last three turns, position and last strategy."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    seen = sp.hstack([words.fit_transform([last_texts(row, 3) for row in train]), _place(train)]).tocsr()
    told = sp.hstack([words.transform([last_texts(row, 3) for row in test]), _place(test)]).tocsr()
    model = LogisticRegression(C=1, class_weight=weights, max_iter=200).fit(seen, _targets(train))
    return np.asarray(model.predict(told))


def _place(rows: Sequence[Row]) -> "Floats":
    table = np.zeros((len(rows), len(CLASSES) + 2))
    for index, row in enumerate(rows):
        used = own_strategies(row)
        table[index, used[-1] if used else len(CLASSES)] = 1
        table[index, -1] = min(len(row.before.turns), 30) / 30
    return table


def _targets(rows: Sequence[Row]) -> "NDArray[np.int64]":
    return np.array([row.target for row in rows])


def _side(train: Sequence[Row], test: Sequence[Row], inputs: Inputs, least: int) -> tuple[Any, Any]:
    """Return the named features of both parts, sparse; only those of more than `least` train rows."""
    names = DictVectorizer()
    seen, told = names.fit_transform(inputs.named(train)), names.transform(inputs.named(test))
    kept = np.asarray((seen != 0).sum(axis=0)).ravel() > least
    return seen[:, kept], told[:, kept]


def trees(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Boost trees on the named features."""
    seen, told = (part.toarray() for part in _side(train, test, inputs, _LEAST))
    return _boosted(seen, told, _targets(train), 0.3)


def trees_vectors(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Boost trees on the named features and the main directions of the sentence vectors."""
    seen, told = (part.toarray() for part in _side(train, test, inputs, _LEAST))
    dense = inputs.dense(train)
    main = PCA(_DIRECTIONS, random_state=0).fit(dense)
    both = (
        np.hstack([main.transform(dense), seen]),
        np.hstack([main.transform(inputs.dense(test)), told]),
    )
    return _boosted(*both, _targets(train), 0.2)


def _boosted(seen: "Floats", told: "Floats", targets: "NDArray[np.int64]", share: float) -> "Floats":
    model = HistGradientBoostingClassifier(
        max_iter=160,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        l2_regularization=5,
        max_features=share,
        random_state=0,
    )
    return np.asarray(model.fit(seen, targets).predict_proba(told))


def words(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Regress on word counts of five texts and the named features."""
    seen_texts, told_texts = [texts_of(row) for row in train], [texts_of(row) for row in test]
    side = _side(train, test, inputs, 0)
    blocks: tuple[list[Any], list[Any]] = ([0.3 * side[0]], [0.3 * side[1]])
    for name, weight in _TEXTS.items():
        counts = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=3)
        blocks[0].append(weight * counts.fit_transform([texts[name] for texts in seen_texts]))
        blocks[1].append(weight * counts.transform([texts[name] for texts in told_texts]))
    return _regressed(sp.hstack(blocks[0]).tocsr(), sp.hstack(blocks[1]).tocsr(), train, 0.3)


def cues(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Regress on the package's n-grams and cues and the named features."""
    names = DictVectorizer()
    seen, told = names.fit_transform(inputs.cues(train)), names.transform(inputs.cues(test))
    rows = np.asarray((seen > 0).sum(axis=0)).ravel()
    kept = rows >= 4
    rarity = sp.diags(1 + np.log(len(train) / rows[kept]))
    side = _side(train, test, inputs, _LEAST)
    both = [
        sp.hstack([0.5 * part[:, kept] @ rarity, 0.5 * more]).tocsr()
        for part, more in zip((seen, told), side, strict=True)
    ]
    return _regressed(both[0], both[1], train, 0.3)


def vectors(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Regress on sentence vectors and the named features."""
    seen, told = (part.toarray() for part in _side(train, test, inputs, _LEAST))
    return _regressed(
        np.hstack([inputs.dense(train), 0.7 * seen]),
        np.hstack([inputs.dense(test), 0.7 * told]),
        train,
        0.1,
    )


def _regressed(seen: Any, told: Any, train: Sequence[Row], c: float) -> "Floats":
    model = LogisticRegression(C=c, max_iter=300, tol=1e-3).fit(seen, _targets(train))
    return np.asarray(model.predict_proba(told))


def sequence(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "Floats":
    """Run a recurrent network over the turns."""
    side = [part.toarray().astype(np.float32) for part in _side(train, test, inputs, _LEAST)]
    return fit_predict(_talks(train, side[0], inputs), _talks(test, side[1], inputs), len(CLASSES), 8, _SEEDS)


def _talks(rows: Sequence[Row], features: "NDArray[np.float32]", inputs: Inputs) -> list[Talk]:
    """Return the dialogues of `rows`, whose rows stand together, as numbers; cut before the last target."""
    starts = [n for n, row in enumerate(rows) if not n or row.dialogue != rows[n - 1].dialogue]
    found = []
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        chosen, longest = rows[start:end], rows[end - 1]
        found.append(
            Talk(
                4 * inputs.turns(longest.before),
                np.array(longest.strategies),
                np.array([len(row.before.turns) - 1 for row in chosen]),
                features[start:end],
                _targets(chosen),
            )
        )
    return found


MEMBERS: dict[str, Callable[[Sequence[Row], Sequence[Row], Inputs], Any]] = {
    "trees": trees,
    "trees_vectors": trees_vectors,
    "words": words,
    "cues": cues,
    "vectors": vectors,
    "sequence": sequence,
}
"""Name -> member."""
