"""The files of an annotation run, made from its ledger in one pass over the rows, in their order.

    annotated.jsonl    dialogues that end with the annotated turn
    rejected.jsonl     the other rows, with reason and raw replies
    provenance.jsonl   when, with how many calls and at what cost each row was made
    report.json        the counts

They are derived: the same ledger and filters give the same bytes, whenever and however often it runs.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Asked, Course
from skillofmind.mind.annotate.filters import Duplicates, Filters
from skillofmind.mind.annotate.ledger import Ledger, Work
from skillofmind.mind.annotate.outcome import Outcome, settle
from skillofmind.mind.annotate.request import row_language
from skillofmind.mind.dataset.report import Report, Tally
from skillofmind.mind.dataset.rows import Maker, annotated_row, provenance, rejected_row
from skillofmind.run.atomic import write_atomic, write_parts_atomic
from skillofmind.run.budget import Prices

ANNOTATED = "annotated.jsonl"
REJECTED = "rejected.jsonl"
PROVENANCE = "provenance.jsonl"
REPORT = "report.json"

_encode = msgspec.json.Encoder().encode


class Finish(Record, frozen=True):
    """How answers become a data set.

    Attributes:
        filters: thresholds of the quality filters.
        maker: who annotated, and how.
        prices: the model that is asked -> price of its tokens; empty where none are known.
        currency: of the prices.
    """

    filters: Filters
    maker: Maker
    prices: dict[Asked, Prices] = {}
    currency: str = ""


def outcomes(
    rows: Iterable[Instance], course: Course, ledger: Ledger, filters: Filters
) -> Iterator[tuple[Instance, Work, Outcome | None]]:
    """Yield every row with its work and what became of it; `None` for a row that is not at its end."""
    seen = Duplicates() if filters.duplicates else None
    for row in rows:
        work = ledger.work(row.id)
        if not work.settled:
            yield row, work, None
            continue
        verdict = course.verdict(row, work.answers)
        yield row, work, settle(row, verdict, filters, row_language(row, course.words), seen)


def write_files(
    rows: Iterable[Instance],
    course: Course,
    ledger: Ledger,
    finish: Finish,
    folder: Path,
    on_row: Callable[[], None] = lambda: None,
) -> Report:
    """Write all four files, each whole or not at all, and return the report.

    Raises:
        StorageError: the disk said no.
    """
    tally = Tally()
    write_parts_atomic(folder, _lines(rows, course, ledger, finish, tally, on_row))
    counted = tally.report(finish.prices, finish.currency)
    report = msgspec.structs.replace(counted, maker=finish.maker, filters=finish.filters)
    write_atomic(folder / REPORT, msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    return report


def _lines(
    rows: Iterable[Instance],
    course: Course,
    ledger: Ledger,
    finish: Finish,
    tally: Tally,
    on_row: Callable[[], None],
) -> Iterator[tuple[str, bytes]]:
    # A file without a line is there as well, and replaces one of an earlier part of the run.
    yield from ((name, b"") for name in (ANNOTATED, REJECTED, PROVENANCE))
    maker, prices = finish.maker, finish.prices
    for row, work, outcome in outcomes(rows, course, ledger, finish.filters):
        on_row()
        if outcome is None:
            tally.unfinished(work.answers)
            continue
        answers = work.answers
        tally.add(row, outcome, answers, row_language(row, course.words))
        yield PROVENANCE, _encode(provenance(row, outcome, answers, prices)) + b"\n"
        if outcome.reason is None:
            yield ANNOTATED, _encode(annotated_row(row, outcome, answers, maker)) + b"\n"
        else:
            yield REJECTED, _encode(rejected_row(row, outcome, answers, maker)) + b"\n"
