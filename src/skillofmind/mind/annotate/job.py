"""An annotation job: what every way of running it (live, Batch API, Ray) is given and gives back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Course
from skillofmind.mind.annotate.ledger import Ledger, Work
from skillofmind.run.budget import Meter
from skillofmind.run.directory import RunDirectory

End = Literal["done", "interrupted", "budget", "gave_up"]
"""Why a job ended: nothing left to do, Ctrl-C, a limit is reached, the model answers no more."""


class Ended(Record, frozen=True):
    """How a job ended.

    Attributes:
        why: the reason.
        detail: one sentence, where the reason needs one.
    """

    why: End = "done"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        rows: yields the rows, the same ones in the same order each time, no id twice.
        course: how every row goes.
        ledger: keeps the answers.
        meter: counts calls, tokens and money, and refuses what goes beyond the limits.
        run: the run directory, for events and files of a way's own.
        stop: set by Ctrl-C; what is in work is finished and kept.
        on_row: called once a row is at its end, or failed, with its work.
    """

    rows: Callable[[], Iterator[Instance]]
    course: Course
    ledger: Ledger
    meter: Meter
    run: RunDirectory
    stop: asyncio.Event
    on_row: Callable[[Instance, Work], None]


Way = Callable[[Job], Awaitable[Ended]]
"""A way to run a job to its end."""
