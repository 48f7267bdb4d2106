"""ConvAI2 chats of people with bots, in the table that DialogStudio started from (arXiv 1902.00098).

Form: JSON rows or columns `id, dialog_id, dialog, bot_profile, user_profile, eval_score, profile_match`
(`conv_ai_2` exported). Licence: Apache 2.0.

    dialog[].text, .sender, .sender_class   turns; the class says whether a person speaks
    user_profile, bot_profile   personas, a sentence each, or a list of its characters, which are joined
    eval_score, profile_match   meta.outcome
    dialog_id | id              the id
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "Apache-2.0"


class Said(Shape, frozen=True):
    """One turn as published."""

    text: str
    sender: str
    sender_class: str | None = None


class Chat(Shape, frozen=True):
    """One chat as published."""

    dialog: list[Said]
    user_profile: list[list[str] | str]
    bot_profile: list[list[str] | str]
    dialog_id: str | int | None = None
    id: str | int | None = None
    eval_score: int | float | None = None
    profile_match: int | float | str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the chats of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/ConvAI2.original_examples.json", "**/*.jsonl"):
        yield from converted(json_rows(file), Chat, partial(conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row, or the table, has a dialogue and the profiles of a person and a bot."""
    return {"dialog_id", "dialog", "user_profile", "bot_profile"} <= keys_of(head)


def conversation(file: Path, chat: Chat, row: Row) -> Iterator[Dialogue]:
    """Yield the dialogue of one row."""
    names = [chat.dialog_id, chat.id, f"{stem(file)}:{row.number}"]
    outcome: dict[str, Any] = {"eval_score": chat.eval_score, "profile_match": chat.profile_match}
    outcome = {name: value for name, value in outcome.items() if value is not None}
    senders = {said.sender: said.sender_class for said in chat.dialog}
    yield Dialogue(
        turns=tuple(Turn(said.sender, said.text) for said in chat.dialog if said.text),
        id=f"convai2:{next(name for name in names if name is not None)}",
        speakers=tuple(_speaker(sender, kind, chat) for sender, kind in senders.items()),
        corpus="convai2",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="chit-chat",
        meta={"outcome": outcome} if outcome else {},
    )


def _speaker(sender: str, kind: str | None, chat: Chat) -> Speaker:
    profile = {"Human": chat.user_profile, "Bot": chat.bot_profile}.get(kind or "", [])
    facts = tuple("".join(fact) for fact in profile)
    human = {"Human": True, "Bot": False}.get(kind or "")
    return Speaker(sender, role=kind.lower() if kind else None, human=human, persona=facts)
