"""What a source that the embedded planner has seen nothing of costs it.

    python -m benchmarks.left_out --data ../shared/data --out results/left_out.json

Twice: over the scenarios of the package's dialogues, and over the labelled corpora with skills. Each source
is left out once. A planner fitted on all others (`unseen`) and one fitted the same way on all (`seen`) are
asked its test items, so that the difference is what the missing rows cost. It is paired, its interval and its
p-value are over whole dialogues, and Holm's correction is over the sources, for each measure on its own. The
fit is the fast one of `evals.tasks.left_out`: no number here is that of the planner that the package ships.
The planners of the corpora learn nothing from the package's dialogues.

`known` is the share of items whose first right skill has a row in another source: the most that a planner
without the source can be expected to get right. The corpora are not part of the project; without them nothing
is measured. Some four minutes on one core.
"""

import os
import sys

# Set before numpy is loaded, which reads them once.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Json, parser, report, spent
from skillofmind.core.seams import Planner
from skillofmind.evals.measure import (
    PERMUTATIONS,
    RESAMPLES,
    SEED,
    Measure,
    corrected,
    differences,
    estimates,
)
from skillofmind.evals.measures.skill import score_skill, skill_measures
from skillofmind.evals.records import Answer, Case, Difference, Estimate, Item
from skillofmind.evals.tasks.left_out import (
    L2,
    STEPS,
    Fit,
    Part,
    fit_embedded,
    labelled_parts,
    leave_one_source_out,
    starter_parts,
)
from skillofmind.mind.embedded.planner import EmbeddedPlanner

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

CORPORA = (
    *("esconv", "casino", "persuasionforgood", "annomi", "empathetic_dialogues", "cima"),
    *("socialdial", "diasafety"),
)
"""Labelled by skill, no two with the same dialogues; the last two have weak labels."""

ROWS = 300
"""Rows of each corpus to learn from; there may be fewer."""

MEASURES = {
    "scenarios": ("accuracy", "macro_f1", "top3"),
    "corpora": ("strict", "lenient", "accuracy", "macro_f1", "top3"),
}

ALL = "all"
"""Name of all sources' items together."""


class Asked(NamedTuple):
    """Cases of one source: the same items, asked of both planners."""

    source: str
    rows: int
    known: float
    seen: list[Case]
    unseen: list[Case]


class Compared(NamedTuple):
    """The numbers of one source by measure."""

    seen: dict[str, Estimate]
    unseen: dict[str, Estimate]
    differences: dict[str, Difference]
    majority: Estimate


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder of the corpora")
    chosen = options.parse_args()
    if not chosen.data.is_dir():
        sys.stdout.write(f"skipped: {chosen.data} is absent; the corpora are not part of the project.\n")
        return
    found: Json = {}
    took = spent(lambda: found.update(measure(chosen.data)))
    report({"benchmark": "left_out", **found, "cpu_s": round(took.cpu, 1)}, chosen.out)


def measure(data: Path) -> Json:
    """Return all numbers."""
    fit = fit_embedded()
    return {
        "fit": {"l2": L2, "steps": STEPS},
        "drawn": {"resamples": RESAMPLES, "permutations": PERMUTATIONS, "seed": SEED},
        "scenarios": compared(starter_parts(), fit, MEASURES["scenarios"]),
        "corpora": compared(labelled_parts(CORPORA, data, ROWS), fit, MEASURES["corpora"]),
    }


def compared(parts: Mapping[str, Part], fit: Fit, measures: Sequence[str]) -> Json:
    """Return the numbers of every source, and of all items together."""
    every = list(asked(parts, fit))
    found = {one.source: numbers(one, measures) for one in every}
    adjusted = {name: corrected([one.differences[name] for one in found.values()]) for name in measures}
    rows = {
        one.source: row(one, found[one.source], {name: adjusted[name][place] for name in measures})
        for place, one in enumerate(every)
    }
    together = joined(every)
    whole = numbers(together, measures)
    return {"sources": rows, ALL: row(together, whole, whole.differences)}


