"""Cases of an evaluation in any number, made up: words, skills and arms as frequent as real ones.

Turns are drawn word by word from the words of the starter dialogues, with their frequencies, so that they
pack about as well as real ones; a planner guesses skills, sometimes the right one, and says how sure it is.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.plan import Alternative, Evidence, Plan
from skillofmind.evals.measures.skill import score_skill, skill_measures, skill_tables
from skillofmind.evals.records import Answer, Case, Gold, Item, Summary
from skillofmind.evals.summary import summarise
from skillofmind.evals.task import Task
from skillofmind.mind.starter import starter_dialogues
from skillofmind.mind.taxonomy import load_taxonomy

LANGS = ("en", "en", "en", "ko", "zh", "es")
NAMES = ("esconv.next", "bst", "prosocial", "starter")
SPEAKERS = ("Ana", "Jun", "Priya", "Tom", "Efua", "Marek")


def _no_items(folder: Path) -> Iterator[Item]:
    return iter(())


TASKS = {
    name: Task(
        name,
        "Which skill comes next?",
        "plan",
        "",
        _no_items,
        score_skill,
        skill_measures,
        skill_tables,
        ("corpus", "lang", "turns"),
    )
    for name in NAMES
}
"""Tasks of these names that score plans as those of the package do."""


class Planner(NamedTuple):
    """Somebody who guesses.

    Attributes:
        name: of the run.
        skilled: share of right guesses (0 to 1).
        failing: share of items that fail.
        seed: of its guesses.
    """

    name: str
    skilled: float
    failing: float = 0.004
    seed: int = 1


def items(
    count: int, *, turns: int = 8, words: int = 15, arms: Sequence[str] = ("",), seed: int = 0
) -> list[Item]:
    """Return `count` items: four tasks, dialogues of `turns` turns of `words` words, several of one group."""
    draw, vocabulary, skills = random.Random(seed), _Words(), load_taxonomy().names()
    frequent = [1 / (rank + 3) for rank in range(len(skills))]
    found: list[Item] = []
    while len(found) < count:
        number = len(found) // len(arms)
        dialogue = _dialogue(draw, vocabulary, number, turns, words)
        gold = Gold(
            tuple(draw.choices(skills, frequent)),
            explanation=vocabulary.sentence(draw, 25),
            reply=vocabulary.sentence(draw, words),
        )
        slices = {
            "corpus": dialogue.corpus,
            "lang": dialogue.lang,
            "turns": draw.choice(("2 to 4", "5 to 8", "9 or more")),
        }
        for arm in arms:
            found.append(
                Item(
                    NAMES[number % 4], f"{number:05d}", f"dialogue:{number // 3}", dialogue, gold, arm, slices
                )
            )
    return found[:count]


def cases(asked: Sequence[Item], planner: Planner) -> list[Case]:
    """Return what a planner answers, with scores."""
    draw, vocabulary, skills = random.Random(planner.seed), _Words(), load_taxonomy().names()
    return [_case(item, planner, draw, vocabulary, skills) for item in asked]


def summary(name: str, found: Sequence[Case]) -> Summary:
    """Return the numbers of cases, as the runner makes them."""
    made = summarise(found, TASKS, {"planner": name, "model": "none"})
    note = "All dialogues, plans and numbers of this report are made up."
    return msgspec.structs.replace(made, version="0.0", notes=(note, *made.notes))


class _Words:
    """The words of the starter dialogues, drawn as often as they occur."""

    def __init__(self) -> None:
        said = [
            turn.text for dialogue in starter_dialogues() if dialogue.lang == "en" for turn in dialogue.turns
        ]
        counted: dict[str, int] = {}
        for word in " ".join(said).split():
            counted[word] = counted.get(word, 0) + 1
        self.words, self.weights = list(counted), list(accumulate(counted.values()))

    def sentence(self, draw: random.Random, length: int) -> str:
        return " ".join(draw.choices(self.words, cum_weights=self.weights, k=length))


def _dialogue(draw: random.Random, vocabulary: _Words, number: int, turns: int, words: int) -> Dialogue:
    one, other = draw.sample(SPEAKERS, 2)
    said = tuple(Turn((one, other)[at % 2], vocabulary.sentence(draw, words)) for at in range(turns))
    context = SocialContext(
        situation=vocabulary.sentence(draw, 12),
        relationship=draw.choice(("friends", "colleagues", "siblings")),
    )
    return Dialogue(
        said,
        context,
        id=f"made:{number}",
        corpus=draw.choice(("esconv", "bst", "prosocial")),
        lang=draw.choice(LANGS),
    )


def _case(
    item: Item, planner: Planner, draw: random.Random, vocabulary: _Words, skills: Sequence[str]
) -> Case:
    if draw.random() < planner.failing:
        answer = Answer(error="The server gave no answer within 60 seconds.")
        return Case(item, answer, score_skill(item, answer))
    right = item.gold.skills[0]
    hardness = 0.6 + 0.8 * ((skills.index(right) * 7) % 11) / 11
    met = draw.random() < min(0.95, planner.skilled * hardness * (0.8 if item.arm else 1.0))
    # Wrong guesses mostly go to one neighbour of the right skill, as real ones do.
    at = skills.index(right)
    named = right if met else skills[(at + draw.choice((1, 1, 1, 2, 5, 11, 17))) % len(skills)]
    sure = round(min(0.99, max(0.03, draw.gauss(0.62 if met else 0.42, 0.18))), 4)
    others = [skill for skill in draw.sample(skills, 4) if skill != named]
    ranked = (
        Alternative(named, sure),
        *(Alternative(skill, round((1 - sure) / 2**place / 2, 4)) for place, skill in enumerate(others)),
    )
    words = item.gold.explanation.split()
    plan = Plan(
        " ".join([*words[: draw.randint(4, 12)], *vocabulary.sentence(draw, 15).split()]),
        named,
        named,
        sure,
        ranked,
        (Evidence("turn", "3", vocabulary.sentence(draw, 8), 0.41),),
        valid=True,
        planner=planner.name,
    )
    answer = Answer(plan)
    return Case(item, answer, score_skill(item, answer))
