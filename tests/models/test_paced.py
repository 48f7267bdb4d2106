import asyncio
import math
from collections.abc import Awaitable, Callable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation, Message, Tool
from skillofmind.core.errors import ConfigurationError, ModelTimeout, RateLimited
from skillofmind.core.seams import Capabilities, StreamingModel
from skillofmind.models.limited import limited
from skillofmind.models.paced import Pace, RateLimit, Reserved, paced
from skillofmind.run.concurrency import Gate
from tests.models.fakes import HELLO, Counting, Streaming
from tests.models.virtual_time import now, run_virtually

_MINUTE = 60.0


def _largest_minute(arrivals: list[tuple[float, int]]) -> int:
    """Return the largest sum of sizes in any half-open minute."""
    arrivals = sorted(arrivals)
    largest = held = oldest = 0
    for time, size in arrivals:
        held += size
        while arrivals[oldest][0] <= time - _MINUTE:
            held -= arrivals[oldest][1]
            oldest += 1
        largest = max(largest, held)
    return largest


def _rate(arrivals: list[tuple[float, int]], begin: float, end: float) -> float:
    return sum(size for time, size in arrivals if begin <= time < end) / (end - begin) * _MINUTE


class Server:
    """Notes when calls arrive and what they use, and answers after a while."""

    identity = "server"
    capabilities = Capabilities()

    def __init__(self, random: Random, used: Callable[[], int], jitter: float = 0.5) -> None:
        self.arrivals: list[tuple[float, int]] = []
        self._random = random
        self._used = used
        self._jitter = jitter

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        await asyncio.sleep(self._random.uniform(0, self._jitter))
        completion = self._used()
        self.arrivals.append((now(), 100 + completion))
        await asyncio.sleep(self._random.uniform(0.5, 8))
        return Completion((Sample("ok"),), Usage(100, completion))

    @property
    def requests(self) -> list[tuple[float, int]]:
        return [(time, 1) for time, _ in self.arrivals]


async def _keep_busy(server: Server, limit: RateLimit, seconds: float, workers: int) -> None:
    model = paced(server, Pace(limit, clock=now))
    request = Conversation((Message("user", "x" * 400),))

    async def work() -> None:
        while True:
            await model.generate(request, Sampling(max_tokens=1000))

    tasks = [asyncio.create_task(work()) for _ in range(workers)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize(("requests", "seconds"), [(30, 900), (600, 300), (6000, 180)])
def test_no_minute_sees_too_many_requests_and_most_are_used(requests: int, seconds: float) -> None:
    server = Server(Random(requests), lambda: 10)
    limit = RateLimit(requests=requests)
    run_virtually(_keep_busy(server, limit, seconds, workers=requests // 5))
    assert _largest_minute(server.requests) <= requests
    assert _rate(server.requests, 60, seconds) >= 0.95 * requests


@pytest.mark.parametrize(("low", "high", "least"), [(400, 400, 0.96), (300, 500, 0.96), (20, 1000, 0.93)])
def test_no_minute_sees_too_many_tokens_and_most_are_used(low: int, high: int, least: float) -> None:
    random = Random(low)
    server = Server(random, lambda: random.randint(low, high))
    limit = 200_000
    run_virtually(_keep_busy(server, RateLimit(tokens=limit), 900, workers=200))
    assert _largest_minute(server.arrivals) <= limit
    assert _rate(server.arrivals, 300, 900) >= least * limit


def test_both_limits_hold_together() -> None:
    random = Random(3)
    server = Server(random, lambda: random.randint(100, 700))
    limit = RateLimit(requests=600, tokens=200_000)
    run_virtually(_keep_busy(server, limit, 400, workers=200))
    assert _largest_minute(server.requests) <= 600
    assert _largest_minute(server.arrivals) <= 200_000


@settings(max_examples=40)
@given(
    st.integers(1, 300),
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1)), min_size=1, max_size=150),
)
def test_no_minute_sees_too_many_requests_however_they_come(
    requests: int, calls: list[tuple[float, float]]
) -> None:
    arrivals: list[tuple[float, int]] = []

    async def main() -> None:
        pace = Pace(RateLimit(requests=requests), clock=now)

        async def call(jitter: float) -> None:
            await pace.admit()
            arrivals.append((now() + jitter, 1))

        async with asyncio.TaskGroup() as group:
            for wait, jitter in calls:
                await asyncio.sleep(wait if wait > 5 else 0)
                group.create_task(call(jitter))

    run_virtually(main())
    assert len(arrivals) == len(calls)
    assert _largest_minute(arrivals) <= requests


