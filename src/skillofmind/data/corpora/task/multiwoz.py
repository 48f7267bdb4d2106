"""MultiWOZ 2.2: tourists ask for hotels, trains, tables and taxis (arXiv 2007.12720; data arXiv 1810.00278).

Form: the folder `data/MultiWOZ_2.2` with `train/dialogues_001.json` and so on, `dev/`, `test/`, or one such
file: a JSON list, streamed. Where `dialog_acts.json` lies beside it, or in the folder above, its acts become
labels; it is read whole. Licence: MIT.

    dialogue_id           the id
    services              context.services
    turns[].utterance, .speaker   turns of USER and SYSTEM
    turns[].frames        turn meta.frames, without those that say nothing (no slot, no action, no intent)
    dialog_acts.json      labels `multiwoz.act` (`Hotel-Inform`), their slots in turn meta.acts
    all others            meta

Pitfalls: dialogues without a service exist; the Thanos data drops them, here they are kept with
`meta.remark` saying so. Acts whose turn is not in the dialogue are ignored.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, plain_name, split_of
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "MIT"
ACT = "multiwoz.act"
_ACTS_FILE = "dialog_acts.json"
_SPEAKERS = (Speaker("USER", role="asks a service"), Speaker("SYSTEM", role="service"))

Acts = dict[str, dict[str, dict[str, Any]]]
"""Dialogue id -> turn id -> act -> its slots."""


class Said(Shape, frozen=True):
    """One turn as published."""

    speaker: str
    utterance: str
    turn_id: str | int | None = None
    frames: list[dict[str, Any]] = []


class Talk(Shape, frozen=True):
    """One dialogue as published."""

    dialogue_id: str
    turns: list[Said]
    services: list[str] = []


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    known: dict[Path, Acts] = {}
    for file in files_of(path, "**/dialogues_*.json", "**/MULTIWOZ2_2.original_examples.json"):
        beside = _acts_beside(file)
        if beside and beside not in known:
            known[beside], faults = _acts(beside)
            yield from faults
        acts = known[beside] if beside else {}
        yield from converted(json_rows(file), Talk, partial(conversation, file, acts))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has services and turns with utterances."""
    return {"dialogue_id", "services", "turns"} <= keys_of(head) and plain_name(path) != _ACTS_FILE


def conversation(file: Path, acts: Acts, talk: Talk, row: Row) -> Iterator[Dialogue]:
    """Yield the dialogue of one row."""
    of_turn = acts.get(talk.dialogue_id, {})
    remark = {} if talk.services else {"remark": "the source names no service"}
    yield Dialogue(
        turns=tuple(_turn(said, of_turn.get(str(said.turn_id), {})) for said in talk.turns),
        context=SocialContext(services=tuple(talk.services)),
        id=f"multiwoz:{talk.dialogue_id}",
        speakers=_SPEAKERS,
        corpus="multiwoz",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="task-oriented",
        meta=remark | row.rest("dialogue_id", "turns", "services"),
    )


def _turn(said: Said, acts: dict[str, Any]) -> Turn:
    frames = [frame for frame in said.frames if _says_something(frame)]
    meta = {"frames": frames, "acts": acts}
    return Turn(
        said.speaker,
        said.utterance,
        labels=tuple(Label(ACT, act) for act in acts),
        meta={name: value for name, value in meta.items() if value},
    )


def _says_something(frame: dict[str, Any]) -> bool:
    state = frame.get("state")
    intent = state.get("active_intent") if isinstance(state, dict) else None
    return bool(frame.get("slots") or frame.get("actions") or (intent and intent != "NONE"))


def _acts_beside(file: Path) -> Path | None:
    """Return the file of acts that lies beside a file of dialogues or in the folder above."""
    places = [
        folder / f"{_ACTS_FILE}{packed}"
        for folder in (file.parent, file.parent.parent)
        for packed in ("", ".gz", ".zst")
    ]
    return next((place for place in places if place.is_file()), None)


def _acts(file: Path) -> tuple[Acts, list[Rejected]]:
    """Return the acts of a file, and its rows that are none."""
    acts: Acts = {}
    faults: list[Rejected] = []
    for row in json_rows(file):
        turns = None if isinstance(row, Rejected) else _of_turns(row.value)
        if isinstance(row, Rejected):
            faults.append(row)
        elif turns is None or not row.key:
            faults.append(row.rejected("not the acts of a dialogue; turns with `dialog_act` belong there."))
        else:
            acts[row.key] = turns
    return acts, faults


def _of_turns(value: Any) -> dict[str, dict[str, Any]] | None:
    if not isinstance(value, dict) or not all(isinstance(turn, dict) for turn in value.values()):
        return None
    found = {turn_id: turn.get("dialog_act") for turn_id, turn in value.items()}
    return {turn_id: acts for turn_id, acts in found.items() if isinstance(acts, dict)}
