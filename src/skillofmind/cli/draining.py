"""Ctrl-C in a command that asks models: the first one finishes what is in work, the second gives it up."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from skillofmind.run.batch import stop_on_interrupt


@asynccontextmanager
async def draining() -> AsyncIterator[asyncio.Event]:
    """Give the event that the first Ctrl-C sets, and say then what it does."""
    with stop_on_interrupt() as stop:
        notice = asyncio.create_task(_notice(stop))
        try:
            yield stop
        finally:
            notice.cancel()


async def _notice(stop: asyncio.Event) -> None:
    """Say what the first Ctrl-C does, as the calls in work may take a while."""
    await stop.wait()
    sys.stderr.write("som: finishing what is in work; Ctrl-C again gives it up.\n")
    sys.stderr.flush()