@settings(max_examples=40)
@given(
    st.integers(1000, 5000),
    st.lists(st.tuples(st.integers(1, 900), st.floats(0, 1), st.floats(0, 20)), min_size=1, max_size=80),
)
def test_no_minute_sees_too_many_tokens_where_no_call_uses_more_than_it_reserved(
    limit: int, calls: list[tuple[int, float, float]]
) -> None:
    arrivals: list[tuple[float, int]] = []

    async def main() -> None:
        pace = Pace(RateLimit(tokens=limit), clock=now)

        async def call(tokens: int, share: float, seconds: float) -> None:
            reserved = await pace.admit(tokens)
            used = int(tokens * share)
            arrivals.append((now(), used))
            await asyncio.sleep(seconds)
            pace.settle(reserved, used)

        await asyncio.gather(*(call(*given) for given in calls))

    run_virtually(main())
    assert len(arrivals) == len(calls)
    assert _largest_minute(arrivals) <= limit


def test_calls_are_evenly_spaced_in_the_order_in_which_they_came() -> None:
    async def main() -> list[tuple[int, float]]:
        pace = Pace(RateLimit(requests=60), clock=now)
        turns: list[tuple[int, float]] = []

        async def call(number: int) -> None:
            await pace.admit()
            turns.append((number, now()))

        await asyncio.gather(*(call(i) for i in range(5)))
        return turns

    turns = run_virtually(main())
    assert [number for number, _ in turns] == [0, 1, 2, 3, 4]
    # The first turn comes at once; a tenth of a second may be caught up once.
    gap = 60 / (0.97 * 60)
    assert [time for _, time in turns] == pytest.approx([i * gap - (0.1 if i else 0) for i in range(5)])


def test_a_cancelled_call_uses_no_turn() -> None:
    async def main() -> float:
        pace = Pace(RateLimit(requests=1, tokens=1000), clock=now)
        await pace.admit(10)
        waiting = [asyncio.create_task(pace.admit(10)) for _ in range(3)]
        await asyncio.sleep(5)
        waiting[0].cancel()
        waiting[1].cancel()
        await waiting[2]
        return now()

    assert run_virtually(main()) == pytest.approx(60 / 0.97 - 0.1)


def test_a_correction_moves_the_next_turn() -> None:
    async def main(used: int) -> float:
        pace = Pace(RateLimit(tokens=6000), clock=now)
        reserved = await pace.admit(500)
        pace.settle(reserved, used)
        pace.settle(reserved, 10_000)
        await pace.admit(100)
        return now()

    second = 97
    assert run_virtually(main(500)) == pytest.approx(500 / second - 1)
    assert run_virtually(main(200)) == pytest.approx(200 / second - 1)
    assert run_virtually(main(1000)) == pytest.approx(1000 / second - 1)


def test_a_turn_that_moved_while_getting_ready_is_waited_for_again() -> None:
    async def main() -> list[float]:
        pace = Pace(RateLimit(tokens=60_000), clock=now)
        first = await pace.admit(1000)
        times: list[float] = []

        async def ready() -> None:
            times.append(now())
            await asyncio.sleep(5)

        waiting = asyncio.create_task(pace.admit(1000, ready))
        await asyncio.sleep(2)
        pace.settle(first, 6500)
        times.append((await waiting).sent_at)
        return times

    begin, moved = 1000 / 970 - 1, 6500 / 970 - 1
    assert run_virtually(main()) == pytest.approx([begin, moved, moved + 5])


def test_one_call_that_is_far_too_large_does_not_bring_the_pace_to_a_halt() -> None:
    async def main() -> float:
        pace = Pace(RateLimit(tokens=10_000), clock=now)
        pace.settle(await pace.admit(100), 9000)
        for _ in range(100):
            pace.settle(await pace.admit(100), 100)
        return now()

    # Its own minute, then three quarters of the limit or more.
    assert run_virtually(main()) < 61 + 100 * 100 / 7500 * 61


def test_what_is_settled_after_its_minute_counts_no_more() -> None:
    async def main() -> float:
        pace = Pace(RateLimit(tokens=1000), clock=now)
        late = await pace.admit(900)
        await asyncio.sleep(100)
        await pace.admit(10)
        pace.settle(late, 800)
        begun = now()
        await pace.admit(900)
        return now() - begun

    assert run_virtually(main()) < 1


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    async def main() -> list[float]:
        pace = Pace(RateLimit(tokens=100), clock=now)
        times = []
        for tokens in (10, 5000, 10):
            await pace.admit(tokens)
            times.append(now())
        return times

    first, large, after = run_virtually(main())
    assert first == 0.0
    assert large == pytest.approx(61.0)
    assert after == pytest.approx(61 - 1 + 5000 * 60 / 97)


