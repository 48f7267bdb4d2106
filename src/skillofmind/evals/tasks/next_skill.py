"""The skill, or the class of skills, that people's labels say came next: a task for each labelled corpus.

Only the test part is asked (`labelled` says which that is), so that a planner may be trained on the rest.
Labels rated weak make tasks of their own (`casino.weak`), or the whole task is weak; `slices["strength"]`
says it of every item.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skillofmind.data.labels import load_label_map
from skillofmind.evals.measures.skill import score_skill, skill_measures, skill_tables
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.asking import asked
from skillofmind.evals.tasks.labelled import SOURCES, LabelledTurn, folder_of, load

ABOUT = {
    "esconv": "Skill of an emotional supporter's next turn (ESConv strategies).",
    "casino": "Skill of a negotiator's next turn (CaSiNo strategies).",
    "persuasionforgood": "Skill of a persuader's next turn (PersuasionForGood).",
    "annomi": "Skill of a counsellor's next turn (AnnoMI behaviours).",
    "empathetic_dialogues": "Skill of a listener's next turn (EmpatheticDialogues intents).",
    "cima": "Skill of a tutor's next turn (CIMA actions of several tutors).",
    "dailydialog": "Class of the next turn's act in daily talk (DailyDialog; weak).",
    "xdailydialog.en": "Class of the next turn's act in English (XDailyDialog; weak).",
    "xdailydialog.de": "Class of the next turn's act in German (XDailyDialog; weak).",
    "xdailydialog.it": "Class of the next turn's act in Italian (XDailyDialog; weak).",
    "xdailydialog.zh": "Class of the next turn's act in Chinese (XDailyDialog; weak).",
    "casino.weak": "Skill of a negotiator's small talk (CaSiNo; weak).",
    "persuasionforgood.weak": "Skill of both sides' turns with weak labels only (PersuasionForGood).",
    "socialdial": "Skill of the turn that keeps a Chinese norm or deals with its breach (SocialDial; weak).",
    "diasafety": "Skill that a risky context calls for (DiaSafety; weak).",
}
"""Name of a source -> what its task asks."""


def next_skill(name: str) -> Task:
    """Make the task of a labelled source."""
    return Task(
        name,
        ABOUT[name],
        "plan",
        folder_of(name),
        partial(_items, name),
        score_skill,
        skill_measures,
        skill_tables,
        ("strength", "turns"),
    )


def _items(name: str, data: Path) -> Iterator[Item]:
    for row in load(name, data, load_label_map()).test:
        yield item_of(name, row)


def item_of(task: str, row: LabelledTurn) -> Item:
    """Return the item of a labelled turn."""
    if SOURCES[task].by_class:
        gold = Gold(label=row.gold, reply=row.reply)
    else:
        gold = Gold((row.gold,), tuple(sorted(row.accept - {row.gold})), reply=row.reply)
    return asked(task, row.dialogue, row.place, gold, scheme=row.scheme, strength=row.strength)
