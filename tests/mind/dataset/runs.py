"""A finished annotation run, written without asking anyone: what its readers have to cope with."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Answer, Role
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.ledger import Ledger, Work
from skillofmind.mind.annotate.request import TEACHER_SAMPLING
from skillofmind.mind.dataset.files import Finish, write_files
from skillofmind.mind.dataset.report import Report
from skillofmind.mind.dataset.rows import Maker
from skillofmind.run.budget import Prices
from skillofmind.run.log import AppendLog
from tests.mind.annotate.rows import course

FINISH = Finish(
    Filters(leak=0.4, duplicates=False),
    Maker({"teacher": "big"}, "prompthash", TEACHER_SAMPLING),
    {"teacher": Prices(1.0, 2.0)},
    "USD",
)
SKILLS = ("Empathy", "Clarification", "Recommendation")
COUNTERFACTUAL = "Shall we order pizza and watch the match tonight?"


def row(number: int, talk: int, corpus: str = "own", licence: str = "CC BY 4.0") -> Instance:
    """A row of dialogue `talk`; several rows may be cut from one."""
    turns = tuple(
        Turn("Ana" if place % 2 == 0 else "Ben", f"talk {talk}, line {place}") for place in range(3)
    )
    context = Dialogue(
        turns,
        SocialContext(relationship="flatmates"),
        id=f"{corpus}:{talk}",
        corpus=corpus,
        lang="en",
        licence=licence,
        responder="Ben",
    )
    return Instance(f"{number}:{corpus}:{talk}", context, Turn("Ben", f"secret{number}x says Ben at last"), 3)


def reply_to(number: int, skills: Sequence[str] = ()) -> str:
    return msgspec.json.encode(
        [
            {
                "skill": skill,
                "explanation": f"I want to be there for Ana, thought {number} about {skill}.",
                "counterfactual response": COUNTERFACTUAL,
            }
            for skill in skills or (SKILLS[number % 3],)
        ]
    ).decode()


def write_run(
    folder: Path, rows: Sequence[Instance], replies: Sequence[str], finish: Finish = FINISH
) -> Report:
    """Write a run in which the teacher gave these replies."""
    folder.mkdir(parents=True, exist_ok=True)
    with AppendLog(folder / "log.jsonl") as log:
        ledger = Ledger(log)
        for number, (one, text) in enumerate(zip(rows, replies, strict=True)):
            roles: tuple[Role, ...] = ("teacher",) if text.startswith("[") else ("teacher", "repair")
            answers = tuple(
                Answer(
                    role, text=text, stop="stop", usage=Usage(100, 10), time="2030-01-01T00:00:00+00:00",
                    model="big-1", request=f"r{number}",
                )
                for role in roles
            )  # fmt: skip
            ledger.append(one.id, Work(answers, settled=True))
        return write_files(rows, course(), ledger, finish, folder)


def plain_run(folder: Path, count: int = 30) -> Report:
    """Write a run, three rows from each dialogue; every tenth is rejected, every fifth has two skills."""
    rows = [row(number, number // 3) for number in range(count)]
    replies = [
        "no idea"
        if number % 10 == 9
        else reply_to(number, ("Empathy", "Persuasion") if number % 5 == 0 else ())
        for number in range(count)
    ]
    return write_run(folder, rows, replies)
