"""One awaitable, cut when its time is over."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from skillofmind.core.errors import DeadlineExceeded

T = TypeVar("T")


async def within(seconds: float | None, call: Callable[[], Awaitable[T]]) -> T:
    """Await `call()` for at most `seconds`; `None` is no limit.

    Raises:
        DeadlineExceeded: the time was over before the call or in it. A time-out that the call itself
            raises passes unchanged.
    """
    if seconds is not None and seconds <= 0:
        raise DeadlineExceeded("the time was over before the call could be made; allow more time")
    try:
        async with asyncio.timeout(seconds) as timeout:
            return await call()
    except TimeoutError as error:
        if timeout.expired():
            raise DeadlineExceeded(
                f"the call did not end within the {seconds:.3g} seconds left; allow more time"
            ) from error
        raise
