"""Small corpora of our own in the forms of published ones, and plans to answer with."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.plan import Plan
from skillofmind.evals.records import Answer, Case, Item
from skillofmind.evals.task import Task
from tests.corpora import corpora_folder
from tests.data.corpora.small_files import write_json_lines

BST_LONG = {
    "personas": ["i bake bread.", "i have two cats."],
    "additional_context": "Bread",
    "previous_utterance": ["free given", "guided given"],
    "context": "wizard_of_wikipedia",
    "free_messages": [f"free {n}" for n in range(6)],
    "guided_messages": [f"guided {n}" for n in range(6)],
    "guided_chosen_suggestions": ["convai2", "", "empathetic_dialogues", "wizard_of_wikipedia", "", ""],
}
"""Choices at exchanges 0, 2 and 3: turns 3, 7 and 9."""

BST_UNCHOSEN = {**BST_LONG, "guided_chosen_suggestions": [""] * 6}


def prosocial_row(dialogue: int, row: int, level: str, rules: Sequence[str] | None) -> dict[str, Any]:
    """One row of ProsocialDialog as published."""
    return {
        "context": f"remark {dialogue}.{row}",
        "response": f"answer {dialogue}.{row}",
        "rots": rules,
        "safety_label": level,
        "safety_annotations": [],
        "safety_annotation_reasons": [],
        "source": "ours",
        "dialogue_id": dialogue,
        "response_id": row,
        "episode_done": False,
    }


PROSOCIAL = [
    prosocial_row(1, 0, "__casual__", None),
    prosocial_row(1, 1, "__probably_needs_caution__", ["It is rude to shout."]),
    prosocial_row(1, 2, "__needs_intervention__", ["You should call for help."]),
    prosocial_row(2, 0, "__possibly_needs_caution__", []),
    prosocial_row(2, 1, "__needs_caution__", ["It is wrong to steal."]),
]


def photo_talk(number: int, *turns: str | int) -> dict[str, Any]:
    """One PhotoChat dialogue; a number stands for a photo that this user shares."""
    said = [
        {"message": "", "share_photo": True, "user_id": turn}
        if isinstance(turn, int)
        else {"message": turn, "share_photo": False, "user_id": place % 2}
        for place, turn in enumerate(turns)
    ]
    return {
        "dialogue": said,
        "dialogue_id": number,
        "photo_description": "Objects in the photo: Cake",
        "photo_url": "https://example.org/cake.jpg",
    }


PHOTOS = [photo_talk(n, "hi", "hello", "I baked today", "show me", 0, "yum", "thanks") for n in range(8)]


def written(folder: Path, rows: Sequence[Any], name: str = "test.jsonl") -> Path:
    """Write rows into a corpus's folder; return the data folder."""
    write_json_lines(folder / name, *rows)
    return folder.parent


def data_folder(*corpora: str) -> Path:
    """Return the folder of the published corpora; skip the test where one of them is absent."""
    folder = corpora_folder()
    if folder is None or any(not (folder / name).is_dir() for name in corpora):
        pytest.skip(f"shared/data with {', '.join(corpora)} is not beside the repository")
    return folder


def answered(task: Task, items: Sequence[Item], plan: Callable[[Item], Plan]) -> list[Case]:
    """Return the cases of a planner that is a function."""
    answers = [Answer(plan=plan(item)) for item in items]
    return [Case(item, answer, task.score(item, answer)) for item, answer in zip(items, answers, strict=True)]


def always(skill: str) -> Callable[[Item], Plan]:
    """Make the planner that names one skill."""
    return lambda item: Plan(skill=skill, skill_raw=skill, valid=True)


def values(task: Task, cases: Sequence[Case]) -> dict[str, float]:
    """Return measure -> its value over all cases."""
    return {one.name: float(one.value(one.rows.sum(axis=0))) for one in task.measures(cases)}


def texts(item: Item) -> list[str]:
    """Return what the item shows."""
    return [turn.text for turn in item.dialogue.turns]


def read_all(task: Task, data: Path) -> list[Item]:
    """Return all items."""
    found: Iterator[Item] = task.items(data)
    return list(found)
