"""A model that has no more calls in flight than the server bears.

    model = limited(model, Gate(ceiling=64))

Each call (or stream, from beginning to end) holds one slot of the gate. Successes widen the gate; a 429,
and a 503, 529 or other busy answer that says when to come back, narrow it where they are more than a few
stray ones (run/concurrency.py). Put `retried` outside, so that
no slot is held while a retry waits.
"""

from collections.abc import AsyncIterator

from skillofmind.core.completion import Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ModelBusy, ModelError, RateLimited
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.models.wrapped import closing, wrapped
from skillofmind.run.concurrency import Gate

_OVERLOADED = (503, 529)


def limited(model: Model, gate: Gate) -> Model:
    """Return `model` with every call inside a slot of `gate`, which learns from the outcome.

    Answers from a cache teach the gate nothing.
    """

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        async with gate.slot():
            try:
                completion = await model.generate(conversation, sampling)
            except ModelError as error:
                _learn(gate, error)
                raise
            if not completion.cached:
                gate.succeeded()
            return completion

    async def stream(
        inner: StreamingModel, conversation: Conversation, sampling: Sampling
    ) -> AsyncIterator[Delta]:
        async with gate.slot(), closing(inner.stream(conversation, sampling)) as deltas:
            try:
                async for delta in deltas:
                    yield delta
            except ModelError as error:
                _learn(gate, error)
                raise
            gate.succeeded()

    return wrapped(model, generate, stream)


def _learn(gate: Gate, error: ModelError) -> None:
    is_busy = isinstance(error, ModelBusy) and (error.status in _OVERLOADED or error.retry_after is not None)
    if isinstance(error, RateLimited) or is_busy:
        gate.limited(error.retry_after)
