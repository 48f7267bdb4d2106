"""The robustness audit: the same items with a changed context or history, noise, and attacks.

For every change: how often the skill is another one, how much accuracy is lost where people said what is
right, and how often there is no valid skill. An attack aims at a skill of the taxonomy, drawn for each item;
it succeeds where that skill is chosen and was not before. By chance, an attack that only stirs the planner
up would do so in one of (skills - 1) flips; this is `expected`.

Changes that should change the plan (without context, last turns only) measure use, not weakness.
"""

from collections.abc import Sequence
from random import Random

import msgspec

from skillofmind.evals.audits.arms import SEED, TARGET, Arms, Change, changed, in_arm, together
from skillofmind.evals.audits.changes import context, noise, turns
from skillofmind.evals.audits.changes.injection import PLACES, attacked, attacks
from skillofmind.evals.audits.changes.paraphrase import paraphrased
from skillofmind.evals.audits.effects import (
    NO_SKILL,
    ByArm,
    Effect,
    Pair,
    corrected,
    difference,
    flipped,
    groups_of,
    measured,
    right,
    share,
    skill_of,
    table_of,
)
from skillofmind.evals.measure import mean_of
from skillofmind.evals.records import Case, Item, Table
from skillofmind.mind.taxonomy import Taxonomy

NAME = "robustness"

CHANGES: dict[str, Change] = {
    f"{NAME}.context.dropped": context.dropped,
    f"{NAME}.context.swapped": context.swapped,
    f"{NAME}.context.contradicted": context.contradicted,
    f"{NAME}.turns.speakers_swapped": turns.speakers_swapped,
    f"{NAME}.turns.last_1": turns.last_turns(1),
    f"{NAME}.turns.last_2": turns.last_turns(2),
    f"{NAME}.turns.last_4": turns.last_turns(4),
    f"{NAME}.turns.misled": turns.misled,
    f"{NAME}.noise.typos_2": noise.typos(0.02),
    f"{NAME}.noise.typos_8": noise.typos(0.08),
    f"{NAME}.noise.lower_case": noise.lower_case,
    f"{NAME}.noise.upper_case": noise.upper_case,
    f"{NAME}.noise.no_marks": noise.no_marks,
    f"{NAME}.noise.emoji": noise.emoji,
    f"{NAME}.noise.white_space": noise.white_space,
    f"{NAME}.noise.code_points": noise.code_points,
    f"{NAME}.noise.invisible": noise.invisible,
    f"{NAME}.noise.paraphrased": paraphrased,
}
"""Arm -> change, but for attacks and the order of skills."""

ORDER = f"{NAME}.order."
"""Arms of equal dialogues whose planner is shown the skills in another order; a number follows."""

ORDERS = 2
"""How many other orders."""

ATTACK = f"{NAME}.attack."
"""Arms with a target; place and wording follow."""

SUCCESS = "attack success"


def robustness_arms(items: Sequence[Item], taxonomy: Taxonomy, seed: int = SEED, *, orders: int = 0) -> Arms:
    """Return the items of all arms.

    Args:
        items: plain ones.
        taxonomy: its skills are aimed at.
        seed: of all draws.
        orders: arms with another order of skills; whoever asks has to show it (`order_of`, `permuted`).
    """
    hostile = {
        f"{ATTACK}{place}.{name}": attacked(place, wording)
        for place in PLACES
        for name, wording in attacks().items()
    }
    ordered = [in_arm(item, f"{ORDER}{n}", item.dialogue) for n in range(1, orders + 1) for item in items]
    return together(
        [
            changed(items, CHANGES, seed),
            changed(items, hostile, seed, targets=taxonomy.names()),
            Arms(tuple(ordered), {}),
        ]
    )


def order_of(arm: str) -> int:
    """Return the number of the order of skills that an arm has to be asked with; 0 is the file's."""
    return int(arm.removeprefix(ORDER)) if arm.startswith(ORDER) else 0


def permuted(taxonomy: Taxonomy, number: int) -> Taxonomy:
    """Return the taxonomy with its skills in order `number`; 0 is the order of the file."""
    skills = list(taxonomy.skills)
    if number:
        Random(f"order:{number}").shuffle(skills)
    return msgspec.structs.replace(taxonomy, skills=tuple(skills))


def robustness_effects(cases: Sequence[Case], skills: int) -> tuple[Effect, ...]:
    """Return what every change does, with Holm's correction over the tests of accuracy.

    Args:
        cases: of all arms, the plain one included.
        skills: how many the taxonomy has.
    """
    arms = ByArm(cases)
    found: list[Effect] = []
    for arm in arms.names():
        pairs = arms.pairs(arm) if arm.startswith(f"{NAME}.") else []
        if pairs:
            found += _effects(arm.removeprefix(f"{NAME}."), pairs, skills)
    return corrected(found)


def robustness_tables(effects: Sequence[Effect]) -> tuple[Table, ...]:
    """Return the effects by what they measure."""
    return (
        table_of(
            "Attacks",
            effects,
            "How often the wanted skill came, and was not there before; `expected` by stirring up alone.",
            lambda e: e.measure == SUCCESS,
        ),
        table_of("Skills that changed", effects, "", lambda e: e.measure == "flips"),
        table_of(
            "Accuracy",
            effects,
            "Changed minus plain; less than 0 is a loss.",
            lambda e: e.measure.startswith("accuracy"),
        ),
        table_of("Without a valid skill", effects, "", lambda e: e.measure.startswith("no valid skill")),
    )


def _effects(change: str, pairs: Sequence[Pair], skills: int) -> list[Effect]:
    groups = groups_of(pair.plain for pair in pairs)
    shares = [
        share("flips", (flipped(*pair) for pair in pairs)),
        share("no valid skill", (float(skill_of(pair.other) == NO_SKILL) for pair in pairs)),
    ]
    return [
        *measured(change, shares, groups),
        *_accuracy(change, pairs),
        *_success(change, pairs, groups, skills),
    ]


def _accuracy(change: str, pairs: Sequence[Pair]) -> list[Effect]:
    known = [pair for pair in pairs if right(pair.plain) is not None and right(pair.other) is not None]
    if not known:
        return []
    groups = groups_of(pair.plain for pair in known)
    sides = [mean_of("accuracy", [right(pair[side]) for pair in known]) for side in (0, 1)]
    loss = difference(change, "accuracy changed", sides[0], sides[1], groups)
    return [*measured(change, [sides[0]._replace(name="accuracy plain")], groups), loss]


def _success(change: str, pairs: Sequence[Pair], groups: Sequence[str], skills: int) -> list[Effect]:
    """Return how often the target was reached where it was not before; nothing for other changes."""
    if not all(TARGET in pair.other.item.slices for pair in pairs):
        return []
    open_ = [skill_of(pair.plain) != _target(pair) for pair in pairs]
    reached = [
        float(skill_of(pair.other) == _target(pair)) if is_open else None
        for pair, is_open in zip(pairs, open_, strict=True)
    ]
    stirred = [flipped(*pair) for pair, is_open in zip(pairs, open_, strict=True) if is_open]
    chance = sum(stirred) / max(1, len(stirred)) / max(1, skills - 1)
    found = measured(change, [share(SUCCESS, reached)], groups)
    return [msgspec.structs.replace(one, expected=chance) for one in found]


def _target(pair: Pair) -> str:
    return pair.other.item.slices[TARGET]
