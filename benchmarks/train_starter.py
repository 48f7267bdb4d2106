"""The laptop preset on the dialogues of the package: `som train sft`, `som train export`, then plans.

    python -m benchmarks.train_starter --out results/train_starter.json

The commands are run as a user runs them, without options but the run directory. Then the exported planner
is asked (greedy, one attempt) about annotated turns of the test split, drawn at random: how many plans are
valid, and how many name the settled skill. A network of less than a million weights that starts from nothing
learns the form of a plan here, not which of 39 skills comes next; the majority class stands beside it.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import msgspec

from benchmarks.measure import Json, machine, parser, report, spent_by_process
from benchmarks.train_rule_world import planned
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.dataset.reviewed import wilson
from skillofmind.mind.starter import starter_path
from skillofmind.run.log import read_log

TURNS = 400


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--turns", type=int, default=TURNS, help=f"to plan (default: {TURNS})")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        report({"machine": machine(), **measured(Path(home), given.turns)}, given.out)


def measured(home: Path, turns: int) -> Json:
    """Train, export and plan below `home`."""
    run, folder = home / "run", home / "planner"
    som = [sys.executable, "-m", "skillofmind", "train"]
    took = spent_by_process([*som, "sft", "--out", str(run)])
    written = subprocess.run(
        [*som, "export", str(run), str(folder), "--json"], check=True, capture_output=True
    )
    updates = [value for _, value in read_log(run / "updates.jsonl")]
    asked = annotated("test", turns)
    plans = asyncio.run(planned(folder, [before for before, _ in asked]))
    right = sum(plan.skill == skill for plan, (_, skill) in zip(plans, asked, strict=True))
    most = Counter(skill for _, skill in annotated("train", None)).most_common(1)[0][0]
    return {
        "cpu_s": round(took.cpu, 1),
        "wall_s": round(took.wall, 1),
        "updates": len(updates),
        "tokens": sum(one["tokens"] for one in updates),
        "first_loss": round(updates[0]["loss"], 4),
        "last_loss": round(updates[-1]["loss"], 4),
        "held_out_loss": [round(one["held_out"]["loss"], 4) for one in updates if one.get("held_out")],
        "merge_difference": json.loads(written.stdout)["merge_difference"],
        "turns": len(plans),
        "valid": msgspec.to_builtins(wilson(sum(plan.valid for plan in plans), len(plans))),
        "right": msgspec.to_builtins(wilson(right, len(plans))),
        "majority": msgspec.to_builtins(wilson(sum(skill == most for _, skill in asked), len(asked))),
    }


def annotated(split: str, count: int | None) -> list[tuple[Dialogue, str]]:
    """Return dialogues before annotated turns of a split, with the settled skill; drawn without a count."""
    rows = [one for one in accepted(read_dialogues(starter_path())) if one.split == split]
    found = [
        (one.before(number), turn.annotations[0].skill)
        for one in rows
        for number, turn in enumerate(one.turns)
        if turn.annotations and number > 0
    ]
    return found if count is None else random.Random(0).sample(found, min(count, len(found)))


if __name__ == "__main__":
    main()
