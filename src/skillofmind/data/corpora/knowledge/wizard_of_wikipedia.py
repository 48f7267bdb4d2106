"""Wizard of Wikipedia: an apprentice asks about a topic, a wizard looks it up (arXiv 1811.01241).

Form: ParlAI's `train.json`, `valid_random_split.json`, `test_topic_split.json` and the like, a JSON list that
is streamed. Licence: CC BY 4.0.

    dialog[].speaker, .text      turns; `0_Wizard` is the Wizard who speaks first, the number is left out
    chosen_topic                 context.topic
    checked_sentence, checked_passage, retrieved_topics   turn meta
    wizard_eval                  meta.outcome.wizard_eval, 1 to 5
    persona, chosen_topic_passage and others              meta

`retrieved_passages` of a turn, which are most of the file, are left out: their titles are in
`retrieved_topics`. Rows have no id; a dialogue is `wizard_of_wikipedia:<file>:<row>`, rows from 1.

Pitfalls: `checked_sentence` is `{}` or `{"no_passages_used": ...}` where the wizard used nothing.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_SPEAKERS = (Speaker("Apprentice", role="curious learner"), Speaker("Wizard", role="knowledgeable partner"))
_SOURCES = ("checked_sentence", "checked_passage", "retrieved_topics")


class Said(Shape, frozen=True):
    """One turn as published."""

    speaker: str
    text: str
    checked_sentence: dict[str, Any] | None = None
    checked_passage: dict[str, Any] | None = None
    retrieved_topics: list[str] | None = None


class Talk(Shape, frozen=True):
    """One conversation as published."""

    dialog: list[Said]
    chosen_topic: str | None = None
    wizard_eval: int | float | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the conversations of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(
        path, "**/*train*.json", "**/*valid*.json", "**/*test*.json", "**/data.json", "**/*.jsonl"
    ):
        yield from converted(json_rows(file), Talk, partial(conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has a topic, or the first turn of a long row a wizard."""
    return {"chosen_topic", "dialog"} <= keys_of(head)


def conversation(file: Path, talk: Talk, row: Row) -> Iterator[Dialogue]:
    """Yield the dialogue of one row."""
    outcome = {} if talk.wizard_eval is None else {"outcome": {"wizard_eval": talk.wizard_eval}}
    yield Dialogue(
        turns=tuple(map(_turn, talk.dialog)),
        context=SocialContext(
            topic=talk.chosen_topic or None,
            roles="The Apprentice is curious about the topic; the Wizard can look it up and likes to tell.",
        ),
        id=f"wizard_of_wikipedia:{stem(file)}:{row.number}",
        speakers=_SPEAKERS,
        corpus="wizard_of_wikipedia",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="knowledge",
        meta=outcome | row.rest("dialog", "chosen_topic", "wizard_eval"),
    )


def _turn(said: Said) -> Turn:
    number, _, name = said.speaker.partition("_")
    sources = {field: value for field in _SOURCES if (value := getattr(said, field))}
    return Turn(name if number.isdecimal() and name else said.speaker, said.text, meta=sources)
