"""Preferences in the rule world: does learning from gold against counterfactual replies generalise?

    python -m benchmarks.train_preferences --out results/train_preferences.json

One network (the `laptop` preset's) is taught two things on a few thousand dialogues: to plan, and to reply as
the responder, whose reply the rule's skill decides. It is stopped early. Then it learns from pairs of new
dialogues, the real reply against the counterfactual one, by `som train dpo`'s own loop and losses; beside it
stands the same number of updates of supervised learning on the chosen replies alone.

Before and after, on dialogues with other names, things, places and wordings:

    prefers    share of pairs of which the real reply has the larger probability
    right      share of greedy replies that are among the rule's replies for the skill
    ended      share of greedy replies that end by themselves, with words in them
    plans      share of greedy plans that are valid, and share that name the rule's skill

`dpo_held` is DPO with the chosen reply's cross-entropy added (RPO), which holds that reply.

A loss holds if `prefers` rises with intervals apart, and neither `ended` nor valid plans fall by more than
their interval. Intervals are Wilson's, 95 %. One thread.
"""

import copy
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from benchmarks.measure import Json, machine, parser, report, spent
from benchmarks.train_rule_world import texts_of
from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.synthesize.rule_words import REPLIES
from skillofmind.data.synthesize.rule_world import Case, generate, skill_of
from skillofmind.mind.dataset.examples import Shape, preference_rows, response_messages, sft_rows
from skillofmind.mind.dataset.reviewed import wilson
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.parser import parse_marked
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import planner_messages
from skillofmind.train.chat.options import RowOptions
from skillofmind.train.chat.prepare import prepare
from skillofmind.train.loop import Cadence, reference_logprobs, train
from skillofmind.train.losses import PreferenceLoss, TokenLoss
from skillofmind.train.policy import ONE, TorchPolicy
from skillofmind.train.presets import preset
from skillofmind.train.recipe import new_policy, order_of, pad_id
from skillofmind.train.rows.feeds import ExampleFeed, PairFeed
from skillofmind.train.rows.token_row import Example, PreferencePair
from skillofmind.train.settings import DpoSettings, Preference, Size, Training
from skillofmind.train.weights.folder import Base
from skillofmind.train.weights.scratch import make_network, make_tokenizer

DIALOGUES, PAIRS, SEEDS = 6_000, 3_200, 2
TESTED, ANSWERED = 2_000, 600
"""Held-out pairs that are scored, and dialogues of them that are answered."""

TEST_SEED = 2_000_000
LOSSES = ("dpo_held", "dpo", "ipo", "simpo")
GREEDY = Sampling(temperature=0.0, max_tokens=48)


class World(NamedTuple):
    """Everything one seed works with."""

    base: Base
    pairs: Sequence[PreferencePair]
    tested: Sequence[Dialogue]
    tested_pairs: Sequence[PreferencePair]


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds (default: {SEEDS})")
    given = options.parse_args()
    torch.set_num_threads(1)
    runs = [run(seed) for seed in range(given.seeds)]
    report({"machine": machine(), "settings": settings(), "runs": runs, "holds": holds(runs)}, given.out)


def settings() -> Json:
    """Return what decides the numbers."""
    return {
        "dialogues": DIALOGUES,
        "pairs": PAIRS,
        "tested": TESTED,
        "answered": ANSWERED,
        "supervised": msgspec.to_builtins(supervised()),
        "preference": msgspec.to_builtins(preferring("dpo")),
    }


def run(seed: int) -> Json:
    """Return the numbers of one seed."""
    result: Json = {"seed": seed}
    took = spent(lambda: result.update(_run(seed)))
    return result | {"cpu_s": round(took.cpu, 1), "wall_s": round(took.wall, 1)}


def _run(seed: int) -> Json:
    world = taught(seed)
    found: Json = {"before": measured(world, world.base)}
    for name in LOSSES:
        found[name] = measured(world, preferred(world, preferring(name)))
    found["supervised"] = measured(world, more(world))
    return found


def supervised() -> Training:
    """Return the laptop preset's settings for one pass."""
    laptop = preset("laptop").training
    return msgspec.structs.replace(laptop, rows=msgspec.structs.replace(laptop.rows, passes=1))


def preferring(name: str) -> DpoSettings:
    """Return the laptop preset's settings for a loss; SimPO goes by token and needs a larger beta."""
    laptop = preset("laptop").preference
    loss = {
        "dpo_held": Preference("dpo", beta=0.1, cross_entropy=1.0),
        "dpo": Preference("dpo", beta=0.1),
        "ipo": Preference("ipo", beta=0.1),
        "simpo": Preference("simpo", beta=2.0, gamma=0.5),
    }[name]
    return msgspec.structs.replace(laptop, preference=loss)


def taught(seed: int) -> World:
    """Make a network and teach it plans and replies."""
    known = list(generate(DIALOGUES, seed=seed))
    rows = [row for dialogue in known for row in (*sft_rows(dialogue, Shape()), *replies(dialogue))]
    size = preset("laptop").size or Size()
    tokenizer = make_tokenizer(texts_of(rows[:4_000]), size)
    base = Base(make_network(tokenizer, size, seed), tokenizer)
    training = msgspec.structs.replace(supervised(), seed=seed)
    taught_rows(base, prepare(rows, tokenizer, RowOptions()).examples, training)
    fresh = generate(PAIRS, seed=seed + 10_000)
    tested = list(generate(TESTED, seed=TEST_SEED + seed, split="test"))
    return World(base, _pairs(fresh, tokenizer), tested[:ANSWERED], _pairs(tested, tokenizer))


