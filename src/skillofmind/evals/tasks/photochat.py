"""PhotoChat: is this the moment to send a picture?

Paper: arXiv 2108.01453; PhotoChat++ has the same rows. Licence: CC BY 4.0. No copy is provided, so the
reader was written from the documented format.

A JSON list, or lines, of `{dialogue: [{message, share_photo, user_id}], dialogue_id, photo_description,
photo_url}`; the turn that shares the photo has no words.

`photochat` asks at the turn that shares the photo (the first one, but for a first turn), and at one turn a
dialogue that does not, drawn by the hash of its id among all turns but the first, before the photo or after
it. Always naming Image-Sharing is right at half of them and has `class_recall` 0.5. `photochat.official` has
the first kind alone, as the published code, so that always naming it is right everywhere; it also takes the
speakers by turns, whoever wrote.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, Image, Label, Speaker, Turn
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, split_of
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected
from skillofmind.evals.records import Gold, Item
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.asking import asked
from skillofmind.evals.tasks.parts import tested
from skillofmind.evals.tasks.scoring import as_written, by_class, class_measures, class_tables

SCHEME = "photochat.share_photo"
SHARES, OTHER = "Image-Sharing", "other"
_SEED = 7


class _Said(Record, frozen=True, forbid_unknown_fields=False):
    message: str = ""
    share_photo: bool = False
    user_id: int | str = 0


class _Talk(Record, frozen=True, forbid_unknown_fields=False):
    dialogue: tuple[_Said, ...]
    dialogue_id: int | str | None = None
    photo_description: str = ""
    photo_url: str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's JSON files.

    Raises:
        DataError: nothing can be read there.
    """
    yield from dialogues(files_of(path, "**/*.json", "**/*.jsonl"), json_rows, _dialogue)


def _dialogue(row: Row) -> Dialogue | Rejected:
    found = msgspec.convert(row.value, _Talk)
    if not found.dialogue:
        return row.rejected("the dialogue has no turns; give at least one.")
    if any(not one.message.strip() and not one.share_photo for one in found.dialogue):
        return row.rejected("a turn has neither words nor a photo; every turn needs one of them.")
    split, given = split_of(row.path), found.dialogue_id
    name = row.place if given is None else f"{split}:{given}" if split else given
    return Dialogue(
        turns=tuple(_turn(one, found) for one in found.dialogue),
        id=f"photochat:{name}",
        speakers=(Speaker("0", "A", human=True), Speaker("1", "B", human=True)),
        corpus="photochat",
        split=split,
        lang="en",
        licence="CC BY 4.0",
        scenario="image",
    )


def _turn(said: _Said, talk: _Talk) -> Turn:
    label = Label(SCHEME, "true" if said.share_photo else "false")
    images = (Image(talk.photo_description or "a photo", talk.photo_url),) if said.share_photo else ()
    return Turn(str(said.user_id), said.message, images=images, labels=(label,))


def photochat() -> Task:
    """Make the task with as many turns that share nothing."""
    return _task("photochat", "Whether the next turn sends a picture (PhotoChat).", False)


def photochat_official() -> Task:
    """Make the task as the published code has it."""
    return _task("photochat.official", "The same at turns that send one, as the published code.", True)


def _task(name: str, about: str, official: bool) -> Task:
    class_of = _official_class if official else _class_of
    return Task(
        name,
        about,
        "plan",
        "photochat",
        partial(_items, name, _official if official else _both),
        by_class(class_of),
        class_measures(class_of),
        class_tables(class_of),
        ("turns",),
        official,
    )


def _items(name: str, ask: Callable[[str, Dialogue], Iterator[Item]], data: Path) -> Iterator[Item]:
    for dialogue in tested(read(data / "photochat")):
        yield from ask(name, dialogue)


def _both(task: str, dialogue: Dialogue) -> Iterator[Item]:
    for index in sorted({*_sharing(dialogue), *_other(dialogue)}):
        yield _item(task, dialogue.before(index), index, dialogue.turns[index])


def _official(task: str, dialogue: Dialogue) -> Iterator[Item]:
    for index in _sharing(dialogue):
        turns = tuple(
            Turn("01"[place % 2], one.text, images=one.images)
            for place, one in enumerate(dialogue.turns[:index])
        )
        shown = msgspec.structs.replace(dialogue, turns=turns, responder="01"[index % 2])
        yield _item(task, shown, index, dialogue.turns[index])


def _sharing(dialogue: Dialogue) -> list[int]:
    """Return the place of the first shared photo; none where nothing stands before it."""
    return [index for index, turn in enumerate(dialogue.turns) if turn.images][:1] if _opens(dialogue) else []


def _opens(dialogue: Dialogue) -> bool:
    return not dialogue.turns[0].images


def _other(dialogue: Dialogue) -> list[int]:
    """Return the place of one turn, not the first, that shares no photo."""
    places = [index for index, turn in enumerate(dialogue.turns) if index and not turn.images]
    return sorted(places, key=lambda index: _point(f"{dialogue.id}#{index}"))[:1]


def _point(name: str) -> bytes:
    return hashlib.sha256(f"{_SEED}\0{name}".encode()).digest()


def _item(task: str, shown: Dialogue, index: int, turn: Turn) -> Item:
    return asked(
        task, shown, index, Gold(label=SHARES if turn.images else OTHER, reply=turn.text), scheme=SCHEME
    )


def _class_of(plan: Plan) -> str:
    return "" if plan.skill is None else SHARES if plan.skill == SHARES else OTHER


def _official_class(plan: Plan) -> str:
    return SHARES if as_written(plan).lower() == SHARES.lower() else OTHER