def test_without_limits_nobody_waits() -> None:
    async def main() -> float:
        pace = Pace(RateLimit(), clock=now)
        for _ in range(100):
            pace.settle(await pace.admit(10**9), 5)
        return now()

    assert run_virtually(main()) == 0.0


@pytest.mark.parametrize(
    "limit", [RateLimit(requests=0.5), RateLimit(tokens=0), RateLimit(requests=math.nan)]
)
def test_a_rate_below_one_is_refused(limit: RateLimit) -> None:
    with pytest.raises(ConfigurationError, match="a minute is below 1"):
        Pace(limit)


class Noting(Pace):
    """Notes what is reserved and settled."""

    def __init__(self) -> None:
        super().__init__(RateLimit())
        self.reserved: list[int] = []
        self.settled: list[int] = []

    async def admit(self, tokens: int = 0, ready: Callable[[], Awaitable[None]] | None = None) -> Reserved:
        self.reserved.append(tokens)
        return await super().admit(tokens, ready)

    def settle(self, reserved: Reserved, used: int) -> None:
        self.settled.append(used)
        super().settle(reserved, used)


def _asking(characters: int) -> Conversation:
    return Conversation((Message("user", "x" * characters),))


async def test_the_first_guess_is_a_third_of_the_characters_and_max_tokens() -> None:
    pace = Noting()
    await paced(Counting(), pace).generate(_asking(300), Sampling(max_tokens=50, n=2))
    assert (pace.reserved, pace.settled) == ([100 + 2 * 50], [12])
    pace = Noting()
    await paced(Counting(), pace).generate(_asking(300))
    assert pace.reserved == [100 + 256]


async def test_tools_count_as_characters() -> None:
    pace = Noting()
    request = Conversation((Message("user", "hi!"),), tools=(Tool("search", "Search the web."),))
    await paced(Counting(), pace).generate(request, Sampling(max_tokens=1))
    assert pace.reserved[0] > 2 + 15 // 3


async def test_guesses_follow_what_calls_used() -> None:
    pace = Noting()
    model = paced(Counting(), pace)
    for _ in range(600):
        await model.generate(_asking(40), Sampling(max_tokens=500))
    # 10 tokens of 40 characters and one of the answer; a part of a token counts as one.
    assert 11 <= pace.reserved[-1] <= 13
    await model.generate(_asking(400), Sampling(max_tokens=500, n=3))
    assert 103 <= pace.reserved[-1] <= 107


async def test_a_refused_call_counts_with_its_prompt_and_a_lost_one_keeps_its_estimate() -> None:
    pace = Noting()
    model = paced(Counting(RateLimited("slow", status=429), ModelTimeout("late")), pace)
    with pytest.raises(RateLimited):
        await model.generate(_asking(300))
    assert pace.settled == [100]
    with pytest.raises(ModelTimeout):
        await model.generate(_asking(300))
    assert pace.settled == [100]


async def test_a_stream_settles_with_the_usage_of_its_last_piece() -> None:
    pace = Noting()
    model = paced(Streaming(), pace)
    assert isinstance(model, StreamingModel)
    assert [delta.text async for delta in model.stream(HELLO)] == ["a", "b", "c"]
    assert (pace.reserved, pace.settled) == ([2 + 256], [13])


async def test_a_refused_stream_counts_with_its_prompt() -> None:
    pace = Noting()
    model = paced(Streaming(RateLimited("slow", status=429)), pace)
    assert isinstance(model, StreamingModel)
    with pytest.raises(RateLimited):
        await anext(model.stream(_asking(30)))
    assert pace.settled == [10]


def test_a_pause_of_the_gate_ends_without_a_burst() -> None:
    async def main() -> tuple[list[tuple[float, int]], int]:
        gate = Gate(64, start=64, clock=now)
        server = Server(Random(1), lambda: 1, jitter=0)
        model = paced(limited(server, gate), Pace(RateLimit(requests=60), clock=now), gate=gate)
        tasks = [asyncio.create_task(model.generate(HELLO)) for _ in range(200)]
        await asyncio.sleep(30)
        for _ in range(8):
            gate.limited(60.0)
        await asyncio.sleep(30)
        waiting = gate.in_flight
        await asyncio.gather(*tasks)
        return server.arrivals, waiting

    arrivals, held_while_waiting = run_virtually(main())
    times = [time for time, _ in arrivals]
    assert not [time for time in times if 31 < time < 90]
    assert held_while_waiting == 0
    assert len(times) == 200
    assert _largest_minute([(time, 1) for time in times]) <= 60
    assert min(after - before for before, after in pairwise(times)) > 0.9
