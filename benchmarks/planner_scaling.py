"""How the error of the embedded planner falls with the number of dialogues that it is fitted on.

    python -m benchmarks.planner_scaling --out results/planner_scaling.json

The planner is fitted on 1/16, 1/8, 1/4, 1/2 and all of the starter dialogues for training, several random
parts of each size, as `som fit` does it (without measuring out of fold, which changes no weight), and asked
the starter dialogues for testing. Then: error and macro-F1 by size, paired tests between neighbouring sizes,
and the curve err = a + b n^-c with its predictions for two and four times as many dialogues.
"""

import os
import random
import sys

# Set before numpy is loaded, which reads them once.
os.environ |= {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from benchmarks.measure import Json, parser, report, spent
from benchmarks.planner_audits import row
from skillofmind.evals.audits.effects import corrected, difference, measured
from skillofmind.evals.audits.scaling import scaling_effects
from skillofmind.evals.measures.labels import encoded, macro_f1
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.mind.embedded.cues import load_lexicon
from skillofmind.mind.embedded.features import Features
from skillofmind.mind.embedded.fit import Example, examples_in, features_of, training_rows
from skillofmind.mind.embedded.regression import Design, fit_dual, pack
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy

PARTS = {16: 4, 8: 4, 4: 3, 2: 2, 1: 1}
"""Part of the dialogues -> how many draws of it."""

L2 = 0.0005
SEED = 7


class Material:
    """Training rows and test cases with their features, made once."""

    def __init__(self) -> None:
        """Read the starter dialogues."""
        self.taxonomy = load_taxonomy()
        self.lexicon = load_lexicon()
        dialogues = starter_dialogues()
        train = examples_in((one for one in dialogues if one.split == "train"), self.taxonomy)
        self.rows = training_rows(train)
        self.features = [features_of(one.dialogue, self.lexicon) for one in self.rows]
        self.groups = sorted({one.group for one in train})
        self.test: list[Example] = examples_in(
            (one for one in dialogues if one.split == "test"), self.taxonomy
        )
        self.asked: list[Features] = [features_of(one.dialogue, self.lexicon) for one in self.test]

    def guesses(self, groups: Sequence[str]) -> list[str]:
        """Return the skills that a planner fitted on these dialogues chooses in the test cases."""
        names, chosen = self.taxonomy.names(), set(groups)
        kept = [place for place, one in enumerate(self.rows) if one.group in chosen]
        design = Design([self.features[place] for place in kept])
        labels = np.array([names.index(self.rows[place].skill) for place in kept])
        dual, bias = fit_dual(design.gram(), labels, len(names), L2)
        header = {"temperature": 1.0, "lexicon": self.lexicon, "trained_on": {}}
        model = pack(design, dual, bias, header, names)
        scores = [model.scores(model.contributions([features])) for features in self.asked]
        return [names[int(np.argmax(one))] for one in scores]


def main() -> None:
    """Fit, ask, and print one JSON object."""
    options = parser(__doc__).parse_args()
    found: Json = {}
    took = spent(lambda: found.update(measure()))
    report({"benchmark": "planner_scaling", **found, "cpu_s": round(took.cpu, 1)}, options.out)


def measure() -> Json:
    """Return all numbers."""
    material = Material()
    random_ = random.Random(SEED)
    guesses: dict[int, list[list[str]]] = {}
    for part, draws in PARTS.items():
        size = len(material.groups) // part
        for draw in range(draws):
            sys.stderr.write(f"{size} dialogues, draw {draw + 1} of {draws}\n")
            guesses.setdefault(size, []).append(material.guesses(random_.sample(material.groups, size)))
    gold, groups = [one.skill for one in material.test], [one.group for one in material.test]
    wrong: dict[int, Floats] = {
        size: np.array([[float(a != b) for a, b in zip(gold, one, strict=True)] for one in several])
        for size, several in guesses.items()
    }
    largest = max(wrong)
    effects = scaling_effects(wrong, groups, ahead=[2 * largest, 4 * largest])
    return {
        "train_groups": len(material.groups),
        "test": {"turns": len(gold), "groups": len(set(groups))},
        "draws": {str(size): len(several) for size, several in guesses.items()},
        "effects": [row(one) for one in effects],
        "macro_f1": by_size(guesses, gold, groups),
    }


def by_size(
    guesses: Mapping[int, Sequence[Sequence[str]]], gold: Sequence[str], groups: Sequence[str]
) -> Json:
    """Return macro-F1 of every draw, and the paired tests of the first draws of neighbouring sizes."""
    names = load_taxonomy().names()
    scored = {
        size: [macro_f1("macro_f1", encoded(gold, one, names), "") for one in several]
        for size, several in guesses.items()
    }
    sizes = sorted(scored)
    steps = [
        difference(
            f"{less} to {more} dialogues", "macro_f1 changed", scored[less][0], scored[more][0], groups
        )
        for less, more in pairwise(sizes)
    ]
    return {
        "draws": {
            str(size): [row(measured(f"{size} dialogues", [one], groups)[0]) for one in scored[size]]
            for size in sizes
        },
        "steps": [row(one) for one in corrected(steps)],
    }


if __name__ == "__main__":
    main()
