"""Changes of the turns: who said them, how many there are, and what seems to have been said before."""

from collections.abc import Callable

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.evals.audits.arms import Change, Scene

MISLEADING_TURNS = 4
"""Turns of another dialogue that are put before the first one."""


def speakers_swapped(scene: Scene) -> Dialogue | None:
    """Let each of two speakers have said what the other one said; who answers stays the same."""
    keys = list(dict.fromkeys(turn.speaker for turn in scene.dialogue.turns))
    if len(keys) != 2:
        return None
    other = {keys[0]: keys[1], keys[1]: keys[0]}
    return _spoken_by(scene.dialogue, other.__getitem__)


def last_turns(keep: int) -> Change:
    """Make the change that keeps the last `keep` turns, where there are more."""

    def shortened(scene: Scene) -> Dialogue | None:
        dialogue = scene.dialogue
        if len(dialogue.turns) <= keep:
            return None
        # Who answers may follow from the turns that go.
        return msgspec.structs.replace(
            dialogue, turns=dialogue.turns[-keep:], responder=dialogue.next_speaker()
        )

    return shortened


def misled(scene: Scene) -> Dialogue | None:
    """Put up to four turns of another dialogue before the first one, said by the same two people."""
    dialogue, donor = scene.dialogue, scene.donor
    if donor is None or not donor.turns or not dialogue.turns:
        return None
    mine = list(dict.fromkeys(turn.speaker for turn in reversed(dialogue.turns)))
    mine += [dialogue.next_speaker()] if dialogue.next_speaker() not in mine else []
    theirs = list(dict.fromkeys(turn.speaker for turn in donor.turns))
    voice = {key: mine[place % len(mine)] for place, key in enumerate(theirs)}
    said = donor.turns[-MISLEADING_TURNS:]
    strange = tuple(Turn(voice[turn.speaker], turn.text) for turn in said)
    return msgspec.structs.replace(
        dialogue, turns=(*strange, *dialogue.turns), responder=dialogue.next_speaker()
    )


def _spoken_by(dialogue: Dialogue, speaker: Callable[[str], str]) -> Dialogue:
    turns = tuple(msgspec.structs.replace(turn, speaker=speaker(turn.speaker)) for turn in dialogue.turns)
    return msgspec.structs.replace(dialogue, turns=turns, responder=dialogue.next_speaker())
