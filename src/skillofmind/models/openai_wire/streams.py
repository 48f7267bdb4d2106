"""Streams of the OpenAI chat protocol: bytes to events, chunks to deltas, deltas to a completion.

A chunk becomes at least one `Delta`. Only the first delta of a chunk carries the chunk in `raw`, so a proxy
that passes on every `raw` that is not empty passes on every chunk exactly once. `assemble` reads from `raw`
what a delta has no field for: log-probabilities, ids and unknown fields.
"""

import re
from collections.abc import Iterable
from typing import Any

from skillofmind.core.completion import Completion, Delta, Sample, StopReason, TokenLogprob, Usage
from skillofmind.core.conversation import ToolCall
from skillofmind.core.errors import MalformedResponse
from skillofmind.models.openai_wire.answers import (
    choice_extra,
    decode_stop,
    decode_tokens,
    decode_usage,
    refuse_error_body,
    response_extra,
)
from skillofmind.models.openai_wire.fields import Reader

_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
_END_OF_EVENT = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}")
_DELTA = frozenset({"role", "content", "tool_calls"})


def sse_events(buffer: bytes) -> tuple[list[str], bytes]:
    r"""Return the data of all complete events in `buffer`, and the bytes that are left over.

    Call it with what was left over plus the new bytes; where the bytes are cut makes no difference. Comments
    and fields other than `data` are dropped, the `data` lines of one event are joined by newlines.

        >>> sse_events(b"data: one\n\n: ping\n\ndata: tw")
        (['one'], b'data: tw')

    Raises:
        MalformedResponse: an event is not UTF-8.
    """
    events, start = [], 0
    for end in _END_OF_EVENT.finditer(buffer):
        data = _event_data(buffer[start : end.start()])
        start = end.end()
        if data is not None:
            events.append(data)
    return events, buffer[start:]


def _event_data(block: bytes) -> str | None:
    lines = [line.removeprefix(b"\xef\xbb\xbf") for line in _END_OF_LINE.split(block)]
    data = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
    if not data:
        return None
    try:
        return b"\n".join(data).decode()
    except UnicodeDecodeError:
        raise MalformedResponse(f"an event of the stream is not UTF-8: {data[0][:60]!r}") from None


def decode_chunk(body: dict[str, Any]) -> list[Delta]:
    """Read one chunk; choices in the order in which they come.

    Raises:
        MalformedResponse: a field is of the wrong type.
        ModelError: the chunk reports an error.
    """
    refuse_error_body(body)
    reader = Reader(body, "chunk", MalformedResponse)
    usage = reader.maybe_child("usage")
    deltas = [delta for choice in reader.children("choices") for delta in _choice_deltas(choice)]
    first, *others = deltas or [Delta()]
    counted = None if usage is None else decode_usage(usage)
    return [Delta(first.text, first.index, first.tool_call, first.stop, counted, body), *others]


def _choice_deltas(choice: Reader) -> list[Delta]:
    index = choice.maybe_count("index") or 0
    stop = decode_stop(choice)
    delta = choice.maybe_child("delta")
    text = "" if delta is None else delta.maybe_text("content") or ""
    calls = [] if delta is None else [_call_piece(call) for call in delta.children("tool_calls")]
    if not calls:
        return [Delta(text, index, stop=stop)]
    pieces = [Delta("" if place else text, index, call) for place, call in enumerate(calls)]
    return pieces if stop is None else [*pieces, Delta(index=index, stop=stop)]


def _call_piece(call: Reader) -> tuple[int, str, str, str]:
    function = call.maybe_child("function")
    name = None if function is None else function.maybe_text("name")
    arguments = None if function is None else function.maybe_text("arguments")
    return call.maybe_count("index") or 0, call.maybe_text("id") or "", name or "", arguments or ""


class _Pieces:
    """What has come of one sample so far."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.stop: StopReason = "unknown"
        self.calls: dict[int, list[tuple[str, str, str]]] = {}
        self.tokens: list[TokenLogprob] | None = None
        self.extra: dict[str, Any] = {}

    def update(self, delta: Delta) -> None:
        self.text.append(delta.text)
        self.stop = delta.stop or self.stop
        if delta.tool_call is not None:
            position, *piece = delta.tool_call
            self.calls.setdefault(position, []).append((piece[0], piece[1], piece[2]))

    def update_raw(self, choice: Reader) -> None:
        tokens = decode_tokens(choice)
        if tokens is not None:
            self.tokens = [*(self.tokens or []), *tokens]
        delta = choice.maybe_child("delta")
        for name, value in ({} if delta is None else delta.rest(_DELTA)).items():
            known = self.extra.get(name)
            joined = known + value if isinstance(known, str) and isinstance(value, str) else value
            self.extra[name] = known if value is None and known is not None else joined
        if others := choice_extra(choice):
            self.extra["choice"] = {**self.extra.get("choice", {}), **others}

    def sample(self) -> Sample:
        calls = tuple(_join_call(self.calls[position]) for position in sorted(self.calls))
        tokens = None if self.tokens is None else tuple(self.tokens)
        return Sample("".join(self.text), self.stop, calls, tokens, self.extra)


def _join_call(pieces: list[tuple[str, str, str]]) -> ToolCall:
    identity = next((piece[0] for piece in pieces if piece[0]), "")
    name = next((piece[1] for piece in pieces if piece[1]), "")
    if not identity or not name:
        raise MalformedResponse(f"a streamed tool call has id {identity!r} and name {name!r}; both must come")
    return ToolCall(identity, name, "".join(piece[2] for piece in pieces))


def assemble(deltas: Iterable[Delta]) -> Completion:
    """Put the pieces of a stream together to what the same request gives without streaming.

    The last usage counts, because some servers send a running total.

    Raises:
        MalformedResponse: there is no piece of any sample, or a tool call lacks its id or name.
    """
    samples: dict[int, _Pieces] = {}
    usage, extra, name, identity = Usage(), dict[str, Any](), "", ""
    for delta in deltas:
        if not delta.raw or delta.raw.get("choices"):
            samples.setdefault(delta.index, _Pieces()).update(delta)
        usage = delta.usage or usage
        reader = Reader(delta.raw, "chunk", MalformedResponse)
        name, identity = reader.maybe_text("model") or name, reader.maybe_text("id") or identity
        extra |= response_extra(reader, reader.maybe_child("usage"))
        for choice in reader.children("choices"):
            samples.setdefault(choice.maybe_count("index") or 0, _Pieces()).update_raw(choice)
    if not samples:
        raise MalformedResponse("the stream ended without any piece of an answer")
    ordered = tuple(samples[index].sample() for index in sorted(samples))
    return Completion(ordered, usage, name, id=identity, extra=extra)
