"""What a worker does: it takes rows as JSON, asks the models, and tells of each answer as JSON.

    asker = Asker(brief)
    async for message in asker.answer(shard):
        ...                                   # the JSON of a `Came`; keep it, then
        await asker.taken(key)                # where it is the last of its row

An asker knows nothing of the other workers, of limits or of the run directory. It holds the API key, which
it reads from its own environment, and its share of the calls at once and of the rates.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping

import msgspec

from skillofmind.core.completion import Sampling
from skillofmind.core.errors import AuthenticationFailed, ConfigurationError
from skillofmind.core.record import Record
from skillofmind.core.seams import Model
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Asked, Course
from skillofmind.mind.annotate.ledger import Work
from skillofmind.mind.annotate.live import row_work
from skillofmind.mind.annotate.request import Wording
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.models.http import HttpModel, Timeouts
from skillofmind.models.paced import RateLimit, within_limits
from skillofmind.models.retried import retried

_NO_RATES = RateLimit()


class Served(Record, frozen=True):
    """A model at an OpenAI-compatible server."""

    name: str
    base_url: str


class Access(Record, frozen=True):
    """How one worker reaches the models.

    Attributes:
        servers: role -> model at its server.
        concurrency: most rows, and most calls to one server, at once.
        key_variable: environment variable of the worker's machine that holds the API key; "" for none.
        key_needed: refuse to work where the variable is not set.
        timeout: seconds that one call may take.
        rates: the most that one server is sent in a minute.
    """

    servers: dict[Asked, Served]
    concurrency: int
    key_variable: str = ""
    key_needed: bool = False
    timeout: float = 120.0
    rates: RateLimit = _NO_RATES


class Brief(Record, frozen=True):
    """All that a worker has to know before its first row: access, and what makes up the course."""

    access: Access
    words: Wording
    taxonomy: Taxonomy
    sampling: Sampling
    second: bool = False

    def course(self) -> Course:
        """Return the course that the driver has, too."""
        return Course(self.words, Normaliser(self.taxonomy), second=self.second, sampling=self.sampling)


class Dealt(Record, frozen=True):
    """A row for a worker, and what was done for it before."""

    row: Instance
    before: Work = Work()


class Came(Record, frozen=True):
    """What came of a row so far.

    Attributes:
        key: id of the row.
        work: all its answers; settled where the row is at its end or has failed.
        fault: why no row can be asked, such as a refused key; there is no work then.
    """

    key: str
    work: Work = Work()
    fault: str = ""


def brief_of(access: Access, course: Course) -> Brief:
    """Return what a worker has to know."""
    return Brief(access, course.words, course.normaliser.taxonomy, course.sampling, course.second)


class Asker:
    """One worker; its methods run on one event loop, `answer` several times at once."""

    def __init__(self, brief: bytes, models: Mapping[Asked, Model] | None = None) -> None:
        """Prepare; nothing is opened before the first shard.

        Args:
            brief: the JSON of a `Brief`.
            models: whom to ask; opened as the brief says without them.
        """
        told = msgspec.json.decode(brief, type=Brief)
        self._access = told.access
        self._course = told.course()
        self._models = models
        self._opened: list[HttpModel] = []
        self._places = asyncio.Semaphore(told.access.concurrency)
        self._untaken: dict[str, asyncio.Event] = {}
        self._stopping = False

    async def ready(self) -> None:
        """Return, which says that the worker is there."""

    async def stop(self) -> None:
        """Begin no further row; those in work are finished and told."""
        self._stopping = True

    async def taken(self, key: str) -> None:
        """Hear that the end of a row is kept; its place is free from now on."""
        if key in self._untaken:
            self._untaken.pop(key).set()

    async def close(self) -> None:
        """Close the connections."""
        for model in self._opened:
            await model.close()

    async def answer(self, shard: bytes) -> AsyncIterator[bytes]:
        """Yield the JSON of a `Came` after each answer; rows that `stop` kept from beginning are left out.

        Args:
            shard: the JSON of a list of `Dealt`.
        """
        news = _News()
        working = asyncio.ensure_future(self._work(msgspec.json.decode(shard, type=list[Dealt]), news))
        try:
            while (came := await news.get()) is not None:
                yield msgspec.json.encode(came)
            await working
        finally:
            working.cancel()

    async def _work(self, dealt: list[Dealt], news: "_News") -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for one in dealt:
                    group.create_task(self._row(one, news))
        finally:
            news.put_nowait(None)

    async def _row(self, dealt: Dealt, news: "_News") -> None:
        row = dealt.row

        def keep(work: Work) -> None:
            news.put_nowait(Came(row.id, work))

        async with self._places:
            if self._stopping:
                return
            try:
                work = await row_work(row, self._course, dealt.before, self._asked(), keep)
                last = Came(row.id, work)
            except (AuthenticationFailed, ConfigurationError) as error:
                self._stopping = True
                last = Came(row.id, fault=str(error))
            news.put_nowait(last)
            # Otherwise answers on their way would be lost with a worker, beyond those that it waits for.
            taken = self._untaken[row.id] = asyncio.Event()
            await taken.wait()

    def _asked(self) -> Mapping[Asked, Model]:
        if self._models is None:
            self._models = self._open()
        return self._models

    def _open(self) -> dict[Asked, Model]:
        """Open each server once.

        Raises:
            ConfigurationError: the key is not set on this machine, or an address cannot be used.
        """
        models = {served: self._model(served) for served in set(self._access.servers.values())}
        return {asked: models[served] for asked, served in self._access.servers.items()}

    def _model(self, served: Served) -> Model:
        access = self._access
        timeout = Timeouts(first_byte=access.timeout, total=access.timeout)
        http = HttpModel(served.name, served.base_url, _key(access), timeout=timeout)
        self._opened.append(http)
        return retried(within_limits(http, access.concurrency, access.rates))


_News = asyncio.Queue[Came | None]


def _key(access: Access) -> str | None:
    key = os.environ.get(access.key_variable, "").strip() if access.key_variable else ""
    if not key and access.key_needed:
        raise ConfigurationError(
            f"the environment variable {access.key_variable!r} is not set on a worker's machine; "
            "set it before Ray is started there"
        )
    return key or None
