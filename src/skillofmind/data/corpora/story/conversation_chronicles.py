"""ConversationChronicles: two acquainted people talk five times over the years (arXiv 2310.13420).

Form: `train.jsonl`, `valid.jsonl`, `test.jsonl` (`jihyoung/ConversationChronicles`), one episode a line.
Licence: CC BY 4.0. Every session becomes a dialogue `conversation_chronicles:<dataID>:session<k>`; sessions
of one episode share `meta.episode`, by which splits should be made.

    relationship           context.relationship
    time_interval[k]       context.elapsed from session 2 on, without its last word `after`, `before` or
                           `later`; verbatim in meta.time_interval
    summary[k-1]           context.previous_summary from session 2 on
    summary[k]             meta.summary: it tells what is still to be said
    <nth>_session_dialogue, <nth>_session_speakers   turns

Pitfalls: "a few hours after" counts from the session before, so that the session before lies "a few hours"
back. The earlier sessions are dialogues of their own and not repeated in `history`. A session whose
lists differ in length, or that has no turn, is rejected alone; the other sessions are kept.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_DIRECTION = re.compile(r"\s+(?:after|before|later)\s*$", re.IGNORECASE)


class Episode(Shape, frozen=True):
    """One episode as published; a session's two lists are `None` where it was not held."""

    dataID: str | int
    relationship: str
    time_interval: list[str]
    summary: list[str]
    first_session_dialogue: list[str] | None = None
    first_session_speakers: list[str] | None = None
    second_session_dialogue: list[str] | None = None
    second_session_speakers: list[str] | None = None
    third_session_dialogue: list[str] | None = None
    third_session_speakers: list[str] | None = None
    fourth_session_dialogue: list[str] | None = None
    fourth_session_speakers: list[str] | None = None
    fifth_session_dialogue: list[str] | None = None
    fifth_session_speakers: list[str] | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the sessions of all episodes of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Episode, partial(_sessions, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has the fields of an episode."""
    return {"dataID", "relationship", "time_interval"} <= keys_of(head)


def _sessions(file: Path, episode: Episode, row: Row) -> Iterator[Dialogue | Rejected]:
    if not len(episode.time_interval) == len(episode.summary) == len(_ORDINALS):
        yield row.rejected(
            f"episode {episode.dataID!r} has {len(episode.time_interval)} intervals and "
            f"{len(episode.summary)} summaries; five of each belong there."
        )
        return
    for number, ordinal in enumerate(_ORDINALS, 1):
        texts: list[str] = getattr(episode, f"{ordinal}_session_dialogue") or []
        names: list[str] = getattr(episode, f"{ordinal}_session_speakers") or []
        if texts and len(texts) == len(names):
            yield _session(episode, number, tuple(map(Turn, names, texts)), split_of(file))
        else:
            yield row.rejected(
                f"session {number} of episode {episode.dataID!r} has {len(names)} speakers for {len(texts)} "
                "utterances; each utterance needs its speaker."
            )


def _session(episode: Episode, number: int, turns: tuple[Turn, ...], split: str | None) -> Dialogue:
    names = dict.fromkeys(turn.speaker for turn in turns)
    return Dialogue(
        turns=turns,
        context=_context(episode, number),
        id=f"conversation_chronicles:{episode.dataID}:session{number}",
        speakers=tuple(Speaker(name, role=name) for name in names),
        corpus="conversation_chronicles",
        split=split,
        lang="en",
        licence=LICENCE,
        scenario="long-term acquaintance",
        meta=_meta(episode, number),
    )


def _context(episode: Episode, number: int) -> SocialContext:
    if number == 1:
        return SocialContext(relationship=episode.relationship)
    return SocialContext(
        relationship=episode.relationship,
        elapsed=_DIRECTION.sub("", episode.time_interval[number - 1]),
        previous_summary=episode.summary[number - 2],
    )


def _meta(episode: Episode, number: int) -> dict[str, Any]:
    return {
        "episode": episode.dataID,
        "session": number,
        "time_interval": episode.time_interval[number - 1],
        "summary": episode.summary[number - 1],
    }