def replies(dialogue: Dialogue) -> list[Json]:
    """Return the row that teaches the responder's reply."""
    return [
        {"prompt": row["prompt"], "completion": row["chosen"]} for row in preference_rows(dialogue, Shape())
    ]


def _pairs(dialogues: Iterable[Dialogue], tokenizer: object) -> tuple[PreferencePair, ...]:
    rows = [row for dialogue in dialogues for row in preference_rows(dialogue, Shape())]
    return prepare(rows, tokenizer, RowOptions()).pairs


def taught_rows(base: Base, examples: Sequence[Example], training: Training) -> None:
    """Train on token rows, in place."""
    feed = ExampleFeed(
        examples, order_of(training), micro=training.rows.micro, pad_id=pad_id(base), ranks=ONE
    )
    train(new_policy(base, training, feed, ONE), feed, TokenLoss(), Cadence(), lambda told: None)


def preferred(world: World, chosen: DpoSettings) -> Base:
    """Return a copy of the taught network that has learned from the pairs."""
    base = Base(copy.deepcopy(world.base.network), world.base.tokenizer)
    training = chosen.training
    feed = PairFeed(
        world.pairs, order_of(training), micro=training.rows.micro, pad_id=pad_id(base), ranks=ONE
    )
    policy = new_policy(base, training, feed, ONE)
    if chosen.preference.needs_reference():
        known = reference_logprobs(policy, world.pairs, micro=feed.micro, pad_id=feed.pad_id)
        feed.refer(known, np.zeros((0, 2)))
    train(policy, feed, PreferenceLoss(chosen.preference), Cadence(), lambda told: None)
    return base


def more(world: World) -> Base:
    """Return a copy that has seen the chosen replies in as many updates, at the same rate."""
    base = Base(copy.deepcopy(world.base.network), world.base.tokenizer)
    taught_rows(base, [Example(one.id, (one.chosen,)) for one in world.pairs], preferring("dpo").training)
    return base


def measured(world: World, base: Base) -> Json:
    """Return how a network does on the held-out dialogues."""
    policy = TorchPolicy(base.network, base.tokenizer, supervised().optimiser)
    found = reference_logprobs(policy, world.tested_pairs, micro=24, pad_id=pad_id(base))
    answers = policy_texts(policy, [Conversation(response_messages(_asked(one))) for one in world.tested])
    plans = policy_texts(
        policy, [Conversation(planner_messages(_asked(one), load_template())) for one in world.tested]
    )
    normalise = Normaliser(load_taxonomy())
    marked = [parse_marked(text) for text, _ in plans]
    skills = [normalise(one.skill).skill if one else None for one in marked]
    expected = [skill_of(Case(one.meta["context"], one.meta["turn"])) for one in world.tested]
    return {
        "prefers": _share(found[:, 0] > found[:, 1]),
        "right": _share([fits(text, skill) for (text, _), skill in zip(answers, expected, strict=True)]),
        "ended": _share([ended and bool(text.strip()) for text, ended in answers]),
        "plans_valid": _share([skill is not None for skill in skills]),
        "plans_right": _share([one == other for one, other in zip(skills, expected, strict=True)]),
        "chosen_logp": round(float(found[:, 0].mean()), 3),
        "rejected_logp": round(float(found[:, 1].mean()), 3),
    }


def _asked(dialogue: Dialogue) -> Dialogue:
    return dialogue.before(len(dialogue.turns) - 1)


def policy_texts(policy: TorchPolicy, prompts: Sequence[Conversation]) -> list[tuple[str, bool]]:
    """Return each greedy answer, and whether it ended by itself."""
    found: list[tuple[str, bool]] = []
    for start in range(0, len(prompts), 32):
        for one in policy.sample(prompts[start : start + 32], GREEDY):
            found.append((one.text, one.stop == "stop"))
    return found


def fits(text: str, skill: str) -> bool:
    """Say whether a reply has the form of one of the rule's replies for `skill`, about anything."""
    forms = (re.escape(reply).replace(re.escape("{thing}"), "[a-z ]+") for reply in REPLIES[skill])
    return any(re.fullmatch(form, text.strip()) for form in forms)


def _share(hits: Iterable[bool]) -> Json:
    counted = [bool(hit) for hit in hits]
    rate = wilson(sum(counted), len(counted))
    found = {"share": rate.value, "low": rate.low, "high": rate.high}
    return {name: round(value or 0.0, 4) for name, value in found.items()}


def holds(runs: Sequence[Json]) -> Json:
    """Return for each loss whether its claim holds in every seed."""
    return {
        name: {
            "prefers_more": all(
                one[name]["prefers"]["low"] > one["before"]["prefers"]["high"] for one in runs
            ),
            "stays_valid": all(
                one[name][what]["high"] >= one["before"][what]["low"]
                for one in runs
                for what in ("ended", "plans_valid")
            ),
        }
        for name in (*LOSSES, "supervised")
    }


if __name__ == "__main__":
    main()
