"""Annotate rows: open the run, ask for what is missing, write what came out.

    run/
      manifest.json     teacher, prompt, sampling, rows: what decides the annotations
      log.jsonl         every answer; the run resumes from here
      annotated.jsonl   rejected.jsonl   provenance.jsonl   report.json   README.md (and .parquet)

    made = await annotate(rows, Path("run"), live({"teacher": model}), teachers={"teacher": "llama-3"})
    made.report.annotated, made.report.rejected, made.report.skills

The same call again goes on where it was; another teacher, prompt or input is refused with the difference.
Filters and prices may change: they are applied to the answers that are there.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Asked, Course
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.annotate.job import Ended, Job, Way
from skillofmind.mind.annotate.ledger import Account, Ledger, Work
from skillofmind.mind.annotate.outcome import settle
from skillofmind.mind.annotate.request import row_language, wording
from skillofmind.mind.dataset.card import write_card
from skillofmind.mind.dataset.estimate import Estimate, estimate, sample_ids
from skillofmind.mind.dataset.files import Finish, write_files
from skillofmind.mind.dataset.parquet import write_parquet
from skillofmind.mind.dataset.report import Report
from skillofmind.mind.dataset.rows import Maker
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.run.budget import Meter
from skillofmind.run.directory import RunDirectory
from skillofmind.run.keys import KeyIndex
from skillofmind.run.progress import Progress

COMMAND = "annotate"
_FREE = ("filters",)


class RowCount(Record, frozen=True):
    """How many rows there are, and a hash of all of them in order."""

    rows: int
    fingerprint: str


class Annotated(NamedTuple):
    """What came of a run.

    Attributes:
        ended: how it ended.
        report: the counts; `None` where no files were written: after an interruption, and for a sample.
        estimate: what the whole run will cost, where only a sample was asked.
    """

    ended: Ended
    report: Report | None = None
    estimate: Estimate | None = None


class Held(NamedTuple):
    """What an earlier part of the run left: rows that are settled, and what all its answers cost."""

    settled: int
    account: Account


def count_rows(rows: Iterable[Instance]) -> RowCount:
    """Read all rows once, before any money is spent.

    Raises:
        DataError: two rows have one id.
    """
    seen, digest, count = KeyIndex(), hashlib.sha256(), 0
    encode = msgspec.json.Encoder().encode
    for count, row in enumerate(rows, 1):
        if (first := seen.setdefault(row.id, count)) != count:
            raise DataError(f"rows {first} and {count} both have the id {row.id!r}; make ids unique.")
        digest.update(encode(row))
    return RowCount(count, digest.hexdigest()[:16])


async def annotate(
    rows: Sequence[Instance] | Callable[[], Iterator[Instance]],
    out: Path,
    way: Way,
    course: Course | None = None,
    finish: Finish | None = None,
    *,
    teachers: Mapping[Asked, str] | None = None,
    meter: Meter | None = None,
    stop: asyncio.Event | None = None,
    sample: int | None = None,
    quiet: bool = True,
) -> Annotated:
    """Annotate all rows, or go on where an earlier run into the same folder ended.

    Args:
        rows: the rows, or what yields them, the same each time.
        out: the run directory.
        way: how to ask: `live`, `batch` or `ray`.
        course: what is asked; one teacher with the package's wording without it.
        finish: how answers become a data set; the package's filters and no prices without it.
        teachers: the model that is asked -> its name, with its place where that matters: a resumed run has to
            keep them. The names of `finish` without it; one of the two is needed.
        meter: counts and limits what is spent; what the run spent before is added to it.
        stop: set it to end early; what is in work is finished and kept.
        sample: ask so many rows only, to estimate what all will cost; their answers are kept.
        quiet: show no progress.

    Raises:
        ConfigurationError: nobody says who the teacher is.
        DataError: two rows have one id.
        RunMismatch: the folder holds a run with another teacher, prompt, sampling or other rows.
        StorageError: the disk said no; what was answered before is kept.
    """
    path = course or default_course()
    done = finish or _default_finish(path, teachers)
    named = teachers or done.maker.names
    read = rows if callable(rows) else partial(iter, rows)
    return await _annotate(read, out, way, path, done, named, meter or Meter(), stop, sample, quiet)


def default_course(lang: str = "") -> Course:
    """Return the course of one teacher, with the package's wording and taxonomy."""
    taxonomy = load_taxonomy()
    return Course(wording(load_template().annotate, taxonomy, lang), Normaliser(taxonomy))


