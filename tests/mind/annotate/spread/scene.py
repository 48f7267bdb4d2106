"""A job, and workers in this process, for tests of dealing that need no Ray."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.seams import Capabilities
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.job import Ended, Job
from skillofmind.mind.annotate.ledger import Ledger, Work
from skillofmind.mind.annotate.spread.asker import Access, Asker, Served
from skillofmind.mind.annotate.spread.way import Hired, WorkerLost, spread
from skillofmind.run.budget import Limits, Meter, Prices
from skillofmind.run.directory import RunDirectory
from tests.mind.annotate.rows import course, numbered
from tests.teacher import Teacher

PRICES = Prices(prompt=1e6)


class Scripted:
    """A model that is a `Teacher`, and counts."""

    def __init__(self, teacher: Teacher, meet: Callable[[int], None]) -> None:
        self.identity, self.capabilities = "scripted", Capabilities()
        self.asked = self.in_flight = self.most = 0
        self._teacher, self._meet = teacher, meet

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        self.asked += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            self._meet(self.asked)
            await asyncio.sleep(0.001)
            body: dict[str, Any] = {
                "messages": [
                    {"role": message.role, "content": message.text()} for message in conversation.messages
                ]
            }
            return Completion((Sample(self._teacher(body)),), usage=Usage(1, 0))
        finally:
            self.in_flight -= 1


class Own:
    """The model as one worker has it: nothing comes through once the worker is killed."""

    def __init__(self, model: Scripted, killed: asyncio.Event) -> None:
        self.identity, self.capabilities = model.identity, model.capabilities
        self._model, self._killed = model, killed

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        await self._live()
        completion = await self._model.generate(conversation, sampling)
        await self._live()
        return completion

    async def _live(self) -> None:
        if self._killed.is_set():
            await asyncio.Event().wait()


class Worker:
    """An `Asker` in this process that can be killed; what it had told by then still arrives."""

    def __init__(self, brief: bytes, model: Scripted) -> None:
        self.killed = asyncio.Event()
        own = Own(model, self.killed)
        self.asker = Asker(brief, {"teacher": own, "second": own, "judge": own})

    async def answer(self, shard: bytes) -> AsyncIterator[bytes]:
        messages = self.asker.answer(shard)
        try:
            while True:
                coming = asyncio.ensure_future(anext(messages, None))
                dying = asyncio.ensure_future(self._dying())
                await asyncio.wait((coming, dying), return_when=asyncio.FIRST_COMPLETED)
                dying.cancel()
                if not coming.done():
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)
                    raise WorkerLost("killed")
                if (message := coming.result()) is None:
                    return
                yield message
        finally:
            await messages.aclose()  # type: ignore[attr-defined]

    async def _dying(self) -> None:
        await self.killed.wait()
        await asyncio.sleep(0.01)

    async def taken(self, key: str) -> None:
        await self.asker.taken(key)

    async def stop(self) -> None:
        await self.asker.stop()

    async def close(self) -> None:
        await self.asker.close()


@dataclass
class Scene:
    """A job over some rows, and what came of it.

    Attributes:
        job: the job.
        model: whom all workers ask.
        workers: those that were hired.
        ended_rows: ids of rows in the order of their ends.
    """

    job: Job
    model: Scripted
    workers: list[Worker] = field(default_factory=list)
    ended_rows: list[str] = field(default_factory=list)
    hire_error: str = ""

    async def hire(self, brief: bytes) -> Hired:
        if self.hire_error:
            raise WorkerLost(self.hire_error)
        self.workers.append(Worker(brief, self.model))
        return self.workers[-1]

    async def run(self, workers: int = 2, at_once: int = 4, patience: int = 100) -> Ended:
        access = Access({"teacher": Served("scripted", "http://127.0.0.1:9/v1")}, concurrency=at_once)
        way = spread(self.hire, access, {"teacher": PRICES}, workers=workers, patience=patience)
        async with asyncio.timeout(20):
            return await way(self.job)

    def works(self) -> dict[str, Work]:
        return {key: msgspec.convert(value, Work) for key, value in self.job.ledger.read()}

    def attempts(self) -> int:
        return sum(answer.attempts for work in self.works().values() for answer in work.answers)


@contextmanager
def scene(
    folder: Path,
    count: int = 40,
    *,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    teacher: Teacher | None = None,
    second: bool = False,
    meet: Callable[[int], None] = lambda number: None,
) -> Iterator[Scene]:
    rows = numbered(count)
    with RunDirectory.open(folder, command="annotate", options={}) as run:
        ended: list[str] = []

        def on_row(row: Instance, work: Work) -> None:
            ended.append(row.id)

        ledger, meter = Ledger(run.log("log")), Meter(limits, "per call")
        job = Job(lambda: iter(rows), course(second), ledger, meter, run, asyncio.Event(), on_row)
        yield Scene(job, Scripted(teacher or Teacher({}), meet), ended_rows=ended)
