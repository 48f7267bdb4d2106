"""The way of many workers: rows go out in shards, answers come back one by one, lost rows go out again.

    hire -> a few lanes for each worker: deal -> answer -> take ... -> close      (worker lost: hire another)

A worker has somewhat more rows than it can have in work, so that it is never idle between two shards. How
workers are started is not said here: `hire` does it, on Ray or in a test.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from skillofmind.mind.annotate.course import Asked
from skillofmind.mind.annotate.job import Ended, Job, Way
from skillofmind.mind.annotate.live import PATIENCE, utc_now
from skillofmind.mind.annotate.spread.asker import Access, brief_of
from skillofmind.mind.annotate.spread.dealing import MOST_LOSSES, Dealer
from skillofmind.run.batch import together
from skillofmind.run.budget import Prices

LARGEST_SHARD = 32
"""Most rows of one shard."""


class WorkerLost(Exception):
    """A worker is gone, or could not be started; what it had told before is kept."""


class Hired(Protocol):
    """A worker that was started."""

    def answer(self, shard: bytes) -> AsyncIterator[bytes]:
        """Yield what `Asker.answer` yields; raises `WorkerLost`."""
        ...

    async def taken(self, key: str) -> None:
        """Tell it that the end of a row is kept; nothing happens where it is gone."""
        ...

    async def stop(self) -> None:
        """Let it begin no further row; nothing happens where it is gone."""
        ...

    async def close(self) -> None:
        """End it; nothing happens where it is gone."""
        ...


Hire = Callable[[bytes], Awaitable[Hired]]
"""Starts a worker with the JSON of a `Brief`; raises `WorkerLost`."""


def spread(
    hire: Hire,
    access: Access,
    prices: Mapping[Asked, Prices],
    *,
    workers: int,
    patience: int = PATIENCE,
    now: Callable[[], str] = utc_now,
) -> Way:
    """Make the way that deals rows to workers.

    Args:
        hire: starts a worker.
        access: how each worker reaches the models: its share of calls at once and of rates.
        prices: the model that is asked -> price of its tokens.
        workers: how many.
        patience: rows in a row without an answer after which the job ends as `gave_up`.
        now: the time as text.
    """

    async def run(job: Job) -> Ended:
        size = min(LARGEST_SHARD, access.concurrency)
        most_gone = MOST_LOSSES + workers - 1
        dealer = Dealer(job, prices, size=size, patience=patience, most_gone=most_gone, now=now)
        brief = msgspec.json.encode(brief_of(access, job.course))
        lanes = -(-access.concurrency // size) + 1
        office = _Office(dealer, lambda: hire(brief), lanes)
        stopping = asyncio.ensure_future(_stopped(job, office))
        try:
            await together(office.keep_post() for _ in range(workers))
        finally:
            stopping.cancel()
        return dealer.ended()

    return run


@dataclass(slots=True)
class _Post:
    """A worker at its place; `lost` says why it is gone."""

    worker: Hired
    lost: str = ""


class _Office:
    """The workers of one run."""

    def __init__(self, dealer: Dealer, hire: Callable[[], Awaitable[Hired]], lanes: int) -> None:
        self._dealer, self._hire, self._lanes = dealer, hire, lanes
        self._posts: list[_Post] = []
        self._changed = asyncio.Event()
        self._told = False

    async def keep_post(self) -> None:
        """Have one worker at work until there is nothing left to do."""
        while not self._dealer.is_closing():
            try:
                worker = await self._hired()
            except WorkerLost as error:
                self._dealer.gone(str(error))
                continue
            if worker is None:
                return
            post = _Post(worker)
            self._posts.append(post)
            try:
                await together(self._lane(post) for _ in range(self._lanes))
            finally:
                self._posts.remove(post)
                await post.worker.close()
            if not post.lost:
                return
            self._dealer.gone(post.lost)
        self._wake()

    async def stop(self) -> None:
        """Let no worker begin a further row."""
        if not self._told:
            self._told = True
            self._wake()
            await asyncio.gather(*(post.worker.stop() for post in self._posts))

    async def _hired(self) -> Hired | None:
        """Start a worker; `None` where the others were done before it was there."""
        hiring = asyncio.ensure_future(self._hire())
        try:
            while not self._dealer.is_over() and not hiring.done():
                changing = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait((hiring, changing), return_when=asyncio.FIRST_COMPLETED)
                changing.cancel()
            return await hiring if hiring.done() else None
        finally:
            hiring.cancel()

    async def _lane(self, post: _Post) -> None:
        dealer = self._dealer
        while not post.lost:
            shard = dealer.deal()
            if shard is None:
                if dealer.is_closing() or dealer.is_over():
                    self._wake()
                    return
                await self._changed.wait()
                continue
            try:
                async for message in post.worker.answer(shard.data):
                    key = dealer.take(shard, message)
                    if dealer.is_closing():
                        await self.stop()
                    if key:
                        await post.worker.taken(key)
                dealer.close(shard)
            except WorkerLost as error:
                post.lost = str(error)
                dealer.lose(shard, post.lost)
            self._wake()

    def _wake(self) -> None:
        """Let the lanes that wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()


async def _stopped(job: Job, office: _Office) -> None:
    await job.stop.wait()
    await office.stop()
