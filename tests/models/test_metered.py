import asyncio
from pathlib import Path

import pytest

from skillofmind.core.completion import DEFAULT_SAMPLING, Usage
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DeadlineExceeded, ModelBusy
from skillofmind.core.seams import StreamingModel
from skillofmind.core.trace import Call
from skillofmind.models.cached import cached
from skillofmind.models.metered import metered
from skillofmind.models.wrapped import request_fingerprint
from skillofmind.run.budget import Limits, Meter, Prices
from skillofmind.run.cache import Cache
from tests.models.fakes import HELLO, Counting, Streaming

_REQUEST = request_fingerprint(HELLO, DEFAULT_SAMPLING)


async def test_each_call_is_counted_and_told() -> None:
    calls: list[Call] = []
    times = iter([1.0, 3.5])
    meter = Meter()
    model = metered(Counting(), meter, calls.append, clock=lambda: next(times))
    await model.generate(HELLO)
    assert calls == [Call("counting", _REQUEST, Usage(10, 1), seconds=2.5)]
    assert (meter.spent.calls, meter.spent.usage) == (1, Usage(10, 1))


async def test_a_failed_call_is_counted_and_told() -> None:
    calls: list[Call] = []
    meter = Meter()
    error = ModelBusy("busy")
    error.attempts = 4
    with pytest.raises(ModelBusy):
        await metered(Counting(error), meter, calls.append, clock=lambda: 0.0).generate(HELLO)
    assert calls == [Call("counting", _REQUEST, attempts=4, error="busy")]
    assert (meter.spent.calls, meter.in_flight) == (1, 0)


async def test_a_cancelled_call_is_counted_and_told() -> None:
    calls: list[Call] = []
    meter = Meter()
    task = asyncio.create_task(metered(Counting(seconds=60), meter, calls.append).generate(HELLO))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [call.error for call in calls] == ["cancelled"]
    assert (meter.spent.calls, meter.in_flight) == (1, 0)


async def test_no_call_is_made_beyond_the_limit() -> None:
    calls: list[Call] = []
    inner = Counting(seconds=0.001)
    model = metered(inner, Meter(Limits(calls=3)), calls.append)
    outcomes = await asyncio.gather(*(model.generate(HELLO) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, BudgetExhausted) for outcome in outcomes) == 7
    assert (len(inner.asked), len(calls)) == (3, 3)


async def test_a_call_under_way_is_cut_when_the_time_is_over() -> None:
    calls: list[Call] = []
    with pytest.raises(DeadlineExceeded, match="did not end within"):
        await metered(Counting(seconds=60), Meter(Limits(seconds=0.02)), calls.append).generate(HELLO)
    assert calls[0].error is not None


async def test_answers_from_the_cache_cost_nothing(tmp_path: Path) -> None:
    calls: list[Call] = []
    meter = Meter()
    with Cache(tmp_path / "c.sqlite") as cache:
        model = metered(cached(Counting(), cache), meter, calls.append)
        await model.generate(HELLO)
        await model.generate(HELLO)
    assert [call.cached for call in calls] == [False, True]
    assert (meter.spent.calls, meter.spent.cached, meter.spent.usage) == (1, 1, Usage(10, 1))


async def test_a_stream_is_one_call_with_the_usage_of_its_last_piece() -> None:
    calls: list[Call] = []
    meter = Meter(Limits(calls=1))
    model = metered(Streaming(), meter, calls.append)
    assert isinstance(model, StreamingModel)
    assert [delta.text async for delta in model.stream(HELLO)] == ["a", "b", "c"]
    assert [(call.usage, call.error) for call in calls] == [(Usage(10, 3), None)]
    with pytest.raises(BudgetExhausted):
        await anext(model.stream(HELLO))


async def test_a_stream_closed_by_its_reader_did_not_fail() -> None:
    calls: list[Call] = []
    meter = Meter()
    model = metered(Streaming(), meter, calls.append)
    assert isinstance(model, StreamingModel)
    stream = model.stream(HELLO)
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert [call.error for call in calls] == [None]
    assert meter.in_flight == 0


async def test_a_stream_that_stalls_is_cut_when_the_time_is_over() -> None:
    inner = Streaming(seconds=60)
    model = metered(inner, Meter(Limits(seconds=0.02)))
    assert isinstance(model, StreamingModel)
    stream = model.stream(HELLO)
    assert (await anext(stream)).text == "a"
    with pytest.raises(DeadlineExceeded):
        await anext(stream)
    assert inner.closed == 1


async def test_models_with_prices_of_their_own_share_one_budget() -> None:
    meter = Meter(Limits(money=0.03), "per call")
    large = metered(Counting(), meter, prices=Prices(prompt=1000.0, completion=10_000.0))
    small = metered(Streaming(), meter, prices=Prices(completion=1000.0))
    assert isinstance(small, StreamingModel)
    await large.generate(HELLO)
    assert meter.spent.money == pytest.approx(0.02)
    assert [delta.text async for delta in small.stream(HELLO)] == ["a", "b", "c"]
    assert meter.spent.money == pytest.approx(0.023)
    await large.generate(HELLO)
    for model in (large, small):
        with pytest.raises(BudgetExhausted, match=r"0\.03 money"):
            await model.generate(HELLO)


def test_a_model_without_prices_is_refused_where_each_call_needs_them() -> None:
    with pytest.raises(ConfigurationError, match="the meter of 'counting' has no prices"):
        metered(Counting(), Meter(Limits(money=1), "per call"))
