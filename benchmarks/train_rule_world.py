"""A planner trained from nothing on the rule world: does it learn the rule, and does it use both cues?

    python -m benchmarks.train_rule_world --out results/train_rule_world.json

For each seed a tokenizer and the `laptop` preset's network are made from nothing, trained on new dialogues
(each seen once), saved, and asked as any user would ask: `--planner weights` on the folder, greedy, one
attempt. The test dialogues have other names, things, places and combinations of wordings.

*Right* is the rule's skill; *valid* an answer with marker and a skill of the taxonomy. Then the same
dialogues without their social context, with the context of another dialogue, and without the turn that the
rule looks at. What the rule predicts there is known: 1/3, 1/3 and 1/4 of the answers that are *possible*,
which are those that name a skill that the cue that is left allows.
`over_all_cases` takes the draw of the hidden cue out: each answer counts as the share of its values for
which it would be right. Intervals are Wilson's, 95 %.

One thread; CPU seconds are of everything, from the first dialogue to the last answer.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch

from benchmarks.measure import Json, machine, parser, report, spent
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan as Planned
from skillofmind.data.synthesize.rule_world import (
    CASES,
    Case,
    context_removed,
    generate,
    skill_of,
    turn_removed,
    without_context,
    without_turn,
)
from skillofmind.mind.dataset.examples import Shape, sft_rows
from skillofmind.mind.dataset.reviewed import wilson
from skillofmind.mind.weights import WEIGHTS_SAMPLING, WeightsPlanner
from skillofmind.models.local import LocalModel
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.prepare import prepare
from skillofmind.train.loop import Cadence, Told, train
from skillofmind.train.losses import TokenLoss
from skillofmind.train.policy import ONE
from skillofmind.train.presets import preset
from skillofmind.train.recipe import new_policy, order_of, pad_id
from skillofmind.train.rows.feeds import ExampleFeed
from skillofmind.train.rows.token_row import Example
from skillofmind.train.settings import Size, Training
from skillofmind.train.weights.folder import Base, open_base
from skillofmind.train.weights.scratch import make_folder

SEEDS = 1
DIALOGUES = 25_600
TESTED = 1_200
TEXTS = 4_000
"""Dialogues that the tokenizer is trained on."""

TEST_SEED = 1_000_000
SAMPLING = msgspec.structs.replace(WEIGHTS_SAMPLING, max_tokens=64)


class Trained(NamedTuple):
    """What training took and came to."""

    updates: int
    tokens: int
    trained_tokens: int
    loss: float
    cpu_s: float
    wall_s: float
    parameters: int


class Asked(NamedTuple):
    """One way of showing the test dialogues.

    Attributes:
        change: what is shown of a dialogue, given another one.
        cases: what the hidden cue could be, given the true case; all equally likely.
        predicted: how often the rule lets such a planner be right.
    """

    change: Callable[[Dialogue, Dialogue], Dialogue]
    cases: Callable[[Case], Sequence[Case]]
    predicted: float


def _any_context(case: Case) -> list[Case]:
    return [one for one in CASES if one.turn == case.turn]


def _any_turn(case: Case) -> list[Case]:
    return [one for one in CASES if one.context == case.context]


WAYS = {
    "whole": Asked(lambda one, other: one, lambda case: [case], 1.0),
    "without_context": Asked(lambda one, other: context_removed(one), _any_context, without_context()),
    "other_context": Asked(
        lambda one, other: msgspec.structs.replace(one, context=other.context),
        _any_context,
        without_context(),
    ),
    "without_turn": Asked(lambda one, other: turn_removed(one), _any_turn, without_turn()),
}


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds (default: {SEEDS})")
    options.add_argument("--dialogues", type=int, default=DIALOGUES, help="to train on")
    given = options.parse_args()
    torch.set_num_threads(1)
    runs = [run(seed, given.dialogues) for seed in range(given.seeds)]
    laptop = preset("laptop")
    settings = {"size": laptop.size, "training": training_of(given.dialogues)}
    report({"machine": machine(), "settings": msgspec.to_builtins(settings), "runs": runs}, given.out)


def run(seed: int, dialogues: int) -> Json:
    """Return the numbers of one seed."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "planner"
        result: Json = {"seed": seed, "dialogues": dialogues}
        took = spent(lambda: result.update(_run(seed, dialogues, folder)))
    return result | {"cpu_s": round(took.cpu, 1), "wall_s": round(took.wall, 1)}


