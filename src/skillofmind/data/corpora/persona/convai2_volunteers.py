"""ConvAI2 in the wild: people chat with the competition's bots and score them.

Paper: arXiv 1902.00098. Licence: Apache-2.0 by the organisers' statement.

JSON objects: `dialog` [{id, sender, text, evaluation_score, sender_class}], `bot_profile`,
`user_profile`, `eval_score`, `profile_match`, `participant1_id`, `participant2_id`, `start_time`,
`end_time`.

| source | becomes |
|---|---|
| `text`, `sender` | turns; speakers are `participant1` and `participant2` |
| `sender_class`, `participantN_id.class` | `Speaker.human`, role `user` or `bot` |
| `user_id` | `Speaker.attributes["user_id"]` |
| `bot_profile`, `user_profile` | `Speaker.persona` |
| `evaluation_score` 0 or 1 (thumb of the person) | label `convai2_volunteers.evaluation_score` |
| `eval_score` 1-5, `profile_match`, times | `meta` |
| file and line | id `convai2_volunteers:<file>:<line>` |

Pitfalls: `eval_score` is the person's rating of the whole dialogue and is often null. Many dialogues are
shorter than five turns, some have one; one side may never speak.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys, split_of
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.persona.two_sided import empty_turn
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

SCORE = "convai2_volunteers.evaluation_score"


class _Message(Record, frozen=True, forbid_unknown_fields=False):
    sender: str
    text: str
    sender_class: str = ""
    evaluation_score: int | None = None


class _Participant(Record, frozen=True, forbid_unknown_fields=False, rename={"kind": "class"}):
    kind: str = ""
    user_id: str = ""


class _Chat(Record, frozen=True, forbid_unknown_fields=False):
    dialog: tuple[_Message, ...]
    bot_profile: tuple[str, ...] = ()
    user_profile: tuple[str, ...] = ()
    participant1_id: _Participant = _Participant()
    participant2_id: _Participant = _Participant()


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys of profiles and classes, and messages that are objects."""
    keys = has_keys(head, "bot_profile", "user_profile", "sender_class")
    return keys and re.search(rb'"dialog"\s*:\s*\[\s*[{\]]', head) is not None


def _dialogue(row: Row) -> Dialogue | Rejected:
    chat = msgspec.convert(row.value, _Chat)
    fault = empty_turn([message.text for message in chat.dialog])
    if fault:
        return row.rejected(fault)
    speakers = (
        _speaker("participant1", chat.participant1_id, chat),
        _speaker("participant2", chat.participant2_id, chat),
    )
    person = next((speaker.key for speaker in speakers if speaker.human), None)
    turns = (
        _turn(message, source, person)
        for message, source in zip(chat.dialog, row.value["dialog"], strict=True)
    )
    return Dialogue(
        turns=tuple(turns),
        id=f"convai2_volunteers:{row.place}",
        speakers=speakers,
        corpus="convai2_volunteers",
        split=split_of(row.path),
        lang="en",
        licence="Apache-2.0 (organisers' statement)",
        scenario="small talk",
        meta=rest(row.value, _Chat),
    )


def _turn(message: _Message, source: dict[str, Any], person: str | None) -> Turn:
    labels: tuple[Label, ...] = ()
    if message.evaluation_score is not None:
        labels = (Label(SCORE, str(message.evaluation_score), annotator=person),)
    return Turn(message.sender, message.text, labels=labels, meta=rest(source, _Message))


def _speaker(key: str, participant: _Participant, chat: _Chat) -> Speaker:
    kinds = {m.sender_class for m in chat.dialog if m.sender == key} | {participant.kind}
    human = True if kinds & {"Human", "User"} else False if "Bot" in kinds else None
    persona = {True: chat.user_profile, False: chat.bot_profile, None: ()}[human]
    return Speaker(
        key,
        role={True: "user", False: "bot", None: None}[human],
        human=human,
        attributes={"user_id": participant.user_id} if participant.user_id else {},
        persona=persona,
    )
