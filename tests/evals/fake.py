"""A task that needs no corpus: dialogues that say their number, which also names the right skill."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.records import Answer, Case, Gold, Item, Table
from skillofmind.evals.task import Asks, Task
from skillofmind.mind.taxonomy import load_taxonomy
from tests.cli.som import numbered

SKILLS = load_taxonomy().names()


def items(count: int, task: str = "numbers", arms: Sequence[str] = ("",)) -> list[Item]:
    """Three items a group, one in two marked as even."""
    dialogues = numbered(count)
    return [
        Item(
            task,
            f"item-{number}",
            f"group-{number // 3}",
            msgspec.structs.replace(dialogue, id=f"{dialogue.id}{arm}"),
            Gold(skills=(SKILLS[number % len(SKILLS)],)),
            arm,
            {"parity": ("even", "odd")[number % 2], "all": "one"},
        )
        for arm in arms
        for number, dialogue in enumerate(dialogues)
    ]


def score(item: Item, answer: Answer) -> dict[str, float | None]:
    if answer.plan is None:
        return {"accuracy": None, "length": None}
    right = answer.plan.skill in item.gold.skills
    return {"accuracy": float(right), "length": float(len(answer.plan.explanation))}


def measures(cases: Sequence[Case]) -> list[Measure]:
    return [
        mean_of("accuracy", [case.scores["accuracy"] for case in cases], about="Right skills."),
        mean_of("length", [case.scores["length"] for case in cases], better="", about="Letters."),
    ]


def tables(cases: Sequence[Case]) -> tuple[Table, ...]:
    return (Table("Counts", ("what", "n"), (("cases", len(cases)), ("none", None))),)


def fake_task(
    count: int = 60,
    name: str = "numbers",
    *,
    arms: Sequence[str] = ("",),
    corpus: str = "",
    asks: Asks = "plan",
    official: bool = False,
) -> Task:
    def made(data: Path) -> Iterator[Item]:
        return iter(items(count, name, arms))

    return Task(
        name,
        "Name the skill of the number.",
        asks,
        corpus,
        made,
        score,
        measures,
        tables,
        ("parity", "all"),
        official,
    )
