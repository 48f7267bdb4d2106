import asyncio
from pathlib import Path

import pytest

from skillofmind.core.errors import ModelBusy, ModelError, RateLimited, RequestRejected
from skillofmind.core.seams import StreamingModel
from skillofmind.models.cached import cached
from skillofmind.models.limited import limited
from skillofmind.run.cache import Cache
from skillofmind.run.concurrency import Gate
from tests.models.fakes import HELLO, Counting, Streaming


@pytest.mark.parametrize(
    ("error", "size"),
    [
        (RateLimited("slow", status=429), 4),
        (ModelBusy("overloaded", status=503), 4),
        (ModelBusy("overloaded", status=529), 4),
        (ModelBusy("later", status=500, retry_after=0.01), 4),
        (ModelBusy("broken", status=500), 8),
        (RequestRejected("no", status=400), 8),
    ],
)
async def test_only_signs_of_overload_narrow_the_gate(error: ModelError, size: int) -> None:
    gate = Gate(64, start=8)
    model = limited(Counting(*[error] * 5), gate)
    for _ in range(5):
        with pytest.raises(type(error)):
            await model.generate(HELLO)
    assert (gate.window.size, gate.in_flight) == (size, 0)


async def test_calls_at_once_widen_the_gate() -> None:
    gate = Gate(64, start=4)
    model = limited(Counting(seconds=0.001), gate)
    await asyncio.gather(*(model.generate(HELLO) for _ in range(16)))
    assert gate.window.size > 4


async def test_the_cache_teaches_the_gate_nothing(tmp_path: Path) -> None:
    gate = Gate(64, start=1)
    with Cache(tmp_path / "c.sqlite") as cache:
        model = cached(Counting(), cache)
        await model.generate(HELLO)
        await limited(model, gate).generate(HELLO)
        assert gate.window.size == 1


async def test_retry_after_holds_the_next_call_back() -> None:
    gate = Gate(8)
    model = limited(Counting(*(RateLimited("slow", retry_after=0.05) for _ in range(5))), gate)
    # Four signals are stray yet; the fifth closes the gate.
    await asyncio.gather(*(model.generate(HELLO) for _ in range(4)), return_exceptions=True)
    with pytest.raises(RateLimited):
        await model.generate(HELLO)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await model.generate(HELLO)
    assert loop.time() - begun >= 0.045


async def test_a_stream_holds_its_slot_from_beginning_to_end() -> None:
    gate = Gate(8, start=1)
    model = limited(Streaming(), gate)
    assert isinstance(model, StreamingModel)
    held = []
    async for _ in model.stream(HELLO):
        held.append(gate.in_flight)
    assert (held, gate.in_flight, gate.window.size) == ([1, 1, 1], 0, 2)


async def test_a_stream_cut_by_overload_narrows_the_gate() -> None:
    gate = Gate(8, start=8)
    model = limited(Streaming(late=RateLimited("slow")), gate)
    assert isinstance(model, StreamingModel)
    for _ in range(5):
        with pytest.raises(RateLimited):
            _ = [delta async for delta in model.stream(HELLO)]
    assert (gate.window.size, gate.in_flight) == (4, 0)


async def test_one_burst_of_refusals_is_one_cut() -> None:
    gate = Gate(64, start=16)
    model = limited(Counting(*(RateLimited("slow") for _ in range(16))), gate)
    await asyncio.gather(*(model.generate(HELLO) for _ in range(16)), return_exceptions=True)
    assert (gate.window.size, gate.in_flight) == (8, 0)
