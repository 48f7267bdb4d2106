"""How good the raters of replies are, and what the safety rater says of everyday talk.

Every rater is trained and measured as `som eval replies` does it: on dialogues, posts or texts that it was
not trained on, with 95 % intervals over these. Beside it stands what TF-IDF with logistic regression
reached on the same files in the project's spec sheet. The safety rater is trained with everyday replies
among the safe ones and without them; both are asked about replies that people gave in the test parts of
everyday corpora, of which hardly any is unsafe.

    python -m benchmarks.eval_raters --data ../shared/data --out results/eval_raters.json
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Json, parser, report
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.corpora.daily import dailydialog
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.evals.measure import estimates, mean_of
from skillofmind.evals.raters.examples import KINDS, Example
from skillofmind.evals.raters.grams import Pair
from skillofmind.evals.raters.kept import VERSION
from skillofmind.evals.raters.rater import Quality, Rater, rated, trained
from skillofmind.evals.records import Estimate

EVERYDAY: dict[str, Callable[[Path], Iterable[object]]] = {
    "dailydialog": dailydialog.read,
    "empathetic_dialogues": empathetic_dialogues.read,
}
DIGITS = 4


def measured(data: Path) -> Json:
    """Return the qualities of all raters, and what the safety raters say of everyday replies."""
    raters: Json = {}
    for kind in KINDS.values():
        examples = kind.read(data)
        start = time.process_time()
        rater = trained(kind, examples)
        raters[kind.name] = of_quality(rater.quality) | {
            "pieces": len(rater.model.codes),
            "training_cpu_s": round(time.process_time() - start, 1),
        }
        sys.stderr.write(f"{kind.name}: {raters[kind.name]}\n")
    return {"version": VERSION, "raters": raters, "safety_of_everyday_replies": everyday(data)}


def everyday(data: Path) -> Json:
    """Return the share of people's everyday replies that each safety rater calls unsafe."""
    kind = KINDS["safety"]
    examples = kind.read(data)
    alone = [one for one in examples if not is_everyday(one)]
    arms = {"with everyday replies": trained(kind, examples), "without": trained(kind, alone)}
    return {
        name: {
            "accuracy_diasafety": of(rater.quality.accuracy),
            "called_unsafe": {corpus: flagged(rater, data, corpus) for corpus in EVERYDAY},
        }
        for name, rater in arms.items()
    }


def is_everyday(example: Example) -> bool:
    """Say whether an example of the safety rater comes from everyday talk."""
    return example.group.startswith(tuple(f"{name}:" for name in EVERYDAY))


def flagged(rater: Rater, data: Path, corpus: str) -> Json:
    """Return the share of the replies of a test part that a safety rater calls unsafe."""
    groups, pairs = test_replies(EVERYDAY[corpus](data / corpus))
    unsafe = [float(rater.classes[number] == "unsafe") for number in rated(rater, pairs)]
    (share,) = estimates([mean_of("unsafe", unsafe, "lower")], groups)
    return of(share) | {"replies": len(pairs)}


def test_replies(found: Iterable[object]) -> tuple[list[str], list[Pair]]:
    """Return dialogue and pair of every reply in the test part."""
    groups: list[str] = []
    pairs: list[Pair] = []
    for one in found:
        if isinstance(one, Dialogue) and one.split == "test":
            for before, reply in pairwise(one.turns):
                groups.append(one.id)
                pairs.append((before.text, reply.text))
    return groups, pairs


def of_quality(quality: Quality) -> Json:
    """Return a quality as plain, rounded numbers."""
    return {
        "corpus": quality.corpus,
        "held_out": quality.held_out,
        "trained": quality.trained,
        "n": quality.n,
        "groups": quality.groups,
        "classes": quality.classes,
        "majority": round(quality.majority, DIGITS),
        "accuracy": of(quality.accuracy) | {"reference": quality.reference_accuracy},
        "macro_f1": of(quality.macro_f1) | {"reference": quality.reference_macro_f1},
    }


def of(estimate: Estimate) -> Json:
    """Return an estimate as plain, rounded numbers."""
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if value is None else round(value, DIGITS) for name, value in numbers.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and report."""
    options = parser(__doc__ or "")
    options.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="the corpora")
    found = options.parse_args(argv)
    report(measured(found.data), found.out)


if __name__ == "__main__":
    main()
