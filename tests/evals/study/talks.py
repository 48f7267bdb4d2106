"""Dialogues with two or three replies each, made from the starter dialogues of the package."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.cli.study.desk import Desk, Posted
from skillofmind.evals.study.design.building import Design, build
from skillofmind.evals.study.design.checks import REAL
from skillofmind.evals.study.design.material import gather, source
from skillofmind.evals.study.design.sheets import sheets
from skillofmind.evals.study.design.wording import Wording
from skillofmind.evals.study.folder import OpenStudy, create
from skillofmind.evals.study.records import Choice, Criterion, Study, Task
from skillofmind.mind.starter import starter_dialogues

GOOD, PLAIN = "thanos-7b", "baseline-7b"
"""Names of systems; they must never reach a rater."""


def lines(count: int) -> Iterator[dict[str, Any]]:
    """Yield items of a study: a starter dialogue, the turn that follows, and its counterfactual."""
    made = 0
    for dialogue in starter_dialogues():
        for index, turn in enumerate(dialogue.turns):
            if index < 3 or not turn.annotations or not turn.annotations[0].counterfactual:
                continue
            replies = {GOOD: turn.text, PLAIN: turn.annotations[0].counterfactual}
            thought = turn.annotations[0]
            yield {
                "id": f"item-{made}",
                "dialogue": msgspec.to_builtins(dialogue.before(index)),
                "replies": replies,
                "plan": {"skill": thought.skill, "explanation": thought.explanation},
            }
            made += 1
            if made == count:
                return
            break


def write_replies(path: Path, count: int) -> Path:
    """Write a file of items with the replies of two systems."""
    return _write(path, [{key: one[key] for key in ("id", "dialogue", "replies")} for one in lines(count)])


def write_plans(path: Path, count: int) -> Path:
    """Write a file of items with the plan of one system."""
    return _write(path, [{key: one[key] for key in ("id", "dialogue", "plan")} for one in lines(count)])


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def small_study(folder: Path, count: int, **design: Any) -> tuple[Study, tuple[Task, ...]]:
    """Build a study of the replies of two systems."""
    found = gather([source(str(write_replies(folder / "replies.jsonl", count)))])
    return build(found, Design(**design), Wording(), "Replies")


def made_study(folder: Path, count: int, **design: Any) -> Path:
    """Write a study of the replies of two systems, and return its folder."""
    create(folder / "study", *small_study(folder, count, **design))
    return folder / "study"


Chooser = Callable[[Task, Criterion, bool], Choice]
"""Task, criterion and whether the sides are swapped -> what the rater chooses."""


def answer_all(folder: Path, rater: str, choose: Chooser, *, seconds: float = 5.0) -> None:
    """Answer every page of a rater as `choose` says."""
    with OpenStudy(folder, lambda: "2026-01-01T00:00:00+00:00") as opened:
        opened.join(rater)
        opened.consent(rater)
        desk = Desk(opened)
        sheet = sheets(opened.study, tuple(opened.tasks.values()))[opened.raters[rater].share]
        for place, key in enumerate(sheet.tasks):
            task, swapped = opened.tasks[key], sheet.swapped[place]
            choices = {one.name: choose(task, one, swapped) for one in opened.study.criteria}
            desk.answer(rater, Posted(place, choices, seconds + place % 3))


def attentive(prefers: Callable[[Task, Criterion], str]) -> Chooser:
    """Return a rater who passes all checks, and says of real tasks what `prefers` says: a system or ""."""

    def choose(task: Task, criterion: Criterion, swapped: bool) -> Choice:
        if task.sort == "instructed":
            return task.expected
        liked = REAL if task.sort == "broken" else prefers(task, criterion)
        if not liked:
            return "same"
        return "left" if (liked == task.first) != swapped else "right"

    return choose
