"""CaSiNo: two neighbours at a campsite share out food, water and firewood (arXiv 2103.15721).

Form: JSONL or a JSON list (`data/split/*.json` and `casino.json` of the authors). Licence: CC BY 4.0.

    dialogue_id                      the id
    chat_logs[].text, .id            turns; mturk_agent_1 is shown as A, mturk_agent_2 as B
    chat_logs[].task_data            turn meta, where there is any
    annotations                      labels `casino.strategy`; several labels of a turn all have rank 1
    participant_info[agent]
        demographics                 the speaker's attributes
        value2issue, value2reason    context.priorities
        personality                  context.personality
        outcomes                     meta.outcome[agent]

Pitfalls: deals are turns too, `Submit-Deal`, `Accept-Deal`, `Reject-Deal`, `Walk-Away`, never annotated; they
have `meta.action`. Annotations name no turn: they are matched to the other turns by order and text, so that a
turn without annotation shifts nothing; those that fit nowhere are in `meta.unmatched_annotations`. An empty
annotation string is no label.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
STRATEGY = "casino.strategy"
ACTIONS = ("Submit-Deal", "Accept-Deal", "Reject-Deal", "Walk-Away")
_NAMES = {"mturk_agent_1": "A", "mturk_agent_2": "B"}
_LEVELS = ("High", "Medium", "Low")


class Said(Shape, frozen=True):
    """One turn as published."""

    text: str
    id: str
    task_data: dict[str, Any] | None = None


class Personality(Shape, frozen=True):
    """Social value orientation and five traits, 1 to 7."""

    svo: str | None = None
    big_five: dict[str, float | int | str] = msgspec.field(name="big-five", default_factory=dict)


class Camper(Shape, frozen=True):
    """What is known of one side."""

    value2issue: dict[str, str] = {}
    value2reason: dict[str, str] = {}
    demographics: dict[str, str | int | float | None] = {}
    personality: Personality = Personality()
    outcomes: dict[str, Any] = {}


class Talk(Shape, frozen=True):
    """One negotiation as published."""

    chat_logs: list[Said]
    dialogue_id: int | str
    participant_info: dict[str, Camper] = {}
    annotations: list[tuple[str, str]] = []


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the negotiations of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Talk, partial(conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has chat logs and, if the head reaches so far, participants."""
    return "chat_logs" in keys_of(head)


def conversation(file: Path, talk: Talk, row: Row) -> Iterator[Dialogue]:
    """Yield the dialogue of one row."""
    labels, unmatched = _aligned(talk)
    campers = sorted(talk.participant_info.items())
    outcome = {agent: camper.outcomes for agent, camper in campers if camper.outcomes}
    meta = {"outcome": outcome, "unmatched_annotations": unmatched}
    yield Dialogue(
        turns=tuple(_turn(said, labels.get(index, "")) for index, said in enumerate(talk.chat_logs)),
        context=SocialContext(
            situation="Two neighbours at a campsite share out three packages each of food, water, firewood.",
            priorities=tuple(line for agent, camper in campers for line in _priorities(agent, camper)),
            personality="; ".join(line for agent, camper in campers if (line := _traits(agent, camper)))
            or None,
        ),
        id=f"casino:{talk.dialogue_id}",
        speakers=tuple(_speaker(agent, camper) for agent, camper in campers),
        corpus="casino",
        split=split_of(file),
        lang="en",
        licence=LICENCE,
        scenario="negotiation",
        meta={name: value for name, value in meta.items() if value}
        | row.rest("dialogue_id", "chat_logs", "participant_info", "annotations"),
    )


def _aligned(talk: Talk) -> tuple[dict[int, str], list[list[str]]]:
    """Return turn index -> its annotation, and the annotations that fit no turn."""
    spoken = [index for index, said in enumerate(talk.chat_logs) if said.text not in ACTIONS]
    texts = [talk.chat_logs[index].text.split() for index in spoken]
    given = [text.split() for text, _ in talk.annotations]
    matcher = SequenceMatcher(
        None, [" ".join(words) for words in given], [" ".join(words) for words in texts], autojunk=False
    )
    pairs = {
        block.a + step: spoken[block.b + step]
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    }
    labels = {turn: talk.annotations[index][1] for index, turn in pairs.items()}
    return labels, [list(item) for index, item in enumerate(talk.annotations) if index not in pairs]


def _turn(said: Said, annotation: str) -> Turn:
    values = [value.strip() for value in annotation.split(",")]
    meta: dict[str, Any] = {"action": said.text} if said.text in ACTIONS else {}
    if said.task_data:
        meta["task_data"] = said.task_data
    return Turn(
        said.id, said.text, labels=tuple(Label(STRATEGY, value) for value in values if value), meta=meta
    )


def _speaker(agent: str, camper: Camper) -> Speaker:
    told = {name: str(value) for name, value in camper.demographics.items() if value is not None}
    return Speaker(agent, _NAMES.get(agent, ""), role="camper", human=True, attributes=told)


def _priorities(agent: str, camper: Camper) -> Iterator[str]:
    for level in _LEVELS:
        if level in camper.value2issue:
            reason = camper.value2reason.get(level, "")
            because = f" ({reason})" if reason else ""
            yield f"{_NAMES.get(agent, agent)}, {level.lower()}: {camper.value2issue[level]}{because}"


def _traits(agent: str, camper: Camper) -> str:
    traits = [f"{name} {value}" for name, value in camper.personality.big_five.items()]
    known = ([camper.personality.svo] if camper.personality.svo else []) + traits
    return f"{_NAMES.get(agent, agent)}: {', '.join(known)}" if known else ""
