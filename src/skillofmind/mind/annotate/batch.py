"""The Batch API way: all requests of a round as files, at the provider's price for waiting.

    rounds: pack the next request of every row -> upload -> create -> wait -> fetch -> apply
            ... until no row has a next request: repairs, a second teacher and the judge are later rounds

Batches run on at the provider when this process ends, by Ctrl-C or otherwise; the same command finds them
again. A request that expired or failed for a passing reason goes into the next round, at most `tries` times.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.errors import ModelError
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import ASKED, Answer, Ask, Asked
from skillofmind.mind.annotate.job import Ended, Job, Way
from skillofmind.mind.annotate.ledger import Work
from skillofmind.mind.annotate.live import answer_of, utc_now
from skillofmind.mind.annotate.parcels import (
    Entry,
    Journal,
    Packer,
    Parcel,
    custom_id,
    read_answers,
    read_entries,
)
from skillofmind.models.openai_batch import Batch, BatchClient, BatchLine
from skillofmind.models.wrapped import request_fingerprint
from skillofmind.run.batch import together
from skillofmind.run.budget import Prices, Spent

MOST_ROWS = 10_000
"""Requests of one batch: providers take more, but small ones come back sooner and an error costs less."""

TRIES = 3
"""Times that a request is sent before its row has failed."""

_FIRST_GUESS = 150
_LETTERS_A_TOKEN = 3


def batch(
    clients: Mapping[Asked, BatchClient],
    names: Mapping[Asked, str],
    prices: Mapping[Asked, Prices],
    *,
    most: int = MOST_ROWS,
    tries: int = TRIES,
    poll: float = 10.0,
    now: Callable[[], str] = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Way:
    """Make the way that asks through a Batch API.

    Args:
        clients: the model that is asked -> where its batches go.
        names: the model that is asked -> the provider's name for it.
        prices: the model that is asked -> price of its tokens in a batch, for a limit on money.
        most: requests of one batch.
        tries: times that a request is sent before its row has failed.
        poll: seconds between the first two questions about a batch.
        now: the time as text.
        sleep: waits.
    """

    async def run(job: Job) -> Ended:
        shipping = _Shipping(job, clients, names, prices, most, tries, poll, now, sleep)
        try:
            return await shipping.run()
        except ModelError as error:
            return Ended("gave_up", str(error))

    return run


class _Shipping:
    """One run of the way."""

    def __init__(
        self,
        job: Job,
        clients: Mapping[Asked, BatchClient],
        names: Mapping[Asked, str],
        prices: Mapping[Asked, Prices],
        most: int,
        tries: int,
        poll: float,
        now: Callable[[], str],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._job, self._clients, self._prices = job, clients, prices
        self._names, self._most, self._tries = dict(names), most, tries
        self._poll, self._now, self._sleep = poll, now, sleep
        self._journal = Journal(job.run.log("batches"), job.run.path)
        self._run_id = _run_id(job)
        self._failures: Counter[str] = Counter()
        self._refused = ""
        self._tokens_out = _Mean(_FIRST_GUESS)

    async def run(self) -> Ended:
        limit = ""
        while True:
            parcels = self._journal.open()
            if not parcels:
                if limit:
                    return Ended("budget", limit)
                limit = self._pack()
                parcels = self._journal.open()
                if not parcels:
                    return Ended("budget", limit) if limit else Ended()
            if not await self._ship_all(parcels):
                left = len(self._journal.open())
                return Ended(
                    "interrupted", f"{left} batches go on at the provider; the same command fetches them"
                )
            if self._refused:
                return Ended("gave_up", self._refused)

    def _pack(self) -> str:
        """Pack the next request of every row; return the limit that ended it early, or ""."""
        packer = Packer(self._journal, self._names, self._most)
        planned = _Planned(self._job, self._prices, self._tokens_out)
        for row in self._job.rows():
            work = self._job.ledger.work(row.id)
            if self._failures[row.id] >= self._tries or work.is_done():
                continue
            ask = self._job.course.next_ask(row, work.answers)
            if ask is None:
                continue
            if (limit := planned.refusal(ask)) != "":
                packer.close_all()
                return limit
            packer.add(row, ask)
        packer.close_all()
        return ""

    async def _ship_all(self, parcels: list[Parcel]) -> bool:
        """Bring parcels to their end; return whether they came to it, Ctrl-C leaves them alone."""
        shipping = asyncio.ensure_future(together(self._ship(parcel) for parcel in parcels))
        stopping = asyncio.ensure_future(self._job.stop.wait())
        try:
            await asyncio.wait((shipping, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not shipping.done():
                return False
            shipping.result()
            return True
        finally:
            for task in (shipping, stopping):
                task.cancel()
            await asyncio.gather(shipping, stopping, return_exceptions=True)

    async def _ship(self, parcel: Parcel) -> None:
        client, journal = self._clients[parcel.asked], self._journal
        files = journal.files(parcel)
        named = {"run": self._run_id, "parcel": parcel.name}
        if parcel.state == "planned":
            parcel = journal.keep(_at(parcel, "uploaded", file=await client.upload(files.requests)))
        if parcel.state == "uploaded":
            # A run that was killed may have created it without having written that down.
            found = await client.find(named) or await client.create(parcel.file, metadata=named)
            parcel = journal.keep(_at(parcel, "created", batch=found.id))
            self._job.run.event("batch", parcel=parcel.name, batch=found.id, rows=parcel.rows)
        if parcel.state == "created":
            ended = await client.wait(parcel.batch, poll=self._poll, sleep=self._sleep)
            if ended.status == "failed":
                self._refuse(parcel, ended)
                return
            for file, path in ((ended.output_file, files.output), (ended.error_file, files.errors)):
                if file is not None:
                    await client.download(file, path)
            parcel = journal.keep(_at(parcel, "fetched", time=self._now()))
        await self._apply(parcel)
        parcel = journal.keep(_at(parcel, "done"))
        journal.clear(parcel)
        await self._forget(client, parcel)

    def _refuse(self, parcel: Parcel, ended: Batch) -> None:
        why = "; ".join(ended.errors[:3]) or "the provider gives no reason"
        self._refused = f"the batch {ended.id!r} of {parcel.rows} rows was refused: {why}"
        self._journal.keep(_at(parcel, "failed", error=why))
        self._job.run.event("batch_refused", parcel=parcel.name, batch=ended.id, error=why)

    async def _apply(self, parcel: Parcel) -> None:
        """Put the answers of a parcel into the ledger; doing it again changes nothing."""
        files = self._journal.files(parcel)
        lines = read_answers((files.output, files.errors))
        for count, entry in enumerate(read_entries(files.rows)):
            self._apply_row(entry, lines, parcel)
            if count % 256 == 255:
                # Signals and the other parcels get their turn.
                await asyncio.sleep(0)

    def _apply_row(self, entry: Entry, lines: Mapping[str, BatchLine], parcel: Parcel) -> None:
        job, row = self._job, entry.row
        before = job.ledger.work(row.id)
        ask = job.course.next_ask(row, before.answers)
        is_there = any(answer.parcel == parcel.name for answer in before.answers)
        if is_there or ask is None or ask.role != entry.role:
            return
        answer, can_retry = _answer(ask, lines.get(custom_id(row, entry.role)), parcel)
        if answer.error is not None:
            self._failures[row.id] = self._failures[row.id] + 1 if can_retry else self._tries
            settled = self._failures[row.id] >= self._tries
        else:
            self._failures.pop(row.id, None)
            self._tokens_out.add(answer.usage.completion_tokens)
            settled = job.course.next_ask(row, (*before.answers, answer)) is None
        self._keep(row, Work((*before.answers, answer), settled), answer)

    def _keep(self, row: Instance, work: Work, answer: Answer) -> None:
        job, asked = self._job, ASKED[answer.role]
        job.ledger.append(row.id, work)
        money = self._prices[asked].cost(answer.usage) if asked in self._prices else 0.0
        job.meter.carry(Spent(calls=answer.attempts, usage=answer.usage, money=money))
        if work.settled:
            job.on_row(row, work)

    async def _forget(self, client: BatchClient, parcel: Parcel) -> None:
        """Delete the file of requests at the provider; one that stays there harms nothing but privacy."""
        try:
            await client.delete_file(parcel.file)
        except ModelError as error:
            self._job.run.event("file_left", file=parcel.file, error=str(error))


class _Planned:
    """What the parcels of a round will spend, so that limits stop the packing and not the paying."""

    def __init__(self, job: Job, prices: Mapping[Asked, Prices], tokens_out: "_Mean") -> None:
        self._limits, self._before = job.meter.limits, job.meter.spent
        self._prices, self._tokens_out = prices, tokens_out
        self._calls, self._tokens, self._money = 0, 0.0, 0.0

    def refusal(self, ask: Ask) -> str:
        """Return why the request may not be packed, or "" and count it."""
        letters = sum(len(message.text()) for message in ask.conversation.messages)
        usage = Usage(letters // _LETTERS_A_TOKEN, round(self._tokens_out.value))
        asked = ASKED[ask.role]
        cost = self._prices[asked].cost(usage) if asked in self._prices else 0.0
        spent = {
            "calls": (self._before.calls + self._calls + 1, self._limits.calls),
            "tokens": (self._before.tokens + self._tokens + usage.total_tokens, self._limits.tokens),
            "money": (self._before.money + self._money + cost, self._limits.money),
        }
        for name, (amount, limit) in spent.items():
            if limit is not None and amount > limit:
                return f"the limit of {limit:g} {name} would be passed; resume with a larger one"
        self._calls += 1
        self._tokens += usage.total_tokens
        self._money += cost
        return ""


class _Mean:
    """A running mean that begins with a guess."""

    def __init__(self, guess: float) -> None:
        self.value, self._count = guess, 0

    def add(self, value: float) -> None:
        self._count += 1
        self.value += (value - self.value) / self._count


def _run_id(job: Job) -> str:
    """Return what names this run at the provider, the same in all its parts."""
    log = job.run.log("batch_run")
    if not log.has("id"):
        log.append("id", token_hex(8))
        log.flush()
    return str(log.get("id"))


def _at(parcel: Parcel, state: str, **fields: str) -> Parcel:
    return msgspec.structs.replace(parcel, state=state, **fields)


def _answer(ask: Ask, line: BatchLine | None, parcel: Parcel) -> tuple[Answer, bool]:
    """Return the answer in a line, and whether asking again could help where it is a failure."""
    if line is not None and line.completion is not None:
        found = answer_of(ask, line.completion, 0.0, parcel.time)
        return msgspec.structs.replace(found, parcel=parcel.name), False
    error = None if line is None else line.error
    failed = Answer(
        ask.role,
        # One that expired or was lost on the way was never a call.
        attempts=1 if error is not None and error.status is not None else 0,
        time=parcel.time,
        request=request_fingerprint(ask.conversation, ask.sampling),
        parcel=parcel.name,
        error="the batch has no line for this row" if error is None else f"{error.kind}: {error.message}",
    )
    return failed, error is None or error.retryable
