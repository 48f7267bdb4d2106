r"""Which support strategy comes next in ESConv: a stack of small models against references.

    python -m benchmarks.esconv_strategy --data ../shared/data --vectors vectors \
        --out results/esconv_strategy.json

Rows: supporter's turns with something before them, eight strategies, the published split by dialogue. The
reference is TF-IDF (words 1-2) of the last three turns with the turn's position and the last strategy, and
logistic regression (C = 1), unweighted and class-weighted.

The stack is the geometric mean of the members' probabilities: boosted trees on the row's features (history of
strategies, place, looks, kinds of problem), trees on these and the main directions of sentence vectors,
logistic regression on word counts of five texts, on the package's n-grams and cues, and on sentence vectors
of the last, earlier and opening texts, and a recurrent network over the turns. What is named is then

    argmax over c of  a_c p_c - b_c

where a and b are the slopes and offsets of  accuracy + lambda * macro-F1  around its own optimum, expected
under the probabilities themselves. Lambda alone is chosen by labels, on the validation part: the one whose
smaller lead over 0.34 accuracy and 0.26 macro-F1 is largest. The members are then fitted on train and
validation together, and the test part is scored once, with 1,000 bootstrap resamples of dialogues.

The corpus is not part of the project, and no model of it is kept. Without it nothing is measured.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.esconv_members import MEMBERS, Inputs, reference
from benchmarks.esconv_rows import CLASSES, Row, load
from benchmarks.measure import parser, report
from benchmarks.scores import Scores
from benchmarks.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
AIM = {"accuracy": 0.34, "macro_f1": 0.26}
LAMBDAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
_ROUNDS = 80


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder of the corpora")
    options.add_argument("--vectors", type=Path, metavar="DIR", help="keep sentence vectors here")
    options.add_argument("--validation-only", action="store_true", help="leave the test part alone")
    chosen = options.parse_args()
    if not (chosen.data / "esconv").is_dir():
        sys.stdout.write(f"skipped: {chosen.data}/esconv is absent; it is not part of the project.\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(Vectors(chosen.vectors or Path(folder)))
        rows = load(chosen.data / "esconv")
        report(measure(rows, inputs, chosen.validation_only), chosen.out)


def measure(rows: dict[str, list[Row]], inputs: Inputs, validation_only: bool) -> dict[str, Any]:
    """Return all numbers."""
    train, validation, test = (rows[part] for part in ("train", "validation", "test"))
    tuned = _members(train, validation, inputs)
    lambdas = {str(weight): _plain(decided(stacked(tuned), weight), validation) for weight in LAMBDAS}
    chosen = max(LAMBDAS, key=lambda weight: _lead(lambdas[str(weight)]))
    found = {
        "rows": {name: {"rows": len(part), "dialogues": _dialogues(part)} for name, part in rows.items()},
        "classes": dict(Counter(CLASSES[row.target] for row in test).most_common()),
        "aim": AIM,
        "validation": {
            "members": {name: _plain(p.argmax(1), validation) for name, p in tuned.items()},
            "lambdas": lambdas,
            "lambda": chosen,
        },
    }
    if validation_only:
        return found
    final = _members([*train, *validation], test, inputs)
    rule = balance(stacked(tuned), chosen)
    guesses = {
        "stack": applied(stacked(final), rule),
        "stack_most_probable": stacked(final).argmax(1),
        **{f"member_{name}": p.argmax(1) for name, p in final.items()},
        **_references(train, [*train, *validation], test),
    }
    return found | {"test": {name: _scores(guess, test) for name, guess in guesses.items()}}


def _references(
    train: Sequence[Row], more: Sequence[Row], test: Sequence[Row]
) -> "dict[str, NDArray[np.int64]]":
    common = Counter(row.target for row in more).most_common(1)[0][0]
    return {
        "majority": np.full(len(test), common),
        "reference": reference(train, test, None),
        "reference_weighted": reference(train, test, "balanced"),
        "reference_more_rows": reference(more, test, None),
        "reference_weighted_more_rows": reference(more, test, "balanced"),
    }


def _members(train: Sequence[Row], test: Sequence[Row], inputs: Inputs) -> "dict[str, Floats]":
    found = {}
    for name, member in MEMBERS.items():
        sys.stderr.write(f"{name} on {len(train)} rows\n")
        found[name] = member(train, test, inputs)
    return found


def stacked(members: "dict[str, Floats]") -> "Floats":
    """Return the geometric mean of the members' probabilities, [rows, classes]."""
    logs: Floats = np.mean([np.log(p + 1e-9) for p in members.values()], axis=0)
    powers = np.exp(logs)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def balance(p: "Floats", weight: float) -> tuple["Floats", "Floats"]:
    """Return slopes and offsets [classes] of the rule that is best for accuracy + `weight` * macro-F1.

    Both measures are expected under `p` [rows, classes] itself. With D_c = (expected rows of c) + (rows named
    c) and F_c = 2 (expected hits of c) / D_c, naming c in one more row with probability p_c adds
    p_c / rows + weight (2 p_c - F_c) / (classes D_c); the slopes and offsets are found by going round.
    """
    rows, classes = p.shape
    slope, offset = np.full(classes, 1 / rows), np.zeros(classes)
    for _ in range(_ROUNDS):
        named = (p * slope - offset).argmax(axis=1)
        hits = np.bincount(named, p[np.arange(rows), named], classes)
        both = p.sum(axis=0) + np.bincount(named, minlength=classes)
        slope = 0.7 * slope + 0.3 * (1 / rows + 2 * weight / (classes * both))
        offset = 0.7 * offset + 0.3 * weight * (2 * hits / both) / (classes * both)
    return slope, offset


def applied(p: "Floats", rule: tuple["Floats", "Floats"]) -> "NDArray[np.int64]":
    """Return the class that the rule names in each row."""
    return np.asarray((p * rule[0] - rule[1]).argmax(axis=1))


def decided(p: "Floats", weight: float) -> "NDArray[np.int64]":
    """Return what the rule that was made from `p` names in the rows of `p`."""
    return applied(p, balance(p, weight))


def _lead(scores: dict[str, float]) -> float:
    return min(scores[name] - aim for name, aim in AIM.items())


def _plain(guess: "NDArray[np.int64]", rows: Sequence[Row]) -> dict[str, float]:
    return {name: score["value"] for name, score in _scores(guess, rows).items()}


def _scores(guess: "NDArray[np.int64]", rows: Sequence[Row]) -> dict[str, Any]:
    names = [CLASSES[index] for index in guess]
    groups = [row.dialogue for row in rows]
    scores = Scores(CLASSES, [CLASSES[row.target] for row in rows], names, groups)
    return {"accuracy": scores.accuracy(), "macro_f1": scores.macro_f1()}


def _dialogues(rows: Sequence[Row]) -> int:
    return len({row.dialogue for row in rows})


if __name__ == "__main__":
    main()
