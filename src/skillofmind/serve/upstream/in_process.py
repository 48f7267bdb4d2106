"""An upstream in this process: the offline responder, or local weights."""

import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from skillofmind.core.completion import Completion, Delta, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import DataError
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.models.openai_wire import Request, decode_request
from skillofmind.models.wrapped import closing
from skillofmind.serve.upstream.answered import Answered, Asking, Headers
from skillofmind.serve.upstream.wire import ChunkHead, encode_completion

_PIECE = re.compile(r"\s*\S+|\s+$")
DONE = b"data: [DONE]\n\n"


class InProcess:
    """Any model as an upstream."""

    def __init__(
        self,
        model: Model,
        name: str,
        *,
        offline: bool = False,
        close: Callable[[], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Answer with `model`, which clients know as `name`; `close` ends it with the server."""
        self._model = model
        self._name = name
        self._clock = clock
        self._close = close
        self.offline = offline

    @property
    def system_role(self) -> bool:
        """As the model says."""
        return self._model.capabilities.system_role

    async def start(self) -> None:
        """Nothing is to be opened."""

    async def close(self) -> None:
        """Close the model, where that was asked for."""
        if self._close is not None:
            await self._close()

    async def models(self) -> list[dict[str, object]]:
        """Return the one model."""
        return [{"id": self._name, "object": "model", "created": 0, "owned_by": "skillofmind"}]

    @asynccontextmanager
    async def ask(self, asking: Asking) -> AsyncIterator[Answered]:
        """Answer a request.

        Raises:
            DataError: a field is missing or of the wrong type.
            ModelError: the model failed.
        """
        request = decode_request({"model": self._name, **json_object(asking.body)})
        conversation = msgspec.structs.replace(request.conversation, plan=asking.plan)
        request = request._replace(conversation=conversation)
        identity, created = f"chatcmpl-{uuid.uuid4().hex}", int(self._clock())
        if not request.stream:
            completion = await self._model.generate(conversation, request.sampling)
            whole = msgspec.json.encode(encode_completion(completion, identity, created, self._name))
            yield _Whole(whole)
            return
        wanted = bool((conversation.extra.get("stream_options") or {}).get("include_usage"))
        head = ChunkHead(identity, created, self._name)
        async with closing(self._deltas(request)) as deltas:
            # The first piece decides whether there is an answer at all, and with it the status.
            first = await anext(deltas, None)
            yield _Stream(first, deltas, head, wanted)

    async def _deltas(self, request: Request) -> AsyncIterator[Delta]:
        model, conversation, sampling = self._model, request.conversation, request.sampling
        if isinstance(model, StreamingModel) and model.capabilities.stream:
            async with closing(model.stream(conversation, sampling)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        completion = await _generated(model, conversation, sampling)
        for delta in deltas_of(completion):
            yield delta


def json_object(body: bytes) -> dict[str, Any]:
    """Read a request whole.

    Raises:
        DataError: it is not JSON all through.
    """
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"the body is not JSON: {error}.") from None
    return found


async def _generated(model: Model, conversation: Conversation, sampling: Sampling) -> Completion:
    return await model.generate(conversation, sampling)


def deltas_of(completion: Completion) -> Iterator[Delta]:
    """Yield a finished answer in pieces: words, tool calls, then why each sample ended, and the usage."""
    for index, sample in enumerate(completion.samples):
        for piece in _PIECE.findall(sample.text):
            yield Delta(piece, index)
        for position, call in enumerate(sample.tool_calls):
            yield Delta(index=index, tool_call=(position, call.id, call.name, call.arguments))
        yield Delta(index=index, stop=sample.stop)
    yield Delta(usage=completion.usage)


class _Whole:
    """A complete answer."""

    status = 200
    streams = False
    plain = True

    def __init__(self, body: bytes) -> None:
        self._body = body

    @property
    def headers(self) -> Headers:
        return [("Content-Type", "application/json")]

    async def read(self) -> bytes:
        return self._body

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self._body


class _Stream:
    """An answer that comes in pieces."""

    status = 200
    streams = True
    plain = True

    def __init__(
        self, first: Delta | None, deltas: AsyncIterator[Delta], head: ChunkHead, with_usage: bool
    ) -> None:
        self._first, self._deltas, self._head, self._with_usage = first, deltas, head, with_usage

    @property
    def headers(self) -> Headers:
        return [("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-cache")]

    async def read(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        begun, usage = set[int](), Usage()
        async for delta in self._all():
            usage = delta.usage or usage
            chunk = self._head.delta(delta)
            if chunk is None:
                continue
            start = b"" if delta.index in begun else _event(self._head.role(delta.index))
            begun.add(delta.index)
            yield start + _event(chunk)
        yield (_event(self._head.usage(usage)) if self._with_usage else b"") + DONE

    async def _all(self) -> AsyncIterator[Delta]:
        if self._first is not None:
            yield self._first
        async for delta in self._deltas:
            yield delta


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
