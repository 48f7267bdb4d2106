"""The live way: one request at a time for each row, many rows at once.

Each answer goes to the ledger as soon as it is there, so a killed run asks again only what was in flight.
A row whose request fails after all retries is kept as failed and asked again when the run is resumed. A
refused key, or a long series of failures without one answer between them, ends the job early: the server is
down, and every further row would only cost time.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from skillofmind.core.completion import Completion
from skillofmind.core.errors import AuthenticationFailed, BudgetExhausted, ModelError
from skillofmind.core.seams import Model
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import ASKED, Answer, Ask, Asked, Course
from skillofmind.mind.annotate.job import Ended, Job, Way
from skillofmind.mind.annotate.ledger import Work
from skillofmind.models.wrapped import request_fingerprint
from skillofmind.run.batch import run_batch

PATIENCE = 100
"""Rows in a row without an answer after which a job gives up."""


def utc_now() -> str:
    """Return the time as ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def live(
    models: Mapping[Asked, Model],
    *,
    concurrency: int = 64,
    patience: int = PATIENCE,
    now: Callable[[], str] = utc_now,
) -> Way:
    """Make the way that asks `models` directly.

    Args:
        models: the teacher, and the second teacher and the judge where the course asks them.
        concurrency: most rows in work at once.
        patience: rows in a row without an answer after which the job ends as `gave_up`.
        now: the time as text.
    """

    async def run(job: Job) -> Ended:
        attempt = _Attempt(job, models, patience, now)
        entries = ((row.id, row) for row in job.rows())
        try:
            await run_batch(
                entries,
                attempt.work,
                job.ledger,
                concurrency=concurrency,
                on_done=attempt.done,
                stop=job.stop,
                unique=True,
            )
        except BudgetExhausted as error:
            return Ended("budget", str(error))
        except AuthenticationFailed as error:
            return Ended("gave_up", str(error))
        if attempt.hopeless:
            return Ended("gave_up", attempt.hopeless)
        return Ended("interrupted") if job.stop.is_set() else Ended()

    return run


async def row_work(
    instance: Instance,
    course: Course,
    before: Work,
    models: Mapping[Asked, Model],
    keep: Callable[[Work], None],
    now: Callable[[], str] = utc_now,
) -> Work:
    """Bring a row to its end, or to a failed answer, and return all its work.

    Args:
        instance: the row.
        course: how it goes.
        before: what an earlier part of the run did for it.
        models: whom to ask.
        keep: called with the work after each answer but the last, which the caller keeps.
        now: the time as text.

    Raises:
        BudgetExhausted: a limit is reached; what was answered is with `keep`.
        AuthenticationFailed: the key is refused.
    """
    work = Work(before.answers)
    ask = course.next_ask(instance, work.answers)
    while ask is not None:
        answer = await ask_model(ask, models[ASKED[ask.role]], now)
        work = Work((*work.answers, answer))
        if answer.error is not None:
            break
        ask = course.next_ask(instance, work.answers)
        if ask is not None:
            keep(work)
    return msgspec.structs.replace(work, settled=True)


async def ask_model(ask: Ask, model: Model, now: Callable[[], str] = utc_now) -> Answer:
    """Send one request; a failure comes back as an answer with `error`.

    Raises:
        BudgetExhausted: a limit is reached; no call was made.
        AuthenticationFailed: the key is refused, which no other row would change.
    """
    start = time.monotonic()
    try:
        completion = await model.generate(ask.conversation, ask.sampling)
    except AuthenticationFailed:
        raise
    except ModelError as error:
        return Answer(
            ask.role,
            attempts=error.attempts,
            seconds=round(time.monotonic() - start, 3),
            time=now(),
            request=request_fingerprint(ask.conversation, ask.sampling),
            error=str(error),
        )
    return answer_of(ask, completion, round(time.monotonic() - start, 3), now())


def answer_of(ask: Ask, completion: Completion, seconds: float, time: str) -> Answer:
    """Return a completion as the answer to a request."""
    return Answer(
        ask.role,
        text=completion.text,
        stop=completion.stop,
        usage=completion.usage,
        attempts=0 if completion.cached else completion.attempts,
        cached=completion.cached,
        seconds=seconds,
        time=time,
        model=completion.model,
        request=request_fingerprint(ask.conversation, ask.sampling),
    )


class _Attempt:
    """The state of one live run: how many rows in a row got no answer."""

    def __init__(
        self, job: Job, models: Mapping[Asked, Model], patience: int, now: Callable[[], str]
    ) -> None:
        self.hopeless = ""
        self._job, self._models, self._patience, self._now = job, models, patience, now
        self._failures = 0
        self._rows: dict[str, Instance] = {}

    async def work(self, instance: Instance) -> Work:
        ledger = self._job.ledger
        self._rows[instance.id] = instance

        def keep(work: Work) -> None:
            self._failures = 0
            ledger.append(instance.id, work)

        before = ledger.work(instance.id)
        return await row_work(instance, self._job.course, before, self._models, keep, self._now)

    def done(self, key: str, work: Work) -> None:
        self._job.on_row(self._rows.pop(key), work)
        self._failures = self._failures + 1 if work.failed() else 0
        if self._failures >= self._patience and not self.hopeless:
            self.hopeless = f"the last {self._failures} rows got no answer: {work.answers[-1].error}"
            self._job.stop.set()
