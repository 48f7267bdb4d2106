"""The audits of the embedded planner: bias, robustness, languages, and where it is wrong.

    python -m benchmarks.planner_audits ../shared/data --out results/planner_audits.json

Items: the test part of the package's dialogues and of the labelled corpora in the folder, so many of each;
for the languages, turns of XDailyDialog in four languages. The result holds numbers only.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

# Set before numpy is loaded, which reads them once.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from benchmarks.measure import Json, parser, report
from skillofmind.evals.audits.arms import SEED
from skillofmind.evals.audits.effects import Effect
from skillofmind.evals.audits.failures import confusions
from skillofmind.evals.audits.languages import TASKS as LANGUAGES
from skillofmind.evals.audits.languages import in_languages
from skillofmind.evals.audits.table import AUDITS, Setting, reading
from skillofmind.evals.choosing import chosen, items_of
from skillofmind.evals.records import Answer, Case, Item
from skillofmind.evals.tasks import task
from skillofmind.mind.embedded.planner import EmbeddedPlanner
from skillofmind.mind.taxonomy import load_taxonomy

CORPORA = (
    *("esconv", "casino", "persuasionforgood", "annomi", "empathetic_dialogues", "cima"),
    *("dailydialog", "socialdial"),
)
OWN, EACH, TURNS = 300, 40, 500
"""Items of the package, of each corpus, and turns in four languages."""

_ROWS = 30


def main() -> None:
    """Run the audits."""
    options = options_of()
    planner = EmbeddedPlanner()
    setting = Setting(load_taxonomy())
    plain = [
        *items_of([task("starter")], None, options.own, SEED),
        *items_of([task(name) for name in CORPORA], options.data, options.each, SEED),
    ]
    result: Json = {
        "benchmark": "planner_audits",
        "planner": planner.identity,
        "seed": SEED,
        "items": {
            name: {"items": count, "dialogues": len({one.group for one in plain if one.task == name})}
            for name, count in Counter(one.task for one in plain).items()
        },
        "audits": {},
    }
    asked = cases(planner, plain, "plain")
    for name in ("bias", "robustness"):
        arms = AUDITS[name].arms(plain, setting)
        told = reading(
            AUDITS[name], plain, [*asked, *cases(planner, arms.items, name)], arms.left_out, setting
        )
        result["audits"][name] = {
            "items": told.items,
            "dialogues": told.groups,
            "asked": len(arms.items),
            "left_out": {arm: count for arm, count in told.left_out.items() if count},
            "effects": [row(one) for one in told.effects],
        }
    result["audits"]["languages"] = languages(planner, options, setting)
    result["audits"]["failures"] = wrong(asked, setting)
    report(result, options.out)


def cases(planner: EmbeddedPlanner, items: Iterable[Item], what: str) -> list[Case]:
    """Return the scored cases of items."""
    found = []
    for number, item in enumerate(items, 1):
        answer = Answer(plan=planner.plan_now(item.dialogue))
        found.append(Case(item, answer, task(item.task).score(item, answer)))
        if number % 5000 == 0:
            sys.stderr.write(f"{what}: {number} items\n")
    return found


def languages(planner: EmbeddedPlanner, options: argparse.Namespace, setting: Setting) -> Json:
    """Return agreement between languages."""
    items = chosen(
        in_languages({lang: list(task(name).items(options.data)) for lang, name in LANGUAGES.items()}),
        options.turns,
        SEED,
    )
    plain = [one for one in items if not one.arm]
    told = reading(AUDITS["languages"], plain, cases(planner, items, "languages"), {}, setting)
    return {"items": told.items, "dialogues": told.groups, "effects": [row(one) for one in told.effects]}


def wrong(asked: Sequence[Case], setting: Setting) -> Json:
    """Return confusions and the slices where the planner is worst."""
    told = AUDITS["failures"].effects(asked, setting)
    return {
        "confusions": [
            {"right": right, "chosen": skill, "cases": count, "dialogues": groups}
            for right, skill, count, groups in confusions(asked)[:_ROWS]
        ],
        "slices": len(told),
        "worst_slices": [row(one) for one in told[:_ROWS]],
    }


def row(effect: Effect) -> Json:
    """Return an effect with four digits."""
    values = {"value": effect.value, "low": effect.low, "high": effect.high, "expected": effect.expected}
    tests = {"p": effect.p, "holm": effect.adjusted}
    return {
        "change": effect.change,
        "measure": effect.measure,
        **{name: None if value is None else round(value, 4) for name, value in values.items()},
        "n": effect.n,
        "dialogues": effect.groups,
        **{name: round(value, 5) for name, value in tests.items() if value is not None},
    }


def options_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    made = parser(__doc__)
    made.add_argument("data", type=Path, help="folder with the corpora")
    made.add_argument("--own", type=int, default=OWN, help=f"items of the package (default: {OWN})")
    made.add_argument("--each", type=int, default=EACH, help=f"items of each corpus (default: {EACH})")
    made.add_argument("--turns", type=int, default=TURNS, help=f"turns in all languages (default: {TURNS})")
    return made.parse_args(words)


if __name__ == "__main__":
    main()
