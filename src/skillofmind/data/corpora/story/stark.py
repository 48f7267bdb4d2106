"""Stark: a person's sessions with a partner over months, with pictures that they share (arXiv 2407.03958).

Form: a JSON list or JSONL (`passing2961/stark-dialogue` exported; the authors' `stark.json`), one episode a
row. Licence: for research; the card's licence is not checked. Every session becomes a dialogue
`stark:<unique_id>:session<k>`; sessions of one episode share `meta.episode`.

    name, age, gender, birthplace, residence   the speaker called `name` and their attributes
    session<k>:utterance, :speaker             turns
    session<k>:image_description               Turn.images; "" where nothing is shared
    session<k>:images_key                      turn meta
    session<k>:event                           context.event
    session<k>:time_interval, :experience      context.elapsed, context.experience from session 2 on; those of
                                               session 1 stay in meta
    all other fields of the row                meta

Pitfalls: fields of a session are lists or plain strings; a turn may be a picture without words. Sessions
whose lists differ in length are rejected alone. The Thanos data uses only episodes of five sessions and only
sessions with a picture; here all are read.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Image, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "research use only"
_TRAITS = ("age", "gender", "birthplace", "residence")
_SESSION_FIELD = re.compile(r"session\d+:")
_NUMBERED = re.compile(r"session([1-9]\d{0,2}):utterance")


class Episode(Shape, frozen=True):
    """What an episode tells besides its sessions."""

    name: str
    age: str | int | float | None = None
    gender: str | None = None
    birthplace: str | None = None
    residence: str | None = None
    unique_id: str | int | None = None


class Meeting(Shape, frozen=True):
    """One session, without `session<k>:` before its fields."""

    utterance: list[str]
    speaker: list[str]
    image_description: list[str | None] | None = None
    images_key: list[Any] | str | None = None
    time_interval: list[str] | str | None = None
    experience: list[str] | str | None = None
    event: list[str] | str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the sessions of all episodes of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Episode, partial(_sessions, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has sessions with utterances."""
    return any(map(_SESSION_FIELD.match, keys_of(head)))


def _sessions(file: Path, episode: Episode, row: Row) -> Iterator[Dialogue | Rejected]:
    numbers = sorted(int(found[1]) for key in row.value if (found := _NUMBERED.fullmatch(key)))
    if not numbers:
        yield row.rejected("the episode has no session; `session1:utterance` belongs there.")
    for number in numbers:
        yield _session(file, episode, number, row)


def _session(file: Path, episode: Episode, number: int, row: Row) -> Dialogue | Rejected:
    prefix = f"session{number}:"
    fields = {key.removeprefix(prefix): value for key, value in row.value.items() if key.startswith(prefix)}
    try:
        meeting = msgspec.convert(fields, Meeting)
    except msgspec.ValidationError as error:
        return row.rejected(f"session {number} is not as published: {error}; compare it with the file.")
    images = meeting.image_description or [None] * len(meeting.utterance)
    if not len(meeting.utterance) == len(meeting.speaker) == len(images):
        return row.rejected(
            f"session {number} has {len(meeting.utterance)} utterances, {len(meeting.speaker)} speakers and "
            f"{len(images)} picture descriptions; one of each belongs to a turn."
        )
    episode_id = episode.unique_id if episode.unique_id is not None else f"{stem(file)}:{row.number}"
    known = ("name", "unique_id", *_TRAITS, *(key for key in row.value if _SESSION_FIELD.match(key)))
    return Dialogue(
        turns=_turns(meeting, images),
        context=_context(meeting, number),
        id=f"stark:{episode_id}:session{number}",
        speakers=_speakers(episode, meeting),
        corpus="stark",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="long-term acquaintance with pictures",
        meta={"episode": episode_id, "session": number, **_first(meeting, number), **row.rest(*known)},
    )


def _turns(meeting: Meeting, images: list[str | None]) -> tuple[Turn, ...]:
    keys = meeting.images_key
    if not isinstance(keys, list) or len(keys) != len(images):
        keys = [None] * len(images)
    return tuple(
        Turn(name, text, (Image(image),) if image else (), meta={"images_key": key} if key else {})
        for name, text, image, key in zip(meeting.speaker, meeting.utterance, images, keys, strict=True)
    )


def _context(meeting: Meeting, number: int) -> SocialContext:
    if number == 1:
        return SocialContext(event=_joined(meeting.event))
    return SocialContext(
        event=_joined(meeting.event),
        elapsed=_joined(meeting.time_interval),
        experience=_joined(meeting.experience),
    )


def _first(meeting: Meeting, number: int) -> dict[str, Any]:
    """Return what the first session says of a time before it, which is no context, and keys of no turn."""
    told = {"time_interval": meeting.time_interval, "experience": meeting.experience} if number == 1 else {}
    keys = meeting.images_key
    fits = isinstance(keys, list) and len(keys) == len(meeting.utterance)
    return {name: value for name, value in (told | ({} if fits else {"images_key": keys})).items() if value}


def _speakers(episode: Episode, meeting: Meeting) -> tuple[Speaker, ...]:
    traits = {name: str(getattr(episode, name)) for name in _TRAITS if getattr(episode, name) is not None}
    others = [name for name in dict.fromkeys(meeting.speaker) if name != episode.name]
    return (Speaker(episode.name, attributes=traits), *map(Speaker, others))


def _joined(value: list[str] | str | None) -> str | None:
    return (" ".join(value) if isinstance(value, list) else value) or None
