r"""The planner on turns that people labelled, before and after it sees rows of the same corpus.

    python -m benchmarks.planner_transfer --data ../shared/data --vectors vectors \
        --out results/planner_transfer.json

Six corpora; `skillofmind.evals.tasks.labelled` says which of their rows count. A guess is made from what
stood before the labelled turn. Arms: the embedded and the encoder planner of the package (`embedded`,
`encoder`) untouched; and both trained on the starter dialogues with 100, 1,000 or all rows of the corpus's
train part.
`embedded_told` and `encoder_told` are untouched, too, but told which skills the corpus's labels stand for:
they name the likeliest of these, or the class with the largest sum. Beside them, from the added rows alone:
always the commonest label, a draw from the labels' frequencies, and TF-IDF (words and marks, 1-2) of the last
turn and of the last three with balanced logistic regression (C = 4).

Adapted planners are fitted as `som fit` does (`embedded.regression`, `encoded.fit`), with three savings: rows
have no shortened copies, the head's share is chosen on one held-out fold of five, not on all of them, and
numbers are in single precision.

It takes about ten minutes on one core when the vectors are there, and as long again to make them.

Strict: the guess is the label's primary skill. Lenient: primary or accepted. Category: same category of
skills. Macro-F1: over the skills that the test rows have. DailyDialog has classes of skills: accuracy and
macro-F1 over them. Intervals: 1,000 bootstrap resamples of dialogues.

The corpora are not part of the project, and no model that saw them is kept. Without them nothing is measured.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from benchmarks.measure import parser, report
from benchmarks.scores import Scores
from benchmarks.vectors import SIZE, Vectors
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.labels import LabelMap, load_label_map
from skillofmind.evals.tasks.labelled import SOURCES, Corpus, LabelledTurn, first_rows, load, mapped
from skillofmind.mind.embedded.cues import Lexicon, load_lexicon
from skillofmind.mind.embedded.fit import examples_in, features_of, fold_of
from skillofmind.mind.embedded.linear import feature_hash
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.embedded.regression import Design, fit_dual
from skillofmind.mind.encoded.fit import best_pool, inputs_of
from skillofmind.mind.encoded.planner import EncoderPlanner, read_head
from skillofmind.mind.encoded.zones import heard_in
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CORPORA = ("esconv", "casino", "persuasionforgood", "annomi", "empathetic_dialogues", "dailydialog")
SIZES = (100, 1000, None)
L2, L2_HEAD = 0.0005, 0.0003
SEED = 7
_TOKEN = r"\w+|[?!.]"
_STEPS = 100
_GUESSES = 5


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder of the corpora")
    options.add_argument("--vectors", type=Path, metavar="DIR", help="keep sentence vectors here")
    options.add_argument("--corpora", nargs="+", choices=CORPORA, default=list(CORPORA), metavar="NAME")
    chosen = options.parse_args()
    if not chosen.data.is_dir():
        sys.stdout.write(f"skipped: {chosen.data} is absent; the corpora are not part of the project.\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        vectors = Vectors(chosen.vectors or Path(folder))
        report(measure(chosen.data, chosen.corpora, vectors), chosen.out)


def measure(data: Path, names: Sequence[str], vectors: Vectors) -> dict[str, Any]:
    """Return all numbers."""
    table, taxonomy = load_label_map(), load_taxonomy()
    starter = [
        LabelledTurn(example.dialogue, example.skill, frozenset({example.skill}), example.group)
        for example in examples_in((d for d in starter_dialogues() if d.split == "train"), taxonomy)
    ]
    bench = _Bench(starter, table, taxonomy, load_lexicon(), vectors)
    return {
        "planner": bench.planners["embedded"].identity,
        "encoder": bench.planners["encoder"].identity,
        "label_map": table.identity(),
        "starter_rows": len(starter),
        "corpora": {name: bench.corpus(load(name, data, table)) for name in names},
    }


class _Packaged(Protocol):
    """A planner of the package."""

    identity: str

    def probabilities(self, dialogue: Dialogue) -> dict[str, float]: ...


class _Bench:
    """What all corpora share."""

    def __init__(
        self,
        starter: list[LabelledTurn],
        table: LabelMap,
        taxonomy: Taxonomy,
        lexicon: Lexicon,
        vectors: Vectors,
    ) -> None:
        self._starter, self._table, self._taxonomy = starter, table, taxonomy
        self._lexicon, self._vectors = lexicon, vectors
        self._encoder = KeptEncoder(vectors)
        self.planners: dict[str, _Packaged] = {
            "embedded": EmbeddedPlanner(),
            "encoder": EncoderPlanner(encoder=self._encoder),
        }
        self._features = [features_of(item.dialogue, lexicon) for item in starter]

    def corpus(self, corpus: Corpus) -> dict[str, Any]:
        """Return the scores of all arms on the test part of one corpus."""
        sys.stderr.write(f"{corpus.name}: {len(corpus.train)} and {len(corpus.test)} rows\n")
        self._encoder.remember([item.dialogue for item in (*self._starter, *corpus.train, *corpus.test)])
        score = self.scorer(corpus)
        arms = {
            "majority": score(majority(corpus.train, len(corpus.test))),
            "stratified": score(stratified(corpus.train, len(corpus.test))),
        }
        guesses: dict[str, list[str]] = {}
        for name in self.planners:
            guesses[name], told = self.zero_shot(name, corpus)
            arms |= {name: score(guesses[name]), f"{name}_told": score(told)}
        for size in dict.fromkeys(min(size or 10**9, len(corpus.train)) for size in SIZES):
            arms[f"tfidf+{size}"] = score(tfidf(first_rows(corpus.train, size), corpus.test))
        arms |= {name: score(guess) for name, guess in self._adapted(corpus).items()}
        parts = {"train": corpus.train, "test": corpus.test}
        return {
            **{
                name: {"rows": len(items), "dialogues": len({item.group for item in items})}
                for name, items in parts.items()
            },
            "compared": "classes" if corpus.classes else "skills",
            "labels": dict(Counter(item.gold for item in corpus.test).most_common()),
            "guesses": dict(Counter(guesses["embedded"]).most_common(_GUESSES)),
            "scores": arms,
        }

    def scorer(self, corpus: Corpus) -> Callable[[Sequence[str]], dict[str, Any]]:
        gold, groups = [item.gold for item in corpus.test], [item.group for item in corpus.test]

        def score(guess: Sequence[str]) -> dict[str, Any]:
            scores = Scores(sorted(set(gold)), gold, guess, groups)
            if corpus.classes:
                return {"class": scores.accuracy(), "macro_f1": scores.macro_f1()}
            lenient = [one in item.accept for one, item in zip(guess, corpus.test, strict=True)]
            category = [self._category(a) == self._category(b) for a, b in zip(guess, gold, strict=True)]
            return {
                "strict": scores.accuracy(),
                "lenient": scores.share(lenient),
                "category": scores.share(category),
                "macro_f1": scores.macro_f1(),
            }

        return score

    def _category(self, skill: str) -> str:
        return self._taxonomy.get(skill).category

    def zero_shot(self, name: str, corpus: Corpus) -> tuple[list[str], list[str]]:
        """Return a packaged planner's guesses, and those it makes when told what can occur."""
        found = [self.planners[name].probabilities(item.dialogue) for item in corpus.test]
        free = [self._named(max(one, key=one.__getitem__), corpus) for one in found]
        known = mapped(SOURCES[corpus.name], self._table)
        return free, [self._likeliest(one, corpus, known) for one in found]

    def _likeliest(self, found: Mapping[str, float], corpus: Corpus, known: frozenset[str]) -> str:
        sums: dict[str, float] = {}
        for skill, probability in found.items():
            if corpus.classes or skill in known:
                name = self._named(skill, corpus)
                sums[name] = sums.get(name, 0.0) + probability
        return max(sums, key=sums.__getitem__)

    def _named(self, skill: str, corpus: Corpus) -> str:
        return self._table.class_of(corpus.classes, skill) if corpus.classes else skill

    def _adapted(self, corpus: Corpus) -> dict[str, list[str]]:
        """Return the guesses of both planners by number of added rows."""
        mixed = first_rows(corpus.train, len(corpus.train))
        rows = [*self._starter, *mixed]
        gold = [self._named(item.gold, corpus) for item in self._starter] + [item.gold for item in mixed]
        names = sorted(set(gold))
        labels = np.array([names.index(name) for name in gold])
        folds = np.array([fold_of(item.group) for item in rows])
        design = Design([*self._features, *(features_of(item.dialogue, self._lexicon) for item in mixed)])
        asked = similarities(design, [features_of(item.dialogue, self._lexicon) for item in corpus.test])
        words = Similar(single(design.gram()), single(asked), labels, len(names), L2)
        heard, told = (self._heard(items) for items in (rows, corpus.test))
        head = words._replace(gram=heard @ heard.T, cross=told @ heard.T, l2=L2_HEAD)
        found: dict[str, Floats] = {}
        for size in dict.fromkeys(min(size or 10**9, len(mixed)) for size in SIZES):
            kept = len(self._starter) + size
            linear = found[f"embedded+{size}"] = words.scores(kept)
            share = best_share(words, head, folds[:kept])
            found[f"encoder+{size}"] = linear + share * head.scores(kept)
            sys.stderr.write(f"{corpus.name}: {size} rows, share of the head {share}\n")
        return {
            name: [names[index] for index in found[name].argmax(axis=1)]
            for name in sorted(found, key=lambda name: name.partition("+")[0])
        }

    def _heard(self, items: Sequence[LabelledTurn]) -> Any:
        """Return what the head of the encoder planner sees, in single precision."""
        return single(inputs_of([item.dialogue for item in items], self._encoder))


