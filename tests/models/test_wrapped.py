from collections.abc import AsyncIterator, Callable
from itertools import permutations
from pathlib import Path

import pytest

from skillofmind.core.completion import Completion, Delta, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ModelBusy
from skillofmind.core.seams import Model, StreamingModel
from skillofmind.models.cached import cached
from skillofmind.models.limited import limited
from skillofmind.models.metered import metered
from skillofmind.models.retried import retried
from skillofmind.models.wrapped import request_fingerprint, wrapped
from skillofmind.run.budget import Meter
from skillofmind.run.cache import Cache
from skillofmind.run.concurrency import Gate
from skillofmind.run.retry import RetryPolicy
from tests.models.fakes import HELLO, Counting, Streaming


async def _no_sleep(seconds: float) -> None:
    pass


def _retried(model: Model) -> Model:
    return retried(model, RetryPolicy(retries=2), sleep=_no_sleep)


@pytest.mark.parametrize("order", list(permutations(range(4))))
async def test_wrappers_nest_in_any_order(order: tuple[int, ...], tmp_path: Path) -> None:
    inner = Counting(ModelBusy("busy"), ModelBusy("busy"))
    meter, gate = Meter(), Gate(4)
    with Cache(tmp_path / "c.sqlite") as cache:
        wraps: list[Callable[[Model], Model]] = [
            lambda model: cached(model, cache),
            lambda model: metered(model, meter),
            _retried,
            lambda model: limited(model, gate),
        ]
        model: Model = inner
        for i in order:
            model = wraps[i](model)
        assert model.identity == "counting"
        assert model.capabilities == inner.capabilities
        first = await model.generate(HELLO)
        assert (first.text, first.attempts, first.usage, first.cached) == ("sample 0", 3, Usage(10, 1), False)
        again = await model.generate(HELLO)
        assert (again.text, again.usage, again.cached) == ("sample 0", Usage(), True)
        assert len(inner.asked) == 3
        tries_are_metered = order.index(1) < order.index(2)
        assert meter.spent.calls == (3 if tries_are_metered else 1)
        assert meter.spent.usage == Usage(10, 1)
        assert (meter.in_flight, gate.in_flight) == (0, 0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_streams_pass_through_in_any_order(order: tuple[int, ...]) -> None:
    inner = Streaming(ModelBusy("busy"))
    meter, gate = Meter(), Gate(4)
    wraps: list[Callable[[Model], Model]] = [
        lambda model: metered(model, meter),
        _retried,
        lambda model: limited(model, gate),
    ]
    model: Model = inner
    for i in order:
        model = wraps[i](model)
    assert isinstance(model, StreamingModel)
    assert [delta.text async for delta in model.stream(HELLO)] == ["a", "b", "c"]
    assert meter.spent.usage == Usage(10, 3)
    assert (inner.opened, inner.closed, meter.in_flight, gate.in_flight) == (2, 2, 0, 0)


@pytest.mark.parametrize("wrap", [lambda m: metered(m, Meter()), _retried, lambda m: limited(m, Gate(4))])
async def test_closing_a_stream_early_closes_the_inner_one(wrap: Callable[[Model], Model]) -> None:
    inner = Streaming()
    model = wrap(inner)
    assert isinstance(model, StreamingModel)
    stream = model.stream(HELLO)
    assert (await anext(stream)).text == "a"
    assert inner.closed == 0
    assert isinstance(stream, AsyncIterator)
    await stream.aclose()  # type: ignore[attr-defined]
    assert inner.closed == 1


async def test_a_wrapper_streams_only_if_the_inner_model_does() -> None:
    async def generate(conversation: Conversation, sampling: Sampling) -> Completion:
        return await Counting().generate(conversation, sampling)

    async def stream(
        inner: StreamingModel, conversation: Conversation, sampling: Sampling
    ) -> AsyncIterator[Delta]:
        async for delta in inner.stream(conversation, sampling):
            yield delta

    assert not isinstance(wrapped(Counting(), generate, stream), StreamingModel)
    assert isinstance(wrapped(Streaming(), generate, stream), StreamingModel)
    without = wrapped(Streaming(), generate)
    assert not isinstance(without, StreamingModel)
    assert not without.capabilities.stream
    assert (await without.generate(HELLO)).text == "sample 0"


def test_a_request_is_the_same_for_any_number_of_samples() -> None:
    assert request_fingerprint(HELLO, Sampling(n=1)) == request_fingerprint(HELLO, Sampling(n=5))
    assert request_fingerprint(HELLO, Sampling()) != request_fingerprint(HELLO, Sampling(seed=1))
