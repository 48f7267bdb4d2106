"""Multi-Session Chat: the same two people talk again after hours or days.

Paper: arXiv 2107.07567. Licence: none stated for the data (released with ParlAI); research use.

One JSON object a line and a file a session (`session_2/test.txt` in ParlAI): `personas` [2], `dialog`
[{text, id, ...}], `metadata` {initial_data_id, session_id}, `previous_dialogs` [{personas, dialog,
time_num, time_unit, time_back}] with the oldest first, `init_personas`.

| source | becomes |
|---|---|
| `dialog` | turns of `Speaker 1` and `Speaker 2`; further fields go to `Turn.meta` |
| `personas`, as known before this session | `Speaker.persona` |
| `previous_dialogs` | `history`; their `elapsed` is `<time_num> <time_unit>`, the time to the next session |
| the last `elapsed` | `context.elapsed` |
| personas and `time_back` of earlier sessions, `init_personas` | `meta` |
| `initial_data_id` and number of the session | id `msc:<initial_data_id>:session_<n>`, `meta["pair"]` |

Pitfalls: `metadata.session_id` counts from 0 and is kept in `meta`; the id counts from 1. Some first
turns carry a number in place of the speaker: they are of whoever does not speak next, and the number
stays in `meta["id"]`. Split by `meta["pair"]`: the sessions of a pair are in several files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Session, SocialContext, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys, split_of
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.persona.two_sided import empty_turn
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

_SPEAKERS = ("Speaker 1", "Speaker 2")


class _Said(Record, frozen=True, forbid_unknown_fields=False):
    text: str
    id: str | None = None


class _Previous(Record, frozen=True, forbid_unknown_fields=False):
    dialog: tuple[_Said, ...]
    time_num: int | None = None
    time_unit: str = ""


class _Metadata(Record, frozen=True, forbid_unknown_fields=False):
    initial_data_id: str = ""


class _Episode(Record, frozen=True, forbid_unknown_fields=False):
    dialog: tuple[_Said, ...]
    personas: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    previous_dialogs: tuple[_Previous, ...] = ()
    metadata: _Metadata = _Metadata()


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the sessions of a file, or of a folder with `session_<n>` files or folders.

    Raises:
        DataError: a file is missing or unreadable.
    """
    files = files_of(path, "*.jsonl", "*.txt", "session_*/*.txt", "session_*/*.jsonl")
    yield from dialogues(files, json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys of sessions."""
    return has_keys(head, "dialog", "previous_dialogs", "init_personas") or has_keys(
        head, "personas", "dialog", "convai2_id"
    )


def _dialogue(row: Row) -> Dialogue | Rejected:
    episode = msgspec.convert(row.value, _Episode)
    earlier = [said.text for previous in episode.previous_dialogs for said in previous.dialog]
    fault = empty_turn([said.text for said in episode.dialog]) or empty_turn(earlier)
    if fault:
        return row.rejected(fault)
    sources = row.value.get("previous_dialogs", [])
    history = tuple(map(_session, episode.previous_dialogs, sources))
    pair = episode.metadata.initial_data_id
    name = f"{pair}:session_{len(history) + 1}" if pair else row.place
    return Dialogue(
        turns=_turns(episode.dialog, row.value["dialog"]),
        context=SocialContext(elapsed=history[-1].elapsed if history else None),
        id=f"msc:{name}",
        speakers=tuple(
            Speaker(key, human=True, persona=facts)
            for key, facts in zip(_SPEAKERS, episode.personas, strict=True)
        ),
        corpus="msc",
        split=split_of(row.path),
        lang="en",
        licence="not stated; research use",
        scenario="small talk over several sessions",
        history=history,
        meta=_meta(row, pair),
    )


def _turns(dialog: tuple[_Said, ...], sources: list[dict[str, Any]]) -> tuple[Turn, ...]:
    """Return the turns; a turn whose `id` names no speaker is of the one who does not speak beside it."""
    named = [said.id if said.id in _SPEAKERS else None for said in dialog]
    turns = []
    for index, (said, source) in enumerate(zip(dialog, sources, strict=True)):
        beside = [named[n] for n in (index + 1, index - 1) if 0 <= n < len(named) and named[n]]
        other = _SPEAKERS[1] if beside[:1] == [_SPEAKERS[0]] else _SPEAKERS[0]
        kept = () if named[index] is None else ("id",)
        meta = {key: value for key, value in source.items() if key not in ("text", *kept)}
        turns.append(Turn(named[index] or (other if beside else _SPEAKERS[index % 2]), said.text, meta=meta))
    return tuple(turns)


def _session(previous: _Previous, source: dict[str, Any]) -> Session:
    elapsed = f"{previous.time_num} {previous.time_unit}" if previous.time_num is not None else None
    return Session(elapsed=elapsed, turns=_turns(previous.dialog, source["dialog"]))


def _meta(row: Row, pair: str) -> dict[str, Any]:
    previous = [rest(session, _Previous) for session in row.value.get("previous_dialogs", [])]
    metadata = rest(row.value.get("metadata", {}), _Metadata)
    found = {"pair": pair, "metadata": metadata, "previous_dialogs": previous, **rest(row.value, _Episode)}
    return {key: value for key, value in found.items() if value}
