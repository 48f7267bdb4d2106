"""A model that tries again what may succeed later.

    def note(error: ModelError) -> None:
        run.event("retry", error=str(error))

    model = retried(model, RetryPolicy(retries=4), on_retry=note)

A stream is tried again only while nothing of it has come through: after the first piece an error ends it,
since the reader has already seen a part.
"""

import asyncio
import random as random_numbers
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec

from skillofmind.core.completion import Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ModelError
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.models.wrapped import closing, wrapped
from skillofmind.run.retry import DEFAULT_POLICY, Attempted, RetryPolicy, retrying

T = TypeVar("T")


class _Begun(NamedTuple):
    """A stream of which the first piece has come; `None` where it had none."""

    first: Delta | None
    rest: AsyncIterator[Delta]


def retried(
    model: Model,
    policy: RetryPolicy = DEFAULT_POLICY,
    *,
    deadline: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    random: Callable[[], float] = random_numbers.random,
    clock: Callable[[], float] = time.monotonic,
    on_retry: Callable[[ModelError], None] | None = None,
) -> Model:
    """Return `model` with retryable errors tried again; the arguments are those of `retrying`.

    Raises (on `generate` and `stream`):
        ModelError: the last one, with `attempts`.
        DeadlineExceeded: a try was cut by the deadline.
    """

    async def again(call: Callable[[], Awaitable[T]]) -> Attempted[T]:
        return await retrying(
            call, policy, deadline=deadline, sleep=sleep, random=random, clock=clock, on_retry=on_retry
        )

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        start = clock()
        completion, attempts = await again(lambda: model.generate(conversation, sampling))
        if attempts == 1:
            return completion
        return msgspec.structs.replace(
            completion, attempts=completion.attempts + attempts - 1, seconds=clock() - start
        )

    async def stream(
        inner: StreamingModel, conversation: Conversation, sampling: Sampling
    ) -> AsyncIterator[Delta]:
        begun, _ = await again(lambda: _begin(inner.stream(conversation, sampling)))
        async with closing(begun.rest) as deltas:
            if begun.first is not None:
                yield begun.first
            async for delta in deltas:
                yield delta

    return wrapped(model, generate, stream)


async def _begin(deltas: AsyncIterator[Delta]) -> _Begun:
    try:
        return _Begun(await anext(deltas, None), deltas)
    except BaseException:
        async with closing(deltas):
            raise
