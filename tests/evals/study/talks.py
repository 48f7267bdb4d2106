"""Dialogues with two or three replies each, made from the starter dialogues of the package."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.evals.study.building import Design, build
from skillofmind.evals.study.material import gather, source
from skillofmind.evals.study.records import Study, Task
from skillofmind.evals.study.wording import Wording
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