def _run(seed: int, dialogues: int, folder: Path) -> Json:
    known = list(generate(dialogues, seed=seed))
    trained = learned(known, folder, seed)
    tested = list(generate(TESTED, seed=TEST_SEED + seed, split="test"))
    return {
        "train": trained._asdict() | {"tokens_per_cpu_s": round(trained.tokens / trained.cpu_s)},
        "test": {name: scored(folder, tested, way) for name, way in WAYS.items()},
    }


def training_of(dialogues: int) -> Training:
    """Return the laptop preset's settings, for dialogues that are seen once."""
    training = preset("laptop").training
    return msgspec.structs.replace(training, rows=msgspec.structs.replace(training.rows, passes=1))


def learned(dialogues: Sequence[Dialogue], folder: Path, seed: int) -> Trained:
    """Make a model in `folder` and train it on the dialogues."""
    rows = [row for dialogue in dialogues for row in sft_rows(dialogue, Shape())]
    make_folder(folder, texts_of(rows[:TEXTS]), preset("laptop").size or Size(), seed)
    base = open_base(folder, ONE.device)
    training = msgspec.structs.replace(training_of(len(dialogues)), seed=seed)
    prepared = prepare(rows, base.tokenizer, RowOptions(max_tokens=training.rows.max_tokens))
    if prepared.refused:
        raise ValueError(f"rows of the rule world were refused: {prepared.refused[:3]}")
    told: list[Told] = []
    took = spent(lambda: told.extend(_trained(base, prepared.examples, training)))
    base.network.save_pretrained(folder)
    return Trained(
        updates=len(told),
        tokens=sum(int(one.means["tokens"]) for one in told),
        trained_tokens=sum(int(one.means["trained"]) for one in told),
        loss=round(sum(one.means["loss"] for one in told[-20:]) / len(told[-20:]), 4),
        cpu_s=round(took.cpu, 1),
        wall_s=round(took.wall, 1),
        parameters=sum(one.numel() for one in base.network.parameters()),
    )


def texts_of(rows: Sequence[Json]) -> list[str]:
    """Return the messages of the rows."""
    return [message["content"] for row in rows for message in (*row["prompt"], *row["completion"])]


def _trained(base: Base, examples: Sequence[Example], training: Training) -> list[Told]:
    feed = ExampleFeed(
        examples, order_of(training), micro=training.rows.micro, pad_id=pad_id(base), ranks=ONE
    )
    told: list[Told] = []
    train(new_policy(base, training, feed, ONE), feed, TokenLoss(), Cadence(), told.append)
    return told


def scored(folder: Path, dialogues: Sequence[Dialogue], way: Asked) -> Json:
    """Return how often the planner is right and valid, with what the rule predicts."""
    others = [*dialogues[1:], dialogues[0]]
    shown = [way.change(one, other) for one, other in zip(dialogues, others, strict=True)]
    plans = asyncio.run(planned(folder, [one.before(len(one.turns) - 1) for one in shown]))
    cases = [Case(one.meta["context"], one.meta["turn"]) for one in dialogues]
    pairs = list(zip([plan.skill for plan in plans], cases, strict=True))
    right = wilson(sum(skill == skill_of(case) for skill, case in pairs), len(plans))
    shares = [
        sum(skill == skill_of(one) for one in way.cases(case)) / len(way.cases(case)) for skill, case in pairs
    ]
    return {
        "right": msgspec.to_builtins(right),
        "valid": msgspec.to_builtins(wilson(sum(plan.valid for plan in plans), len(plans))),
        "predicted": round(way.predicted, 4),
        "predicted_is_in_interval": (right.low or 0.0) <= way.predicted <= (right.high or 0.0),
        "possible": round(sum(share > 0 for share in shares) / len(shares), 4),
        "over_all_cases": round(sum(shares) / len(shares), 4),
    }


async def planned(folder: Path, dialogues: Sequence[Dialogue]) -> list[Planned]:
    """Return the plans of the model in `folder`."""
    async with LocalModel(folder, max_batch=64) as model:
        planner = WeightsPlanner(model, sampling=SAMPLING, attempts=1)
        return list(await asyncio.gather(*[planner.plan(dialogue) for dialogue in dialogues]))


if __name__ == "__main__":
    main()
