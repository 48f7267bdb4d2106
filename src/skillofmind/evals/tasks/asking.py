"""From a turn of a dialogue to an `Item`: what is shown, how it is named, which slices it is in.

An item is named `<id of the dialogue>#<place of the turn, from 0>`. The name says nothing of the task, the
planner or the version, so results of years apart can be paired.

    >>> from skillofmind.core.dialogue import Turn
    >>> talk = Dialogue((Turn("A", "I lost my keys."), Turn("B", "Oh no!")), id="own:1", corpus="own")
    >>> one = asked("own", talk.before(1), 1, Gold(skills=("Empathy",), reply="Oh no!"))
    >>> one.id, [turn.text for turn in one.dialogue.turns], one.slices["turns"]
    ('own:1#1', ['I lost my keys.'], '1-3')
"""

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.split import group_of
from skillofmind.evals.records import Gold, Item

_DEPTHS = ((3, "1-3"), (7, "4-7"))


def asked(task: str, before: Dialogue, index: int, gold: Gold, **slices: str) -> Item:
    """Return the item that asks for turn `index` of a dialogue.

    Args:
        task: its name.
        before: what may be seen, with the speaker of the turn as `responder`; see `Dialogue.before`.
        index: of the turn in the whole dialogue, from 0.
        gold: the right answer.
        slices: further dimensions, such as `scheme`.
    """
    found = {
        "corpus": before.corpus,
        "lang": before.lang,
        **slices,
        "scenario": before.scenario,
        "turns": depth(len(before.turns)),
    }
    return Item(
        task,
        f"{before.id}#{index}",
        group_of(before),
        bare(before),
        gold,
        slices={name: value for name, value in found.items() if value},
    )


def bare(dialogue: Dialogue) -> Dialogue:
    """Return the dialogue without labels, annotations and `meta`: they are no part of what was said.

    A corpus may say there how the conversation ended.
    """
    turns = tuple(Turn(one.speaker, one.text, images=one.images, lang=one.lang) for one in dialogue.turns)
    return msgspec.structs.replace(dialogue, turns=turns, meta={})


def depth(turns: int) -> str:
    """Return the bucket of a number of turns: `1-3`, `4-7` or `8+`."""
    return next((name for most, name in _DEPTHS if turns <= most), "8+")
