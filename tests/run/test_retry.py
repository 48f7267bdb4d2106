import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import (
    DeadlineExceeded,
    ModelBusy,
    ModelError,
    ModelTimeout,
    RateLimited,
    RequestRejected,
)
from skillofmind.run.retry import Attempted, RetryPolicy, backoff, retrying


class FakeTime:
    """A clock that only waits move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def _failing(*errors: ModelError) -> Callable[[], Awaitable[str]]:
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "ok"

    return call


async def test_success_at_once_is_one_attempt() -> None:
    time = FakeTime()
    assert await retrying(_failing(), sleep=time.sleep) == Attempted("ok", 1)
    assert time.waits == []


async def test_waits_double_up_to_the_cap() -> None:
    time = FakeTime()
    call = _failing(*(ModelBusy("busy") for _ in range(4)))
    policy = RetryPolicy(base=1.0, cap=3.0)
    done = await retrying(call, policy, sleep=time.sleep, random=lambda: 1.0, clock=time.clock)
    assert done == Attempted("ok", 5)
    assert time.waits == [1.0, 2.0, 3.0, 3.0]


async def test_the_last_error_carries_the_number_of_attempts() -> None:
    time = FakeTime()
    errors = [ModelBusy(f"busy {i}") for i in range(9)]
    with pytest.raises(ModelBusy, match="busy 2") as caught:
        await retrying(_failing(*errors), RetryPolicy(retries=2), sleep=time.sleep)
    assert caught.value.attempts == 3
    assert len(time.waits) == 2


async def test_what_cannot_be_cured_is_not_tried_again() -> None:
    time = FakeTime()
    with pytest.raises(RequestRejected) as caught:
        await retrying(_failing(ModelBusy("busy"), RequestRejected("no")), sleep=time.sleep)
    assert caught.value.attempts == 2
    assert len(time.waits) == 1


async def test_other_exceptions_pass_at_once() -> None:
    async def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await retrying(call)


async def test_the_server_is_obeyed() -> None:
    time = FakeTime()
    await retrying(_failing(RateLimited("slow", retry_after=30.0)), sleep=time.sleep, clock=time.clock)
    assert time.waits == [30.0]


async def test_a_wait_past_the_deadline_is_not_begun() -> None:
    time = FakeTime()
    error = RateLimited("slow", retry_after=30.0)
    with pytest.raises(RateLimited):
        await retrying(_failing(error), deadline=30.0, sleep=time.sleep, clock=time.clock)
    assert time.waits == []
    assert error.attempts == 1


async def test_the_policy_limits_the_time_of_all_tries() -> None:
    time = FakeTime()
    errors = [ModelBusy("busy", retry_after=2.0) for _ in range(9)]
    with pytest.raises(ModelBusy):
        await retrying(
            _failing(*errors), RetryPolicy(retries=8, seconds=5.0), sleep=time.sleep, clock=time.clock
        )
    assert time.waits == [2.0, 2.0]


async def test_a_try_is_cut_by_the_deadline() -> None:
    async def call() -> None:
        await asyncio.sleep(60)

    with pytest.raises(DeadlineExceeded, match="did not end within"):
        await retrying(call, RetryPolicy(seconds=0.02))


async def test_nothing_is_tried_after_the_deadline() -> None:
    time = FakeTime()
    with pytest.raises(DeadlineExceeded, match="over before the call"):
        await retrying(_failing(), deadline=0.0, clock=time.clock)


async def test_a_time_out_of_the_call_itself_is_retried() -> None:
    time = FakeTime()
    done = await retrying(_failing(ModelTimeout("late")), deadline=99.0, sleep=time.sleep, clock=time.clock)
    assert done.attempts == 2


async def test_on_retry_sees_each_error_that_is_followed_by_a_try() -> None:
    time = FakeTime()
    seen: list[tuple[str, int]] = []
    errors = [ModelBusy("a"), RateLimited("b"), RequestRejected("c")]
    with pytest.raises(RequestRejected):
        await retrying(
            _failing(*errors),
            sleep=time.sleep,
            on_retry=lambda error: seen.append((str(error), error.attempts)),
        )
    assert seen == [("a", 1), ("b", 2)]


async def test_cancelling_stops_the_waiting() -> None:
    task = asyncio.create_task(retrying(_failing(ModelBusy("busy", retry_after=60.0))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(
    st.integers(0, 10_000),
    st.none() | st.floats(0, 1e6),
    st.floats(0, 1, exclude_max=True),
    st.floats(0.001, 10),
    st.floats(0.001, 100),
)
def test_backoff_is_bounded(
    attempt: int, retry_after: float | None, uniform: float, base: float, cap: float
) -> None:
    wait = backoff(RetryPolicy(base=base, cap=cap), attempt, retry_after, uniform)
    assert wait >= (retry_after or 0.0)
    assert 0 <= wait <= max(cap, retry_after or 0.0)
    if retry_after is None:
        assert wait <= base * 2.0 ** min(attempt, 60)
