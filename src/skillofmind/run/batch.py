"""Many items, some at a time, every result kept as soon as it is there.

`concurrency` workers share one iterator. Each takes an item whose key the store does not hold, works on
it and appends the result, with no pause between the end of the work and the append: what finished is
kept, whatever happens next. So a run that is killed, stopped or out of budget goes on where it was.

    with stop_on_interrupt() as stop:
        outcome = await run_batch(rows, annotate, log, concurrency=8, stop=stop)

With `Unfailed` around the log, what failed is kept like any other result, so nothing is hidden, but is tried
once more by the next start.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Generic, TypeVar

import msgspec

from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DataError
from skillofmind.core.record import Record
from skillofmind.core.seams import Store
from skillofmind.run.keys import KeyIndex
from skillofmind.run.log import AppendLog, read_log_as

T = TypeVar("T")
R = TypeVar("R")


class BatchOutcome(Record, frozen=True):
    """How a batch ended.

    Attributes:
        done: items whose result was appended now.
        skipped: items whose key the store held already.
        stopped: whether `stop` ended it; there may be more items.
    """

    done: int = 0
    skipped: int = 0
    stopped: bool = False


async def run_batch(
    items: Iterable[tuple[str, T]],
    work: Callable[[T], Awaitable[R]],
    store: Store,
    *,
    concurrency: int,
    on_done: Callable[[str, R], None] | None = None,
    stop: asyncio.Event | None = None,
    unique: bool = False,
) -> BatchOutcome:
    """Work on every item that the store does not hold.

    Args:
        items: key and item; taken one by one, when a worker is free.
        work: makes the result of one item; an item that fails comes back as data, not as an exception.
        store: where results go, in the order in which they finish.
        concurrency: most items in work at once, at least 1.
        on_done: called with key and result after each append.
        stop: when set, no further item is taken; those in work are finished and kept.
        unique: the caller has made sure that no key occurs twice, and saves the index that finds out.

    Raises:
        ConfigurationError: raised by `work` or by `items`; what is in work is cancelled.
        DataError: a key occurs twice in `items`; its second item was not worked on.
        StorageError: the store said no; what is in work is cancelled.
        DeadlineExceeded: raised by `work`; what is in work is cancelled.
        BudgetExhausted: raised by `work`; what is in work is finished and kept first, as it is paid for.
    """
    if concurrency < 1:
        raise ConfigurationError(f"concurrency {concurrency!r} must be at least 1")
    batch = _Batch(items if unique else _each_once(items), work, store, on_done, stop or asyncio.Event())
    await together(batch.work_through() for _ in range(concurrency))
    if batch.exhausted is not None:
        raise batch.exhausted
    return BatchOutcome(done=batch.done, skipped=batch.skipped, stopped=batch.stop.is_set())


class Unfailed(Generic[R]):
    """The store of a run that can be started again: results of one kind in its log; the last of a key counts.

    Attributes:
        settled: how many keys an earlier start brought to an end without failing.
        failed: keys whose last result failed, in an earlier start.
    """

    def __init__(
        self,
        log: AppendLog,
        keys: Callable[[], Iterable[str]],
        kind: type[R],
        failed: Callable[[R], bool],
    ) -> None:
        """Read what the log holds.

        Args:
            log: of the run.
            keys: gives the keys of all items, in their order, as often as it is called.
            kind: of a result.
            failed: says whether a result is to be tried again.

        Raises:
            DataError: the log holds something else.
        """
        self._log, self._keys, self._kind = log, keys, kind
        last = {key: failed(value) for key, value in read_log_as(log.path, kind)}
        self._settled = {key for key in keys() if last.get(key) is False}
        self.settled = len(self._settled)
        self.failed = {key for key, again in last.items() if again}

    def append(self, key: str, value: R) -> None:
        """Keep a result, also one that failed before; failing in the very same way again adds no line."""
        if not (self._log.has(key) and self.get(key) == value):
            self._log.append(key, value)

    def read(self) -> Iterator[tuple[str, Any]]:
        """Yield all records in the order written."""
        return self._log.read()

    def has(self, key: str) -> bool:
        """Say whether an earlier start brought `key` to an end without failing."""
        return key in self._settled

    def get(self, key: str) -> R:
        """Return the last result of `key`.

        Raises:
            KeyError: there is none.
        """
        return msgspec.convert(self._log.get(key), self._kind)

    def latest(self) -> Iterator[R]:
        """Yield the last result of every key that has one, in the order of the keys."""
        return (self.get(key) for key in self._keys() if self._log.has(key))


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all at once; the first exception cancels the rest and is raised as itself, not as a group."""
    error: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as errors:
        error = errors.exceptions[0]
    # Raised outside the `except`, so that the group does not show up as its context.
    if error is not None:
        raise error


@contextmanager
def stop_on_interrupt() -> Iterator[asyncio.Event]:
    """Give an event that the first Ctrl-C (or SIGTERM) sets; the second one cancels the current task.

    To be used inside a running event loop. Outside the main thread signals do not arrive, and the event
    is set by nobody.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    stop = asyncio.Event()

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        loop.call_soon_threadsafe(stop.set)

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, interrupted)
    except ValueError:
        # Python allows signal handlers in the main thread only.
        before.clear()
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Batch(Generic[T, R]):
    """What the workers of one batch share; all of them are on one thread."""

    def __init__(
        self,
        items: Iterable[tuple[str, T]],
        work: Callable[[T], Awaitable[R]],
        store: Store,
        on_done: Callable[[str, R], None] | None,
        stop: asyncio.Event,
    ) -> None:
        self.done = 0
        self.skipped = 0
        self.stop = stop
        self.exhausted: BudgetExhausted | None = None
        self._work = work
        self._store = store
        self._on_done = on_done
        self._source = self._new_items(items)

    async def work_through(self) -> None:
        while not self.stop.is_set() and self.exhausted is None:
            entry = next(self._source, None)
            if entry is None:
                return
            key, item = entry
            try:
                result = await self._work(item)
            except BudgetExhausted as error:
                self.exhausted = self.exhausted or error
                return
            self._keep(key, result)
            # Work that never waits must not keep signals and the other workers from their turn.
            await asyncio.sleep(0)

    def _keep(self, key: str, result: R) -> None:
        self._store.append(key, result)
        self.done += 1
        if self._on_done is not None:
            self._on_done(key, result)

    def _new_items(self, items: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
        for key, item in items:
            if self._store.has(key):
                self.skipped += 1
            else:
                yield key, item


def _each_once(items: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """Yield the items; those of this input, as one that the store holds from before may occur once, too."""
    seen = KeyIndex()
    for number, (key, item) in enumerate(items, start=1):
        first = seen.setdefault(key, number)
        if first != number:
            raise DataError(
                f"the key {key!r} of item {number} occurs twice in the input, first as item {first}; "
                "make keys unique"
            )
        yield key, item
