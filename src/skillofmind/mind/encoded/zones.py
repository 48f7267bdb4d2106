"""What the sentence encoder sees of a dialogue: every turn and fact alone, and the zone it stands in.

The head has weights of its own for each zone. What a part adds to the scores is

    weight(part) * v(part) W_zone,    v(part) the vector of its words

so parts can be taken away as in the linear model, and a turn's vector can be kept while the talk goes on.
"""

import math
from collections import Counter
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.picture import spoken
from skillofmind.mind.embedded.features import MAX_CHARS
from skillofmind.mind.render import context_lines, quoted

ZONES = ("last them", "near them", "near me", "far", "context", "last me")
"""In the order of the rows of the head."""

# Found on the validation dialogues together with the penalty.
_WEIGHT = {"last them": 1.0, "last me": 1.0, "near them": 0.7, "near me": 0.7, "far": 0.5, "context": 0.7}
_SHARED = ("far", "context")
_NEAR_TURNS = 3


class Heard(NamedTuple):
    """One part of a dialogue as the encoder sees it.

    Attributes:
        zone: index into `ZONES`.
        weight: what its vector is multiplied by.
        text: its words; empty text has no vector.
    """

    zone: int
    weight: float
    text: str


def heard_in(dialogue: Dialogue) -> list[Heard]:
    """Return the turns, then the lines of the context: the order of `embedded.features.parts_of`.

    Parts of the zones `far` and `context` share their weight, each divided by the root of how many there are.
    """
    responder, count = dialogue.next_speaker(), len(dialogue.turns)
    placed = [
        (_zone(count - 1 - index, turn.speaker == responder), quoted(spoken(turn), MAX_CHARS))
        for index, turn in enumerate(dialogue.turns)
    ]
    placed += [("context", quoted(line.said, MAX_CHARS)) for line in context_lines(dialogue)]
    sizes = Counter(zone for zone, _ in placed)
    return [
        Heard(
            ZONES.index(zone),
            _WEIGHT[zone] / math.sqrt(sizes[zone] if zone in _SHARED else 1),
            text,
        )
        for zone, text in placed
    ]


def _zone(back: int, mine: bool) -> str:
    who = "me" if mine else "them"
    return f"last {who}" if back == 0 else f"near {who}" if back < _NEAR_TURNS else "far"
