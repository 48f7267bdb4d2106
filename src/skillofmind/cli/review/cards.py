"""What the page shows, as records that become JSON."""

from collections.abc import Mapping
from typing import Any

import msgspec

from skillofmind.cli.review.desk import Desk
from skillofmind.core.dialogue import Turn
from skillofmind.core.picture import image_of, spoken
from skillofmind.mind.dataset.review import NONE, Decision, Item
from skillofmind.mind.render import context_lines, display_names


class Entry(msgspec.Struct, frozen=True):
    """One line of the list: what is decided, and how; label "" while it is hidden."""

    row: str
    number: int
    label: str
    verdict: str


class Said(msgspec.Struct, frozen=True):
    """One turn: name, words, and the description of a shared picture or ""."""

    speaker: str
    text: str
    image: str


class Card(msgspec.Struct, frozen=True):
    """Everything about one item.

    Attributes:
        row: id of the row.
        number: of the annotation; -1 for a rejected row.
        about: what of the dialogue is known beforehand, a line each.
        turns: before the reply.
        reply: the turn that was annotated.
        lang: of the dialogue.
        hidden: whether a blind choice is due; what follows is empty then.
        skill: the teacher's.
        explanation: the teacher's.
        counterfactual: the teacher's.
        annotator: the teacher.
        others: skills of the other annotations of the turn; a blind review may still ask for them.
        reason: why the row was rejected; "" for an annotation.
        detail: the same as a sentence.
        replies: role and raw reply.
        blind: the skill chosen blindly.
        decision: what this reviewer decided before.
    """

    row: str
    number: int
    about: tuple[str, ...]
    turns: tuple[Said, ...]
    reply: Said
    lang: str
    hidden: bool
    skill: str = ""
    explanation: str = ""
    counterfactual: str = ""
    annotator: str = ""
    others: tuple[str, ...] = ()
    reason: str = ""
    detail: str = ""
    replies: tuple[tuple[str, str], ...] = ()
    blind: str = ""
    decision: Decision | None = None


def entry_of(desk: Desk, item: Item) -> Entry:
    """Return the line of an item in the list."""
    decided = desk.decided(item)
    label = "" if desk.is_hidden(item) else item.label
    return Entry(item.row.id, item.number, label, decided.verdict if decided else "")


def card(desk: Desk, item: Item) -> Card:
    """Return the card of an item."""
    names = display_names(item.row)
    *before, reply = item.row.turns
    known: dict[str, Any] = {}
    if not desk.is_hidden(item):
        known = _annotated(desk, item) if item.annotation else _rejected(item)
        known |= {"blind": desk.chosen(item), "decision": desk.decided(item)}
    return Card(
        row=item.row.id,
        number=item.number,
        about=tuple(line.text for line in context_lines(item.row)),
        turns=tuple(_said(turn, names) for turn in before),
        reply=_said(reply, names),
        lang=item.row.lang,
        hidden=desk.is_hidden(item),
        **known,
    )


def setup(
    desk: Desk,
    counts: tuple[Mapping[str, int], Mapping[str, int]],
    skill: str | None,
    reason: str | None,
) -> dict[str, Any]:
    """Return what the page needs once: who reviews, the skills, how much of each there is."""
    skills, reasons = counts
    return {
        "reviewer": desk.reviewer,
        "blind": desk.blind,
        "none": NONE,
        "run": desk.drawing.folder.name or str(desk.drawing.folder),
        "n": desk.drawing.n,
        "seed": desk.drawing.seed,
        "first": {"skill": skill or "", "reason": reason or ""},
        "taxonomy": desk.taxonomy.skills,
        "skills": {} if desk.blind else skills,
        "reasons": reasons,
    }


def _said(turn: Turn, names: Mapping[str, str]) -> Said:
    return Said(names.get(turn.speaker, turn.speaker), spoken(turn), image_of(turn) or "")


def _annotated(desk: Desk, item: Item) -> dict[str, Any]:
    annotation = item.annotation
    assert annotation is not None
    others = [one.skill for n, one in enumerate(item.row.turns[-1].annotations) if n != item.number]
    return {
        "skill": annotation.skill,
        "explanation": annotation.explanation,
        "counterfactual": annotation.counterfactual or "",
        "annotator": annotation.annotator or "",
        "others": () if desk.blind else tuple(others),
    }


def _rejected(item: Item) -> dict[str, Any]:
    found = item.rejection
    return {"reason": found.reason, "detail": found.detail, "replies": found.replies}
