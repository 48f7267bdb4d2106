"""A world of dialogues in which a rule decides the skill from the social context and the last turn together.

Six kinds of context and eight kinds of last turn, all equally likely, lead to twelve skills (`skill_of`).
What a planner can reach without one of the two cues is therefore known exactly. The rule is balanced: for
each kind of turn, three skills share the six contexts evenly. So whoever sees the turn but not the context
is right in one case of three *however* he guesses among these skills; and whoever sees only the context, in
one of four.

A dialogue opens with a greeting or with a turn of any kind, which must be overlooked. Names, things and
places of the splits are different words; and no combination of a context's wording with a turn's wording is
in both splits. The last turn is annotated: an explanation that names both cues, and a counterfactual reply
that belongs to another skill.

    >>> dialogue = next(generate(1, seed=0))
    >>> len(dialogue.turns), dialogue.turns[-1].annotations[0].skill in SKILLS
    (4, True)
    >>> round(without_context(), 3), without_turn()
    (0.333, 0.25)
"""

import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count as count_up
from itertools import islice
from typing import Literal, NamedTuple

import msgspec

from skillofmind.core.dialogue import Annotation, Dialogue, SocialContext, Turn
from skillofmind.data.synthesize.rule_words import (
    ADJECTIVES,
    CONTEXTS,
    GREETINGS,
    GROUPS,
    NODS,
    PLACES,
    REPLIES,
    RULE,
    SYLLABLES,
    THINGS,
    TURNS,
    WEEKDAYS,
)

Split = Literal["train", "test"]

SKILLS = tuple(skill for skills in RULE.values() for skill in skills)
"""All skills of the world."""

TEST_OF = 5
"""One name in so many, and one combination of wordings, belong to the test split."""


class Case(NamedTuple):
    """What the rule looks at, as kinds: a key of `CONTEXTS` and one of `TURNS`."""

    context: str
    turn: str


CASES = tuple(Case(context, turn) for context in CONTEXTS for turn in TURNS)
"""All cases; each is equally likely."""


def skill_of(case: Case) -> str:
    """Return the skill that the rule demands."""
    group = next(name for name, turns in GROUPS.items() if case.turn in turns)
    return next(skill for skill, contexts in RULE[group].items() if case.context in contexts)


def without_context() -> float:
    """Return the best accuracy of a planner that sees the turns only."""
    return _best(lambda case: case.turn)


def without_turn() -> float:
    """Return the best accuracy of a planner that sees the social context only."""
    return _best(lambda case: case.context)


def chance() -> float:
    """Return the best accuracy of a planner that sees nothing."""
    return _best(lambda case: "")


def _best(seen: Callable[[Case], str]) -> float:
    """Return how often the commonest skill of what is seen is right."""
    counts: dict[str, Counter[str]] = {}
    for case in CASES:
        counts.setdefault(seen(case), Counter())[skill_of(case)] += 1
    return sum(max(found.values()) for found in counts.values()) / len(CASES)


def generate(count: int | None, *, seed: int, split: Split = "train") -> Iterator[Dialogue]:
    """Yield dialogues; number n is a function of `seed`, `split` and n alone.

    Args:
        count: how many; `None` never ends.
        seed: any integer.
        split: which words and combinations to use.
    """
    for number in islice(count_up(), count):
        yield dialogue(f"{seed}:{number}", split)


def dialogue(name: str, split: Split) -> Dialogue:
    """Return the dialogue called `name` in a split."""
    draw = random.Random(f"{split}:{name}")
    case = draw.choice(CASES)
    asker, answerer = _names(split, draw)
    thing, other = (_thing(noun, draw) for noun in draw.sample(THINGS[split], 2))
    relationship, last = _wordings(case, split, draw)
    reply = Turn(answerer, _reply(skill_of(case), thing, draw), annotations=(_annotation(case, thing, draw),))
    return Dialogue(
        turns=(
            Turn(asker, _opening(draw).format(thing=other)),
            Turn(answerer, draw.choice(NODS)),
            Turn(asker, last.format(thing=thing)),
            reply,
        ),
        context=SocialContext(relationship=relationship, situation=_situation(split, draw)),
        id=f"rule:{split}:{name}",
        corpus="rule",
        split=split,
        lang="en",
        meta={"context": case.context, "turn": case.turn},
    )


def context_removed(dialogue: Dialogue) -> Dialogue:
    """Return the dialogue with nothing known beforehand."""
    return msgspec.structs.replace(dialogue, context=SocialContext())


def turn_removed(dialogue: Dialogue) -> Dialogue:
    """Return a dialogue of this world without the turn that the rule looks at."""
    *before, _, reply = dialogue.turns
    return msgspec.structs.replace(dialogue, turns=(*before, reply))


def in_test(context: int, turn: int) -> bool:
    """Say whether these wordings (places in their lists) are together only in the test split."""
    return (context + turn) % TEST_OF == 0


def name_in_test(name: str) -> bool:
    """Say whether people of this name are only in the test split."""
    return zlib.crc32(name.encode()) % TEST_OF == 0


def _names(split: Split, draw: random.Random) -> list[str]:
    """Return two names of a split."""
    found: list[str] = []
    while len(found) < 2:
        name = "".join(draw.choices(SYLLABLES, k=draw.choice((2, 3)))).capitalize()
        if name not in found and name_in_test(name) == (split == "test"):
            found.append(name)
    return found


def _thing(noun: str, draw: random.Random) -> str:
    return f"{draw.choice(ADJECTIVES)} {noun}" if draw.random() < 0.5 else noun


def _wordings(case: Case, split: Split, draw: random.Random) -> tuple[str, str]:
    contexts, turns = CONTEXTS[case.context].wordings, TURNS[case.turn].wordings
    allowed = [
        (context, turn)
        for place, context in enumerate(contexts)
        for other, turn in enumerate(turns)
        if in_test(place, other) == (split == "test")
    ]
    return draw.choice(allowed)


def _situation(split: Split, draw: random.Random) -> str:
    return f"{draw.choice(WEEKDAYS)} at {draw.choice(PLACES[split])}"


def _opening(draw: random.Random) -> str:
    """Return a greeting, or a turn that says nothing about the last one."""
    misleading = draw.choice(TURNS[draw.choice([*TURNS])].wordings)
    return draw.choice((misleading, draw.choice(GREETINGS)))


def _annotation(case: Case, thing: str, draw: random.Random) -> Annotation:
    skill = skill_of(case)
    context, turn = draw.choice(CONTEXTS[case.context].thoughts), draw.choice(TURNS[case.turn].thoughts)
    wrong = draw.choice([other for other in SKILLS if other != skill])
    return Annotation(skill, f"{context}, and {turn}.", _reply(wrong, thing, draw), "rule")


def _reply(skill: str, thing: str, draw: random.Random) -> str:
    return draw.choice(REPLIES[skill]).format(thing=thing)
