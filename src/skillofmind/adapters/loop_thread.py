"""Wait for a coroutine from code that is not asynchronous, wherever that code runs.

One event loop in a daemon thread serves the whole process. `asyncio.run` would not do: it refuses to start
inside a running loop, and it closes its loop, and with it the connections that a planner keeps open.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

_T = TypeVar("_T")
_starting = threading.Lock()


def wait_for(coroutine: Coroutine[Any, Any, _T], seconds: float | None) -> _T:
    """Run `coroutine` in the loop of the thread and return its result.

    Args:
        coroutine: what to run; it is cancelled when the wait ends early.
        seconds: how long to wait; `None` is no limit.

    Raises:
        TimeoutError: the time is over.
    """
    with _starting:
        # A forked child has no threads but the one that forked, so it starts its own.
        loop = _loop(os.getpid())
    future = asyncio.run_coroutine_threadsafe(coroutine, loop)
    try:
        return future.result(seconds)
    finally:
        future.cancel()


@cache
def _loop(process: int) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=f"skillofmind-{process}", daemon=True).start()
    return loop
