"""BlendedSkillTalk: whose suggestion the guided worker chose tells which kind of skill the turn has.

`bst` shows what was said before the chosen turn: the two given turns, then for each exchange the free
worker's message and the guided worker's. `bst.official` does what the published evaluation code of the
skill-of-mind paper (arXiv 2411.04496) does, for comparison:

- of each exchange it keeps one message, the free worker's for even ones and the guided worker's for odd ones,
  so half of the turns are missing, the one that is answered among them;
- every chosen turn of a dialogue is shown the context of the last one, which may lie behind it;
- nothing is known of the speakers, and a skill counts only as the code spells it.

The shared copy of the corpus has no choices, so it gives no items: the Hugging Face or ParlAI form is needed.
Only the test part is asked, where there is one.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.plan import Plan
from skillofmind.data.corpora.persona.blended_skill_talk import CHOSEN, read
from skillofmind.data.labels import load_label_map
from skillofmind.evals.measures.skill import score_skill, skill_measures, skill_tables
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.asking import asked
from skillofmind.evals.tasks.parts import tested
from skillofmind.evals.tasks.scoring import as_written, by_class, class_measures, class_tables

FOLDER = "blended_skill_talk"
_GIVEN = 2
"""Turns that the workers were given to go on from."""


def bst() -> Task:
    """Make the task as it should be."""
    about = "Kind of skill of the guided worker's next turn (BlendedSkillTalk)."
    items = partial(_items, "bst", _corrected)
    return Task("bst", about, "plan", FOLDER, items, score_skill, skill_measures, skill_tables, ("turns",))


def bst_official() -> Task:
    """Make the task as the published code has it."""
    return Task(
        "bst.official",
        "The same with the context that the published code shows, and its spelling of skills.",
        "plan",
        FOLDER,
        partial(_items, "bst.official", _official),
        by_class(_official_class),
        class_measures(_official_class),
        class_tables(_official_class),
        ("turns",),
        official=True,
    )


def _items(name: str, ask: Callable[[str, Dialogue], Iterator[Item]], data: Path) -> Iterator[Item]:
    for dialogue in tested(read(data / FOLDER)):
        yield from ask(name, dialogue)


def _corrected(task: str, dialogue: Dialogue) -> Iterator[Item]:
    for index in _chosen(dialogue):
        yield _item(task, dialogue.before(index), index, dialogue.turns[index])


def _official(task: str, dialogue: Dialogue) -> Iterator[Item]:
    chosen = _chosen(dialogue)
    if not chosen:
        return
    last = (chosen[-1] - _GIVEN) // 2
    kept = [dialogue.turns[_GIVEN + 2 * number + number % 2] for number in range(last)]
    shown = msgspec.structs.replace(
        dialogue,
        turns=(*dialogue.turns[:_GIVEN], *kept),
        context=SocialContext(),
        speakers=tuple(msgspec.structs.replace(one, persona=(), role=None) for one in dialogue.speakers),
        responder="B",
    )
    for index in chosen:
        yield _item(task, shown, index, dialogue.turns[index])


def _chosen(dialogue: Dialogue) -> list[int]:
    """Return the places of the turns that go back to a suggestion."""
    return [index for index, turn in enumerate(dialogue.turns) if _kind(turn)]


def _kind(turn: Turn) -> str:
    matches = (load_label_map().match(label) for label in turn.labels if label.scheme == CHOSEN)
    return next((match.group for match in matches if match is not None and match.group), "")


def _item(task: str, shown: Dialogue, index: int, turn: Turn) -> Item:
    return asked(task, shown, index, Gold(label=_kind(turn), reply=turn.text), scheme=CHOSEN)


def _official_class(plan: Plan) -> str:
    """Return the class of the skill as it is written; the code knows one spelling of each."""
    table = load_label_map()
    listed = {skill for label in _listed() for skill in label}
    return table.class_of(CHOSEN, as_written(plan)) if as_written(plan) in listed else ""


def _listed() -> tuple[tuple[str, ...], ...]:
    scheme = load_label_map().scheme(CHOSEN)
    return tuple(scheme.classes.values()) if scheme else ()
