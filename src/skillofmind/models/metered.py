"""A model whose calls are counted, limited and traced.

    meter = Meter(Limits(calls=100, seconds=60))
    model = metered(model, meter, on_call=calls.append)

Inside `retried` every try is a call of its own; outside it, a call may stand for several tries. A call
that is under way when the time is over is cut.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from skillofmind.core.completion import Completion, Delta, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ConfigurationError, ModelError
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.core.trace import Call
from skillofmind.models.wrapped import closing, request_fingerprint, wrapped
from skillofmind.run.budget import Meter, Prices
from skillofmind.run.deadline import within


def metered(
    model: Model,
    meter: Meter,
    on_call: Callable[[Call], None] | None = None,
    *,
    prices: Prices | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Model:
    """Return `model` with its calls admitted and recorded by `meter`.

    Args:
        model: answers.
        meter: refuses calls beyond its limits, and counts.
        on_call: gets a `Call` after each call that was admitted, failed and cancelled ones too.
        prices: of this model; the meter's own where there are none.
        clock: monotonic seconds.

    Raises:
        ConfigurationError: the meter needs prices with each call, and there are none.

    Raises (on `generate` and `stream`):
        BudgetExhausted: the calls, tokens or money are used up; no call was made.
        DeadlineExceeded: the time is over, before the call or in it.
    """
    if meter.needs_prices and prices is None:
        raise ConfigurationError(f"the meter of {model.identity!r} has no prices of its own; give them here")

    def counted(conversation: Conversation, sampling: Sampling) -> AbstractContextManager["_Outcome"]:
        request = request_fingerprint(conversation, sampling)
        return _counted(model.identity, request, meter, prices, on_call, clock)

    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        with counted(conversation, sampling) as outcome:
            completion = await within(
                meter.remaining_seconds(), lambda: model.generate(conversation, sampling)
            )
            outcome.succeeded(completion)
            return completion

    async def stream(
        inner: StreamingModel, conversation: Conversation, sampling: Sampling
    ) -> AsyncIterator[Delta]:
        with counted(conversation, sampling) as outcome:
            async with closing(inner.stream(conversation, sampling)) as deltas:
                while (
                    delta := await within(meter.remaining_seconds(), lambda: anext(deltas, None))
                ) is not None:
                    if delta.usage is not None:
                        outcome.usage = delta.usage
                    yield delta

    return wrapped(model, generate, stream)


@contextmanager
def _counted(
    model: str,
    request: str,
    meter: Meter,
    prices: Prices | None,
    on_call: Callable[[Call], None] | None,
    clock: Callable[[], float],
) -> Iterator["_Outcome"]:
    meter.admit()
    outcome = _Outcome()
    start = clock()
    try:
        yield outcome
    except BaseException as error:
        outcome.failed(error)
        raise
    finally:
        meter.record(outcome.usage, cached=outcome.cached, prices=prices)
        if on_call is not None:
            on_call(outcome.call(model, request, clock() - start))


class _Outcome:
    """What is known of a call at its end."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.cached = False
        self._attempts = 1
        self._error: str | None = None

    def succeeded(self, completion: Completion) -> None:
        self.usage = completion.usage
        self.cached = completion.cached
        self._attempts = completion.attempts

    def failed(self, error: BaseException) -> None:
        # A stream that its reader closes early did not fail.
        if isinstance(error, GeneratorExit):
            return
        self._error = "cancelled" if isinstance(error, asyncio.CancelledError) else str(error) or repr(error)
        if isinstance(error, ModelError):
            self._attempts = error.attempts

    def call(self, model: str, request: str, seconds: float) -> Call:
        return Call(
            model=model,
            request=request,
            usage=self.usage,
            seconds=seconds,
            attempts=self._attempts,
            cached=self.cached,
            error=self._error,
        )
