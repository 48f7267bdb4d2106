"""Dialogues as lists of chat messages, and back: what OpenAI messages and ShareGPT have in common.

A message is a turn, the opening system text (`context.text`), or something else (tool calls and results,
later system texts). The last kind stays as it is: in `meta["messages_after"]` of the turn before it, or in
`meta["messages_before"]` of the dialogue. Further fields of a message are in `meta["message"]` of its turn,
further fields of the row in `meta["row"]`.

What messages have no room for goes to the field `skillofmind` of the row: the dialogue without its texts.
Reading puts both together again, texts as the messages have them.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, Image, Speaker, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.jsonl import Rejected, dialogue_fault

REST = "skillofmind"
"""Field of a row with what its messages have no room for."""

Json = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ASSISTANTS = {"assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard"}


class Words(NamedTuple):
    """What a format calls the parts of a message."""

    role: str
    text: str


class Wire(NamedTuple):
    """A chat format.

    Attributes:
        turns: field of the row with the messages.
        words: names of the parts of a message.
        user: role of people.
        assistant: role of the agent.
        system: roles of system texts, the one to write first.
        tools: roles that are no turns.
        name: field of a message with the speaker's name; "" where there is none.
        content: text, images and whether that is everything, from the content of a message.
        written: content of a message for a turn.
    """

    turns: str
    words: Words
    user: str
    assistant: str
    system: tuple[str, ...]
    tools: frozenset[str]
    name: str
    content: Callable[[Any], tuple[str, tuple[Image, ...]]]
    written: Callable[[Turn], Any]


def dialogue_of(wire: Wire, value: Any, source: str, line: int) -> Dialogue | Rejected:
    """Return the dialogue of one decoded row, or why it is none."""
    if isinstance(value, Rejected):
        return value
    try:
        found = _dialogue(wire, value, f"{source}:{line}")
    except DataError as error:
        return Rejected(source, line, str(error))
    except msgspec.ValidationError as error:
        return Rejected(source, line, f"the field `{REST}` does not fit: {error}; remove it or mend it.")
    fault = dialogue_fault(found)
    return Rejected(source, line, fault) if fault else found


def row_of(wire: Wire, dialogue: Dialogue, *, plain: bool = False) -> Json:
    """Return the row of a dialogue; `plain` leaves out the field `skillofmind`."""
    meta, placed = dict(dialogue.meta), _Placed(wire)
    messages: list[Json] = []
    if dialogue.context.text is not None:
        messages.append({wire.words.role: wire.system[0], wire.words.text: dialogue.context.text})
    if placed.fits(meta.get("messages_before")) and placed.may_open(meta["messages_before"], dialogue):
        messages += meta.pop("messages_before")
    roles, turns = _roles(wire, dialogue), []
    for turn in dialogue.turns:
        message, after, rest = placed.turn(turn, roles[turn.speaker])
        messages += [message, *after]
        turns.append(rest)
    row = meta.get("row")
    has_place = isinstance(row, dict) and row and not {wire.turns, REST, "system"} & set(row)
    fields = meta.pop("row") if has_place else {}
    if plain:
        return {wire.turns: messages, **fields}
    return {wire.turns: messages, **fields, REST: _rest(dialogue, meta, turns)}


class _Placed:
    """Turns a turn into a message and what the message does not say."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def turn(self, turn: Turn, role: str) -> tuple[Json, list[Json], Json]:
        wire, meta = self._wire, dict(turn.meta)
        content = wire.written(turn)
        kept = meta.get("content")
        # The same as what is written anyway would not be kept apart in reading.
        if kept is not None and kept != content and _same(wire, kept, turn):
            content = meta.pop("content")
        message = {wire.words.role: role}
        if wire.name and turn.speaker != role and _NAME.fullmatch(turn.speaker):
            message[wire.name] = turn.speaker
        message[wire.words.text] = content
        extra = meta.get("message")
        if extra and isinstance(extra, dict) and not {*wire.words, wire.name} & set(extra):
            # A text-less message with a tool call would be read as no turn.
            message |= meta.pop("message") if _is_turn(wire, wire.words, {**message, **extra}) else {}
        after = meta.pop("messages_after") if self.fits(meta.get("messages_after")) else []
        rest = msgspec.to_builtins(msgspec.structs.replace(turn, meta=meta))
        del rest["text"]
        if all(image.uri and not image.description for image in turn.images) and _same(wire, content, turn):
            rest.pop("images", None)
        return message, after, rest

    def fits(self, messages: Any) -> bool:
        """Say whether `messages` would be read as messages that are no turns."""
        return bool(
            messages
            and isinstance(messages, list)
            and all(isinstance(m, dict) and isinstance(m.get(self._wire.words.role), str) for m in messages)
            and not any(_is_turn(self._wire, self._wire.words, m) for m in messages)
        )

    def may_open(self, messages: list[Json], dialogue: Dialogue) -> bool:
        return (
            dialogue.context.text is not None or messages[0][self._wire.words.role] not in self._wire.system
        )


def _same(wire: Wire, content: Any, turn: Turn) -> bool:
    """Say whether `content` is read as the text and the pictures of `turn`."""
    try:
        text, images = wire.content(content)
    except DataError:
        return False
    return text == turn.text and [i.uri for i in images] == [i.uri for i in turn.images if i.uri]


def _rest(dialogue: Dialogue, meta: Json, turns: list[Json]) -> Json:
    context = msgspec.structs.replace(dialogue.context, text=None)
    rest: Json = msgspec.to_builtins(msgspec.structs.replace(dialogue, turns=(), context=context, meta=meta))
    return {**rest, "turns": turns}


