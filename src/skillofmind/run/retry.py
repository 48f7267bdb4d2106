"""Retries with full jitter and a deadline.

Before retry `a` (counted from 0) the wait is `u * min(cap, base * 2**a)` with `u` uniform in [0, 1), and
never shorter than what the server asked for. Full jitter spreads the clients that failed together over
the whole interval (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).

    >>> backoff(RetryPolicy(base=0.5, cap=8.0), attempt=2, retry_after=None, uniform=0.5)
    1.0
"""

import asyncio
import random as random_numbers
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from skillofmind.core.errors import ModelError
from skillofmind.core.record import Record
from skillofmind.run.deadline import within

T = TypeVar("T")

# 2**60 times any sensible base is beyond any cap; larger powers overflow a float.
_LARGEST_POWER = 60


class RetryPolicy(Record, frozen=True):
    """How often and how patiently to try again.

    Attributes:
        retries: tries after the first one.
        base: seconds; upper end of the first wait.
        cap: seconds; no wait drawn by us is longer (the server may ask for more).
        seconds: time for all tries and waits together; `None` is no limit.
    """

    retries: int = 4
    base: float = 0.5
    cap: float = 8.0
    seconds: float | None = None


DEFAULT_POLICY = RetryPolicy()


class Attempted(NamedTuple, Generic[T]):
    """A result and the number of tries that it took, at least 1."""

    result: T
    attempts: int


def backoff(policy: RetryPolicy, attempt: int, retry_after: float | None, uniform: float) -> float:
    """Return the seconds to wait before the next try.

    Args:
        policy: base and cap.
        attempt: failed tries before this one, so 0 after the first failure.
        retry_after: seconds the server asked for; the wait is never shorter.
        uniform: a random number in [0, 1).
    """
    drawn = uniform * min(policy.cap, policy.base * 2.0 ** min(attempt, _LARGEST_POWER))
    return max(drawn, retry_after or 0.0)


async def retrying(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy = DEFAULT_POLICY,
    *,
    deadline: float | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    random: Callable[[], float] = random_numbers.random,
    clock: Callable[[], float] = time.monotonic,
    on_retry: Callable[[ModelError], None] | None = None,
) -> Attempted[T]:
    """Call until it succeeds, fails for good, or the tries or the time are used up.

    Args:
        call: makes one try; called anew for each.
        policy: how often and how patiently.
        deadline: value of `clock` after which nothing is tried; `policy.seconds` may end it earlier.
        sleep: waits.
        random: a number in [0, 1).
        clock: monotonic seconds.
        on_retry: gets each error that is followed by another try, before the wait.

    Raises:
        ModelError: the last one; its `attempts` says how many tries were made. A wait that would pass the
            deadline is not begun.
        DeadlineExceeded: a try was cut by the deadline.
    """
    end = _end(clock(), policy.seconds, deadline)
    attempts = 0
    while True:
        try:
            remaining = None if end is None else end - clock()
            return Attempted(await within(remaining, call), attempts + 1)
        except ModelError as error:
            attempts += 1
            error.attempts = attempts
            wait = backoff(policy, attempts - 1, error.retry_after, random())
            is_late = end is not None and clock() + wait >= end
            if not error.retryable or attempts > policy.retries or is_late:
                raise
            if on_retry is not None:
                on_retry(error)
        await sleep(wait)


def _end(now: float, seconds: float | None, deadline: float | None) -> float | None:
    ends = [end for end in (deadline, None if seconds is None else now + seconds) if end is not None]
    return min(ends, default=None)
