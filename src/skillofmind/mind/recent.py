"""What a planner is shown of a long conversation: its last turns, so that planning takes a bounded time.

Long turns lose their middle, old ones fall away; `numbered` gives evidence the numbers of the whole
conversation back.
"""

from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.plan import Plan
from skillofmind.mind.render import MAX_TURN_CHARS

MOST_CHARS = 24_000
MOST_TURNS = 64
"""Of a conversation, a planner is shown the last turns: so many, and of so many characters."""


class Recent(NamedTuple):
    """The last turns of a dialogue, and how many were left out before them."""

    dialogue: Dialogue
    first: int


def recent_turns(dialogue: Dialogue, chars: int = MOST_CHARS, turns: int = MOST_TURNS) -> Recent:
    """Return the last turns of a dialogue, at least one, with long texts clipped.

    Args:
        dialogue: of any length.
        chars: most characters of all turns together.
        turns: most turns.
    """
    kept: list[Turn] = []
    for turn in reversed(dialogue.turns[-turns:]):
        shown = msgspec.structs.replace(turn, text=clipped(turn.text))
        chars -= len(shown.text)
        if kept and chars < 0:
            break
        kept.append(shown)
    context = dialogue.context
    if context.text:
        context = msgspec.structs.replace(context, text=clipped(context.text))
    short = msgspec.structs.replace(dialogue, turns=tuple(reversed(kept)), context=context)
    return Recent(short, len(dialogue.turns) - len(kept))


def clipped(text: str) -> str:
    """Return a text without its middle where it is longer than a turn may be."""
    if len(text) <= MAX_TURN_CHARS:
        return text
    return f"{text[: MAX_TURN_CHARS * 2 // 3]} […] {text[-MAX_TURN_CHARS // 3 :]}"


def numbered(plan: Plan, first: int) -> Plan:
    """Return the plan with its evidence at the numbers that the turns have in the whole conversation."""
    if not first or not plan.evidence:
        return plan
    moved = [
        msgspec.structs.replace(item, where=str(int(item.where) + first)) if item.kind == "turn" else item
        for item in plan.evidence
    ]
    return msgspec.structs.replace(plan, evidence=tuple(moved))
