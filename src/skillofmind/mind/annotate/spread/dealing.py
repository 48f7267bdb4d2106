"""Which rows go to workers, and what becomes of those that come back, fail, or are lost with their worker.

    deal -> take, take, ... -> close          (or lose: the rows without an end are dealt again)

`Dealer` waits for nothing and starts nothing. It alone writes to the ledger, so every answer that came is
there once, whatever a worker does afterwards. Rows are read as they are dealt; only those that are out are
held.

A limit is checked whenever something comes back. So it can be passed by what is in work, or on its way back,
at that moment. Of calls, each row that is out has one reserved: only repairs and repeated tries can pass
that limit.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import NamedTuple

import msgspec

from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Answer, Asked
from skillofmind.mind.annotate.job import Ended, Job
from skillofmind.mind.annotate.ledger import Account, Work
from skillofmind.mind.annotate.live import PATIENCE, utc_now
from skillofmind.mind.annotate.spread.asker import Came, Dealt
from skillofmind.run.budget import Limits, Prices, Spent

MOST_LOSSES = 3
"""Workers that a row is lost with before it has failed: it may be what ends them."""

_decode_came = msgspec.json.Decoder(Came).decode


class Shard(NamedTuple):
    """Rows for one worker.

    Attributes:
        number: unique in the run.
        data: the JSON of a list of `Dealt`.
    """

    number: int
    data: bytes


class Dealer:
    """The driver's knowledge of one run."""

    def __init__(
        self,
        job: Job,
        prices: Mapping[Asked, Prices],
        *,
        size: int,
        patience: int = PATIENCE,
        most_gone: int = MOST_LOSSES,
        now: Callable[[], str] = utc_now,
    ) -> None:
        """Begin with nothing dealt.

        Args:
            job: the job.
            prices: the model that is asked -> price of its tokens.
            size: most rows of a shard.
            patience: rows in a row without an answer after which the job gives up.
            most_gone: workers lost in a row, without an answer between, after which the job gives up.
            now: the time as text.
        """
        self._job, self._prices, self._size, self._now = job, prices, size, now
        self._patience, self._most_gone = patience, most_gone
        self._unread = (row for row in job.rows() if not job.ledger.has(row.id))
        self._again: deque[Instance] = deque()
        self._numbers = count()
        self._out: dict[int, dict[str, Instance]] = {}
        self._losses: Counter[str] = Counter()
        self._failures = self._gone = 0
        self._fault = self._limit = ""
        self._read_all = False

    def deal(self) -> Shard | None:
        """Return rows for a worker, or `None` where there are none now; `is_over` says whether for good."""
        room = self._room()
        if room <= 0:
            return None
        rows = [row for _ in range(room) if (row := self._next_row()) is not None]
        if not rows:
            self._read_all = True
            return None
        shard = next(self._numbers)
        self._out[shard] = {row.id: row for row in rows}
        dealt = [Dealt(row, self._job.ledger.work(row.id)) for row in rows]
        return Shard(shard, msgspec.json.encode(dealt))

    def take(self, shard: Shard, message: bytes) -> str:
        """Keep what a worker tells of a row; return the row's id where it is the last of it, else "".

        Raises:
            StorageError: the disk said no.
        """
        came = _decode_came(message)
        if came.fault:
            self._fault = self._fault or came.fault
            return came.key
        self._gone = 0
        row = self._out[shard.number][came.key]
        known = len(self._job.ledger.work(came.key).answers)
        self._keep(row, came.work, known)
        if came.work.settled:
            del self._out[shard.number][came.key]
            self._losses.pop(came.key, None)
        if not came.work.failed():
            self._failures = 0
        self._limit = self._limit or reached(self._job.meter.limits, self._job.meter.spent)
        return came.key if came.work.settled else ""

    def close(self, shard: Shard) -> None:
        """Say that a worker has nothing more to tell of a shard."""
        if self.is_closing():
            self._again.extend(self._out.pop(shard.number).values())
        else:
            self.lose(shard, "it left rows out")

    def lose(self, shard: Shard, why: str) -> None:
        """Say that the worker of a shard is gone: its rows without an end are dealt again."""
        for row in self._out.pop(shard.number).values():
            self._losses[row.id] += 1
            if self._losses[row.id] < MOST_LOSSES:
                self._again.append(row)
            else:
                self._fail(row, f"its worker was lost {MOST_LOSSES} times: {why}")

    def gone(self, why: str) -> None:
        """Count a worker that is gone, or could not be started."""
        self._gone += 1
        self._job.run.event("worker_lost", error=why)
        if self._gone >= self._most_gone:
            self._fault = self._fault or f"{self._gone} workers were lost without an answer between: {why}"

    def is_closing(self) -> bool:
        """Say whether no further row may begin."""
        return bool(self._fault or self._limit) or self._job.stop.is_set()

    def is_over(self) -> bool:
        """Say whether nothing is out and nothing will be dealt."""
        is_dealt = self._read_all and not self._again
        return not any(self._out.values()) and (is_dealt or self.is_closing())

    def ended(self) -> Ended:
        """Return how the run ended, once it is over."""
        if self._fault:
            return Ended("gave_up", self._fault)
        if self._limit and self._next_row() is not None:
            return Ended("budget", self._limit)
        return Ended("interrupted") if self._job.stop.is_set() else Ended()

    def _next_row(self) -> Instance | None:
        return self._again.popleft() if self._again else next(self._unread, None)

    def _room(self) -> int:
        """Return how many rows may go out now."""
        limits, spent = self._job.meter.limits, self._job.meter.spent
        self._limit = self._limit or reached(limits, spent)
        if self.is_closing():
            return 0
        if limits.calls is None:
            return self._size
        return min(self._size, limits.calls - spent.calls - sum(map(len, self._out.values())))

    def _keep(self, row: Instance, work: Work, known: int) -> None:
        job = self._job
        job.ledger.append(row.id, work)
        job.meter.carry(Account().plus(work.answers[known:]).spent(self._prices))
        if not work.settled:
            return
        job.on_row(row, work)
        if work.failed():
            self._failures += 1
        if self._failures >= self._patience:
            said = f"the last {self._failures} rows got no answer: {work.answers[-1].error}"
            self._fault = self._fault or said

    def _fail(self, row: Instance, why: str) -> None:
        before = self._job.ledger.work(row.id).answers
        ask = self._job.course.next_ask(row, before)
        role = "teacher" if ask is None else ask.role
        answer = Answer(role, attempts=0, time=self._now(), error=why)
        self._keep(row, Work((*before, answer), settled=True), len(before))


def reached(limits: Limits, spent: Spent) -> str:
    """Return which limit is reached, or ""."""
    amounts: dict[str, tuple[float, float | None]] = {
        "calls": (spent.calls, limits.calls),
        "tokens": (spent.tokens, limits.tokens),
        "money": (spent.money, limits.money),
        "seconds": (spent.seconds, limits.seconds),
    }
    for name, (amount, limit) in amounts.items():
        if limit is not None and amount >= limit:
            return f"the limit of {limit:g} {name} is reached ({amount:g} spent); resume with a larger one"
    return ""
