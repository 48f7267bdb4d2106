"""The frame of every wrapper: a Model made of another Model and a function that answers.

A wrapper keeps the `identity` and the `capabilities` of what it wraps, so wrappers nest in any order. It
can stream exactly when the inner model can and the wrapper says how.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, runtime_checkable

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.identity import fingerprint
from skillofmind.core.seams import Capabilities, Model, StreamingModel

Generate = Callable[[Conversation, Sampling], Awaitable[Completion]]
"""How a wrapper answers."""

Stream = Callable[[StreamingModel, Conversation, Sampling], AsyncIterator[Delta]]
"""How a wrapper answers piece by piece, given the inner model."""


def wrapped(inner: Model, generate: Generate, stream: Stream | None = None) -> Model:
    """Return a model that answers by `generate`, and by `stream` where `inner` streams, too."""
    if stream is not None and isinstance(inner, StreamingModel):
        return _StreamingWrapped(inner, generate, stream)
    return _Wrapped(inner, generate)


def request_fingerprint(conversation: Conversation, sampling: Sampling) -> str:
    """Return what names a request in traces and caches; the number of samples plays no part."""
    return fingerprint([conversation, msgspec.structs.replace(sampling, n=1)])


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


@asynccontextmanager
async def closing(deltas: AsyncIterator[Delta]) -> AsyncIterator[AsyncIterator[Delta]]:
    """Close a stream at the end of the block, which cancels its generation."""
    try:
        yield deltas
    finally:
        if isinstance(deltas, _Closable):
            await deltas.aclose()


class _Wrapped:
    def __init__(self, inner: Model, generate: Generate) -> None:
        self._inner = inner
        self._generate = generate

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def capabilities(self) -> Capabilities:
        return msgspec.structs.replace(self._inner.capabilities, stream=False)

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        return await self._generate(conversation, sampling)


class _StreamingWrapped:
    def __init__(self, inner: StreamingModel, generate: Generate, stream: Stream) -> None:
        self._inner = inner
        self._generate = generate
        self._stream = stream

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        return await self._generate(conversation, sampling)

    def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        return self._stream(self._inner, conversation, sampling)