class Similar(NamedTuple):
    """Rows by how similar they are, ready to be fitted.

    Attributes:
        gram: [rows, rows].
        cross: [test rows, rows].
        labels: number of the label, [rows].
        names: how many labels there are.
        l2: weight of the penalty.
    """

    gram: "Floats"
    cross: "Floats"
    labels: "NDArray[np.int64]"
    names: int
    l2: float

    def scores(self, kept: int) -> "Floats":
        """Return scores [test rows, labels] of a model fitted on the first `kept` rows."""
        dual, bias = fit_dual(self.gram[:kept, :kept], self.labels[:kept], self.names, self.l2, _STEPS)
        return self.cross[:, :kept] @ dual + bias

    def held_out(self, rest: "NDArray[np.int64]", held: "NDArray[np.int64]") -> "Floats":
        """Return scores [held, labels] of a model fitted on `rest`."""
        inner = self.gram[np.ix_(rest, rest)]
        dual, bias = fit_dual(inner, self.labels[rest], self.names, self.l2, _STEPS)
        found: Floats = (self.gram[np.ix_(held, rest)] @ dual + bias).astype(np.float64)
        return found


def best_share(words: Similar, head: Similar, folds: "NDArray[np.int64]") -> float:
    """Return what the head's scores are multiplied by, chosen on the rows of one fold."""
    # Fold 0 is the test part of corpora without a published one.
    held, rest = np.flatnonzero(folds == 1), np.flatnonzero(folds != 1)
    pair = (words.held_out(rest, held), head.held_out(rest, held))
    return best_pool(*pair, words.labels[held])[0]