def _roles(wire: Wire, dialogue: Dialogue) -> dict[str, str]:
    """Return speaker -> role: known agents are assistants, else whoever speaks last."""
    said = list(dict.fromkeys(turn.speaker for turn in dialogue.turns))
    known = {speaker.key: speaker for speaker in dialogue.speakers}
    agents = {key for key in said if key in known and _is_agent(known[key])}
    if not agents and said:
        people = {key for key in said if key in known and known[key].role in ("user", "human")}
        agents = {dialogue.turns[-1].speaker} - people
    return {key: wire.assistant if key in agents else wire.user for key in said}


def _is_agent(speaker: Speaker) -> bool:
    return speaker.role in _ASSISTANTS or (speaker.human is False and speaker.role not in ("user", "human"))


def _is_turn(wire: Wire, words: Words, message: Json) -> bool:
    role = message[words.role]
    if role in wire.system or role in wire.tools:
        return False
    return bool(message.get(words.text)) or not (message.get("tool_calls") or message.get("function_call"))


class _Read(NamedTuple):
    system: str | None
    before: list[Json]
    turns: list[tuple[Json, list[Json]]]


def _dialogue(wire: Wire, value: Any, name: str) -> Dialogue:
    row = {wire.turns: value} if isinstance(value, list) else value
    if not isinstance(row, dict) or not isinstance(row.get(wire.turns), list):
        raise DataError(f"the row has no list `{wire.turns}`; see the documented format.")
    words = _words(wire, row[wire.turns])
    read = _sorted_out(wire, words, row[wire.turns])
    rest = row.get(REST)
    fields = {key: value for key, value in row.items() if key not in (wire.turns, REST)}
    if read.system is None and isinstance(fields.get("system"), str):
        read = read._replace(system=fields.pop("system") or None)
    if rest is None:
        return _without_rest(wire, words, read, fields, name)
    return _with_rest(wire, words, read, fields, rest, name)


def _words(wire: Wire, messages: list[Any]) -> Words:
    """Return the words of this row: ShareGPT rows often have those of OpenAI."""
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            raise DataError(f"message {number} is no object; each needs `{'` and `'.join(wire.words)}`.")
    other = Words("role", "content")
    first: Json = messages[0] if messages else {}
    words = other if wire.words.role not in first and other.role in first else wire.words
    for number, message in enumerate(messages, 1):
        if not isinstance(message.get(words.role), str):
            raise DataError(f"message {number} has no `{words.role}`; each needs `{'` and `'.join(words)}`.")
    return words


def _sorted_out(wire: Wire, words: Words, messages: list[Json]) -> _Read:
    system: str | None = None
    before: list[Json] = []
    turns: list[tuple[Json, list[Json]]] = []
    for message in messages:
        if _is_turn(wire, words, message):
            turns.append((message, []))
        elif turns:
            turns[-1][1].append(message)
        elif system is None and not before and message[words.role] in wire.system:
            system = wire.content(message.get(words.text))[0]
        else:
            before.append(message)
    return _Read(system, before, turns)


def _without_rest(wire: Wire, words: Words, read: _Read, fields: Json, name: str) -> Dialogue:
    turns: list[Turn] = []
    speakers: dict[str, Speaker] = {}
    for message, after in read.turns:
        role = message[words.role]
        key = message.get(wire.name) if wire.name else None
        key = key if isinstance(key, str) and key.strip() else role
        human = False if role in _ASSISTANTS else None
        speakers.setdefault(key, Speaker(key, role=role, human=human))
        turns.append(_turn(wire, words, message, after, {"speaker": key}))
    own_id = fields.get("id")
    found = own_id if isinstance(own_id, str | int) and not isinstance(own_id, bool) else ""
    dialogue = Dialogue(tuple(turns), id=str(found) or name, speakers=tuple(speakers.values()))
    context = msgspec.structs.replace(dialogue.context, text=read.system)
    return msgspec.structs.replace(dialogue, context=context, meta=_meta({}, read.before, fields))


def _with_rest(wire: Wire, words: Words, read: _Read, fields: Json, rest: Any, name: str) -> Dialogue:
    told = rest.get("turns") if isinstance(rest, dict) else None
    if not isinstance(told, list) or len(told) != len(read.turns):
        raise DataError(
            f"the field `{REST}` does not fit the {len(read.turns)} turns of the row; remove it or mend it."
        )
    turns = []
    for (message, after), one in zip(read.turns, told, strict=True):
        if not isinstance(one, dict):
            raise DataError(f"a turn in `{REST}` is no object; remove the field or mend it.")
        turns.append(_turn(wire, words, message, after, one))
    context = {**rest.get("context", {}), **({} if read.system is None else {"text": read.system})}
    found = msgspec.convert({**rest, "turns": [], "context": context, "id": rest.get("id") or name}, Dialogue)
    return msgspec.structs.replace(found, turns=tuple(turns), meta=_meta(found.meta, read.before, fields))


def _turn(wire: Wire, words: Words, message: Json, after: list[Json], rest: Json) -> Turn:
    raw = message.get(words.text)
    text, images = wire.content(raw)
    turn = msgspec.convert({**rest, "text": text}, Turn)
    if "images" not in rest:
        turn = msgspec.structs.replace(turn, images=images)
    meta = dict(turn.meta)
    taken = {*words, wire.name} if message.get(wire.name) == turn.speaker else set(words)
    extra = {key: value for key, value in message.items() if key not in taken}
    if extra:
        meta["message"] = extra
    if raw is not None and wire.written(turn) != raw:
        meta["content"] = raw
    if after:
        meta["messages_after"] = after
    return msgspec.structs.replace(turn, meta=meta)


def _meta(meta: Mapping[str, Any], before: list[Json], fields: Json) -> Json:
    return {
        **meta,
        **({"messages_before": before} if before else {}),
        **({"row": fields} if fields else {}),
    }
