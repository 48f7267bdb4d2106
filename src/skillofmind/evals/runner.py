"""Ask every item of an evaluation once, and keep every answer as soon as it is there.

    with RunDirectory.open(Path("runs/esconv"), command="eval plans", options=options) as run:
        ended = await answered(run, items, plan_asker(planner), concurrency=32)
        finish(run.path)

`items.jsonl` is written before the first question, answers go to `log.jsonl`; the same call on the same
folder goes on where it was, whatever ended it. An item that failed is an answer with `error`: it counts as
asked, is told apart in every number, and is asked again by the next start, after those that were never asked.
Where nearly everything fails, as with a server that is down, the run ends early and keeps what it has.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DeadlineExceeded, StorageError
from skillofmind.core.record import Record
from skillofmind.evals.answering import Ask
from skillofmind.evals.files import (
    LOG,
    Evaluated,
    discard_derived,
    is_run,
    keep_items,
    read_answers,
    read_items,
    rescored,
    write_derived,
)
from skillofmind.evals.records import Answer, Item
from skillofmind.evals.task import Task
from skillofmind.run.batch import Unfailed, run_batch
from skillofmind.run.directory import RunDirectory

FEWEST = 20
"""Finished items below which no share of failures ends a run."""

_ENDS_THE_RUN = (ConfigurationError, StorageError, BudgetExhausted, DeadlineExceeded)


class Ended(Record, frozen=True):
    """How asking ended.

    Attributes:
        items: how many there are.
        before: items that an earlier start answered.
        asked: items that were finished now.
        failed: items whose last answer is an error.
        unasked: items without any answer.
        interrupted: whether `stop` ended it.
        why: what else ended it before all items had an answer; "" where nothing did.
    """

    items: int
    before: int = 0
    asked: int = 0
    failed: int = 0
    unasked: int = 0
    interrupted: bool = False
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether every item has an answer, be it an error."""
        return self.unasked == 0


class Standing(Record, frozen=True):
    """How far a run is.

    Attributes:
        items: how many it holds; 0 where there is no run yet.
        settled: items with an answer that is no error.
    """

    items: int = 0
    settled: int = 0

    @property
    def complete(self) -> bool:
        """Whether there is nothing to ask."""
        return 0 < self.items == self.settled


def standing(path: Path) -> Standing:
    """Return how far the run in a folder is, without opening it.

    Raises:
        DataError: a file of it cannot be understood.
    """
    if not is_run(path):
        return Standing()
    answers = read_answers(path)
    settled = [
        key in answers and answers[key].error is None for key in (item.key for item in read_items(path))
    ]
    return Standing(len(settled), sum(settled))


async def answered(
    run: RunDirectory,
    items: Sequence[Item],
    ask: Ask,
    *,
    concurrency: int,
    stop: asyncio.Event | None = None,
    on_done: Callable[[Answer], None] | None = None,
    seconds: float | None = None,
    most_failed: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Ended:
    """Ask all items that have no answer yet, or one that failed.

    Args:
        run: the folder.
        items: all of them, in the same order at every start.
        ask: makes the answer of one item. What it raises is an answer with `error`, apart from what no
            further item could cure: a wrong configuration, the disk, a budget.
        concurrency: most items in work at once, at least 1.
        stop: when set, no further item is taken; those in work are finished and kept.
        on_done: called with each new answer.
        seconds: that one item may take; `None` is no limit.
        most_failed: share (0 to 1) of the items finished now above which no further item is taken, once
            `FEWEST` are finished; `None` goes on whatever fails.
        clock: monotonic seconds.

    Raises:
        ConfigurationError: raised by `ask`, or `concurrency` is below 1.
        DataError: two items have one key, or the log holds something else.
        RunMismatch: the folder was begun with other items.
        StorageError: the disk said no; every finished answer but the last is kept.
    """
    keep_items(run.path, items)
    log = run.log(LOG)
    store = Unfailed(log, lambda: (item.key for item in items), Answer, has_failed)
    if store.settled < len(items):
        discard_derived(run.path)
    patience = _Patience(most_failed)

    def done(_: str, answer: Answer) -> None:
        patience.finished(answer)
        if on_done is not None:
            on_done(answer)

    why, stopped = "", False
    try:
        outcome = await run_batch(
            patience.while_it_lasts(_in_turn(items, store)),
            lambda item: _asked(ask, item, seconds, clock),
            store,
            concurrency=concurrency,
            on_done=done,
            stop=stop,
            unique=True,
        )
        stopped = outcome.stopped
    except BudgetExhausted as error:
        why = str(error)
    unasked = sum(not log.has(item.key) for item in items)
    failed = len(items) - unasked - store.settled - patience.succeeded
    if not why and not stopped and patience.lost:
        why = patience.told()
    return Ended(len(items), store.settled, patience.done, failed, unasked, stopped, why)


def finish(path: Path, tasks: Mapping[str, Task] | None = None) -> Evaluated:
    """Score and summarise a run whose items all have an answer, and write what is derived.

    Raises:
        DataError: it is no evaluation, or a file of it cannot be understood.
        StorageError: the disk said no.
    """
    found = rescored(path, tasks)
    write_derived(path, found.cases, found.summary)
    return found


def has_failed(answer: Answer) -> bool:
    """Say whether an answer is an error."""
    return answer.error is not None


def _in_turn(items: Sequence[Item], store: Unfailed[Answer]) -> Iterator[tuple[str, Item]]:
    """Yield what was never asked, then what failed: these say little about how the others will fare."""
    for again in (False, True):
        for item in items:
            key = item.key
            if (key in store.failed) is again and not store.has(key):
                yield key, item


async def _asked(ask: Ask, item: Item, seconds: float | None, clock: Callable[[], float]) -> Answer:
    start = clock()
    try:
        async with asyncio.timeout(seconds) as limit:
            answer = await ask(item)
    except _ENDS_THE_RUN:
        raise
    except Exception as error:
        answer = Answer(error=_sentence(error, limit.expired(), seconds))
    return msgspec.structs.replace(answer, seconds=round(clock() - start, 6))


def _sentence(error: Exception, late: bool, seconds: float | None) -> str:
    if late and isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} seconds"
    from skillofmind.core.errors import ModelError

    return str(error) if isinstance(error, ModelError) else f"{type(error).__name__}: {error}"


class _Patience:
    """Counts what is finished now, and ends where too much of it failed."""

    def __init__(self, most_failed: float | None) -> None:
        self.done = self.failed = 0
        self.last = ""
        self._most = most_failed

    @property
    def succeeded(self) -> int:
        return self.done - self.failed

    @property
    def lost(self) -> bool:
        return self._most is not None and self.done >= FEWEST and self.failed > self._most * self.done

    def told(self) -> str:
        return f"{self.failed} of the {self.done} items finished now failed, the last one with: {self.last}"

    def finished(self, answer: Answer) -> None:
        self.done += 1
        if answer.error is not None:
            self.failed += 1
            self.last = answer.error

    def while_it_lasts(self, items: Iterator[tuple[str, Item]]) -> Iterator[tuple[str, Item]]:
        for entry in items:
            if self.lost:
                return
            yield entry
