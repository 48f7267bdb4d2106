"""From plain items to the arms of an audit: the same items, each with one thing changed.

A *change* is a function from a scene (the dialogue, a seeded draw, a dialogue to borrow from, a skill to aim
at) to the changed dialogue, or `None` where it does not apply. Items that a change leaves as they are, or
does not apply to, are left out of its arm and counted. The draw depends on the seed, the family of the change
and the item's group, so items of one dialogue get the same names, and other items change nothing.

    made = changed(items, {"noise.upper": upper_case}, seed=7)
    made.items[0].arm       # "noise.upper"
    made.left_out           # {"noise.upper": 3}
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.records import Item

SEED = 7
"""Of all draws of an audit."""

TARGET = "audit.target"
"""Dimension of `Item.slices` with the skill that an attack aims at."""


class Scene(NamedTuple):
    """What a change sees.

    Attributes:
        dialogue: of the plain item.
        draw: seeded by the seed, the family of the change and the item's group.
        donor: a dialogue of another group of the same task; `None` where there is none.
        target: a skill to aim at; "" for changes that aim at none.
    """

    dialogue: Dialogue
    draw: Random
    donor: Dialogue | None = None
    target: str = ""


Change = Callable[[Scene], Dialogue | None]
"""Scene -> changed dialogue; `None` where it does not apply."""


class Arms(NamedTuple):
    """Changed items.

    Attributes:
        items: of all arms, arm by arm.
        left_out: arm -> plain items that it does not apply to.
    """

    items: tuple[Item, ...]
    left_out: dict[str, int]


def changed(
    items: Sequence[Item],
    changes: Mapping[str, Change],
    seed: int = SEED,
    targets: Sequence[str] = (),
    family: Callable[[str], str] = lambda arm: arm,
) -> Arms:
    """Return the items of every arm.

    Args:
        items: plain ones.
        changes: arm -> change.
        seed: of all draws.
        targets: skills that an item's target is drawn from; without any, there is none.
        family: arm -> what its draws are seeded with; arms of one family draw the same.
    """
    donors = donors_of(items)
    found: list[Item] = []
    left_out = {}
    for arm, change in changes.items():
        before = len(found)
        for item, donor in zip(items, donors, strict=True):
            target = target_of(item, targets, seed)
            draw = Random(f"{seed}:{family(arm)}:{item.group}")
            dialogue = change(Scene(item.dialogue, draw, donor, target))
            if dialogue is not None and dialogue != item.dialogue:
                found.append(in_arm(item, arm, dialogue, target))
        left_out[arm] = len(items) - (len(found) - before)
    return Arms(tuple(found), left_out)


def in_arm(item: Item, arm: str, dialogue: Dialogue, target: str = "") -> Item:
    """Return an item in another arm, with its changed dialogue and the skill that is aimed at."""
    slices = item.slices | {TARGET: target} if target else item.slices
    return msgspec.structs.replace(item, arm=arm, dialogue=dialogue, slices=slices)


def together(parts: Iterable[Arms]) -> Arms:
    """Return the arms of several families as one."""
    items: list[Item] = []
    left_out: dict[str, int] = {}
    for part in parts:
        items += part.items
        left_out |= part.left_out
    return Arms(tuple(items), left_out)


def target_of(item: Item, targets: Sequence[str], seed: int) -> str:
    """Return the skill that is aimed at in all arms of an item, or "" without `targets`."""
    return Random(f"{seed}:target:{item.task}:{item.id}").choice(targets) if targets else ""


def donors_of(items: Sequence[Item]) -> list[Dialogue | None]:
    """Return for each item a dialogue of the next group of its task, in the order of a hash of the groups."""
    tasks: dict[str, dict[str, list[int]]] = {}
    for place, item in enumerate(items):
        tasks.setdefault(item.task, {}).setdefault(item.group, []).append(place)
    found: list[Dialogue | None] = [None] * len(items)
    for task, groups in tasks.items():
        order = sorted(groups, key=lambda group: hashlib.sha256(f"{task}:{group}".encode()).digest())
        for group, following in zip(order, [*order[1:], *order[:1]], strict=True):
            for number, place in enumerate(groups[group]):
                others = groups[following]
                if following != group:
                    found[place] = items[others[number % len(others)]].dialogue
    return found