class KeptEncoder:
    """The kept vectors as the encoder that the packaged head names."""

    size = SIZE

    def __init__(self, vectors: Vectors) -> None:
        """Give out `vectors`."""
        self.identity = read_head(None).header.encoder
        self._vectors = vectors

    def remember(self, dialogues: Sequence[Dialogue]) -> None:
        """Encode all that a planner hears of these dialogues at once."""
        heard = (part.text for dialogue in dialogues for part in heard_in(dialogue))
        self._vectors(sorted({text for text in heard if text}))

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return vectors, [texts, size]."""
        return self._vectors(texts)


def single(values: "Floats") -> Any:
    """Return numbers in single precision."""
    return values.astype(np.float32)


def similarities(design: Design, rows: Sequence[dict[str, float]]) -> "Floats":
    """Return the products of new rows with the training rows, [rows, training rows]."""
    position = {int(code): index for index, code in enumerate(design.hashes)}
    found = np.zeros((len(rows), design.count))
    for row, features in enumerate(rows):
        for name, value in features.items():
            index = position.get(feature_hash(name))
            if index is not None:
                where, values = design.postings[index]
                found[row, where] += value * design.idf[index] * values
    return found


def majority(train: Sequence[LabelledTurn], count: int) -> list[str]:
    """Return the commonest label of `train`, `count` times."""
    return [Counter(item.gold for item in train).most_common(1)[0][0]] * count


def stratified(train: Sequence[LabelledTurn], count: int) -> list[str]:
    """Return `count` draws from the labels of `train`."""
    return random.Random(SEED).choices([item.gold for item in train], k=count)


def tfidf(train: Sequence[LabelledTurn], test: Sequence[LabelledTurn]) -> list[str]:
    """Return the guesses of the word-counting baseline; of one label where `train` has no other."""
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    gold = [item.gold for item in train]
    if len(set(gold)) == 1:
        return [gold[0]] * len(test)
    seen, told = [], []
    for count in (1, 3):
        words = TfidfVectorizer(
            ngram_range=(1, 2),
            token_pattern=_TOKEN,
            sublinear_tf=True,
            min_df=2 if len(train) > 50 else 1,
        )
        seen.append(words.fit_transform([last_turns(item.dialogue, count) for item in train]))
        told.append(words.transform([last_turns(item.dialogue, count) for item in test]))
    model = LogisticRegression(C=4, class_weight="balanced", max_iter=200).fit(sp.hstack(seen).tocsr(), gold)
    return [str(name) for name in model.predict(sp.hstack(told).tocsr())]


def last_turns(dialogue: Dialogue, count: int) -> str:
    """Return the last `count` turns with their speakers."""
    return "\n".join(f"{turn.speaker}: {turn.text}" for turn in dialogue.turns[-count:])


if __name__ == "__main__":
    main()