def _default_finish(course: Course, teachers: Mapping[Asked, str] | None) -> Finish:
    if not teachers:
        raise ConfigurationError(
            "teachers is empty; name the model that annotates, as {'teacher': 'llama-3'}"
        )
    return Finish(Filters(), Maker(dict(teachers), course.words.identity, course.sampling))


async def _annotate(
    rows: Callable[[], Iterator[Instance]],
    out: Path,
    way: Way,
    course: Course,
    finish: Finish,
    teachers: Mapping[Asked, str],
    meter: Meter,
    stop: asyncio.Event | None,
    sample: int | None,
    quiet: bool,
) -> Annotated:
    found = count_rows(rows())
    with RunDirectory.open(
        out, command=COMMAND, options=_options(found, course, finish, teachers), free=_FREE
    ) as run:
        ledger = Ledger(run.log("log"))
        held = _held(rows(), ledger)
        meter.carry(held.account.spent(finish.prices))
        run.event("resumed" if run.resumed else "started", settled=held.settled, rows=found.rows)
        asked = rows if sample is None else _sampled(rows, sample)
        total = found.rows if sample is None else min(sample, found.rows)
        with Progress(total, COMMAND, done=0 if sample else held.settled, quiet=quiet) as progress:
            on_row = _unseen if quiet else _shown(progress, meter, course, finish)
            ended = await way(Job(asked, course, ledger, meter, run, stop or asyncio.Event(), on_row))
        run.event(ended.why, calls=meter.spent.calls, tokens=meter.spent.tokens, detail=ended.detail)
        if sample is not None:
            works = [work.answers for row in asked() if (work := ledger.work(row.id)).settled]
            return Annotated(ended, estimate=estimate(found.rows, works, finish.prices, finish.currency))
        if ended.why == "interrupted":
            return Annotated(ended)
        with Progress(found.rows, "write", quiet=quiet) as progress:
            report = write_files(rows(), course, ledger, finish, out, progress.advance)
        write_card(report, finish, out)
        write_parquet(out)
        return Annotated(ended, report)


def _options(
    found: RowCount, course: Course, finish: Finish, teachers: Mapping[Asked, str]
) -> dict[str, Any]:
    return {
        **{str(asked): name for asked, name in teachers.items()},
        "prompt": course.words.identity,
        "sampling": course.sampling,
        "lang": course.words.lang,
        "rows": f"{found.rows} rows, {found.fingerprint}",
        "filters": finish.filters,
    }


def _held(rows: Iterable[Instance], ledger: Ledger) -> Held:
    settled, account = 0, Account()
    for row in rows if len(ledger) else ():
        work = ledger.work(row.id)
        settled += work.is_done()
        account = account.plus(work.answers)
    return Held(settled, account)


def _sampled(rows: Callable[[], Iterator[Instance]], size: int) -> Callable[[], Iterator[Instance]]:
    ids = sample_ids(rows(), size)
    return lambda: (row for row in rows() if row.id in ids)


def _unseen(row: Instance, work: Work) -> None:
    """Show nothing, and do not read and filter every reply for it."""


def _shown(
    progress: Progress, meter: Meter, course: Course, finish: Finish
) -> Callable[[Instance, Work], None]:
    """Return what shows a row that is at its end; duplicates are known only when the files are written."""

    def show(row: Instance, work: Work) -> None:
        verdict = course.verdict(row, work.answers)
        outcome = settle(row, verdict, finish.filters, row_language(row, course.words))
        spent = meter.spent
        money = f", {spent.money:.4g} {finish.currency}".rstrip() if finish.prices else ""
        progress.note = f"{spent.tokens:,} tokens{money}"
        progress.advance(1, **{outcome.reason or "annotated": 1})

    return show