def asked(parts: Mapping[str, Part], fit: Fit) -> Iterator[Asked]:
    """Yield every source with the answers of a planner that has seen it and of one that has not."""
    everything = fit([row for part in parts.values() for row in part.rows])
    for left in leave_one_source_out(parts, fit):
        sys.stderr.write(f"{left.source}: {len(left.items)} items\n")
        yield Asked(
            left.source,
            len(parts[left.source].rows),
            known(left.source, parts),
            cases(everything, left.items),
            cases(left.planner, left.items),
        )


def known(source: str, parts: Mapping[str, Part]) -> float:
    """Return the share of a source's items whose first right skill has a row in another source."""
    elsewhere = {row.skill for name, part in parts.items() if name != source for row in part.rows}
    items = parts[source].items
    return sum(item.gold.skills[0] in elsewhere for item in items) / max(len(items), 1)


def cases(planner: Planner, items: Sequence[Item]) -> list[Case]:
    """Return the scored answers of a planner.

    Raises:
        TypeError: it is no embedded one, which alone plans without waiting.
    """
    if not isinstance(planner, EmbeddedPlanner):
        raise TypeError(f"{type(planner).__name__!r} does not plan at once; fit an EmbeddedPlanner.")
    answers = [Answer(plan=planner.plan_now(item.dialogue)) for item in items]
    return [
        Case(item, answer, score_skill(item, answer)) for item, answer in zip(items, answers, strict=True)
    ]


def joined(every: Sequence[Asked]) -> Asked:
    """Return all sources' cases as those of one; each item weighs the same."""
    count = sum(len(one.seen) for one in every)
    return Asked(
        ALL,
        sum(one.rows for one in every),
        sum(one.known * len(one.seen) for one in every) / max(count, 1),
        [case for one in every for case in one.seen],
        [case for one in every for case in one.unseen],
    )


def numbers(one: Asked, measures: Sequence[str]) -> Compared:
    """Return the measures of both planners and unseen minus seen, not corrected."""
    groups = [case.item.group for case in one.seen]
    seen, unseen = by_name(one.seen), by_name(one.unseen)
    pairs = [(seen[name], unseen[name]) for name in measures]
    before = estimates([*(first for first, _ in pairs), seen["majority"]], groups)
    return Compared(
        {found.measure: found for found in before[:-1]},
        {found.measure: found for found in estimates([second for _, second in pairs], groups)},
        {found.measure: found for found in differences(one.source, ("seen", "unseen"), pairs, groups)},
        before[-1],
    )


def by_name(found: Sequence[Case]) -> dict[str, Measure]:
    """Return the measures of cases."""
    return {one.name: one for one in skill_measures(found)}


def row(one: Asked, found: Compared, tested: Mapping[str, Difference]) -> Json:
    """Return the numbers of one source with four digits."""
    return {
        "rows": one.rows,
        "items": len(one.seen),
        "dialogues": len({case.item.group for case in one.seen}),
        "known": round(one.known, 4),
        "majority": rounded(found.majority.value),
        "measures": {
            name: {
                "seen": estimate(found.seen[name]),
                "unseen": estimate(found.unseen[name]),
                "difference": {**estimate(each), "p": rounded(each.p, 5), "holm": rounded(each.adjusted, 5)},
            }
            for name, each in tested.items()
        },
    }


def estimate(one: Estimate | Difference) -> Json:
    """Return a value with its interval, and the cases that count."""
    low, high = rounded(one.low), rounded(one.high)
    return {
        "value": rounded(one.value),
        "interval95": None if low is None or high is None else [low, high],
        "n": one.n,
    }


def rounded(value: float | None, digits: int = 4) -> float | None:
    """Return a value with so many digits; `None` stays."""
    return None if value is None else round(value, digits)


if __name__ == "__main__":
    main()
