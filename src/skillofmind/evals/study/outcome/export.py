"""All answers of a study, with the systems named: one line for each answer to each question."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from skillofmind.core.record import Record
from skillofmind.evals.study.folder import Kept
from skillofmind.evals.study.outcome.votes import PASS, attention
from skillofmind.evals.study.records import Answer, Choice, Sort, Task

Form = Literal["jsonl", "csv"]
"""JSON lines, or comma-separated values for a spreadsheet."""


class Row(Record, frozen=True, omit_defaults=False):
    """One answer to one question.

    Attributes:
        study: title.
        rater: name, or a number where names are to be left out.
        excluded: whether the rater failed the attention checks.
        place: of the page in the rater's order, from 1.
        task: key of the task.
        sort: real, broken or instructed.
        item: id of the material; of a check, the item it was made from.
        dialogue: id of the dialogue.
        criterion: the question.
        left: the system on the left; in a rating, the system.
        right: the system on the right; "" in a rating.
        choice: as it was on the page.
        winner: the system that was preferred; "" for a tie and in ratings.
        rating: the number; `None` in pairs.
        seconds: that the page was looked at.
        revised: how often the answer was changed.
        time: of the last change, ISO 8601.
        remark: of the rater.
    """

    study: str
    rater: str
    excluded: bool
    place: int
    task: str
    sort: Sort
    item: str
    dialogue: str
    criterion: str
    left: str
    right: str
    choice: Choice
    winner: str
    rating: int | None
    seconds: float
    revised: int
    time: str
    remark: str


def rows(kept: Kept, *, anonymous: bool = False, needed: float = PASS) -> Iterator[Row]:
    """Yield every answer to every question, checks included.

    Args:
        kept: what the folder holds.
        anonymous: raters are numbered in the order in which they joined; remarks are left out.
        needed: share of the attention checks that a rater has to pass.
    """
    checked = attention(kept, needed)
    names = {name: f"rater {number}" if anonymous else name for number, name in enumerate(kept.raters, 1)}
    for answer in kept.answers:
        for criterion in answer.choices:
            row = _row(kept, answer, kept.tasks[answer.task], criterion, names)
            yield msgspec.structs.replace(
                row,
                excluded=checked[answer.rater].excluded,
                remark="" if anonymous else answer.remark,
            )


def as_jsonl(found: Iterator[Row]) -> Iterator[bytes]:
    """Yield the rows as JSON, a line each."""
    for row in found:
        yield msgspec.json.encode(row) + b"\n"


def as_csv(found: Iterator[Row]) -> Iterator[bytes]:
    """Yield the rows as CSV with a head.

    Text that a spreadsheet would take for a formula gets a `'` before it.
    """
    yield _line(Row.__struct_fields__)
    for row in found:
        yield _line([_cell(getattr(row, name)) for name in Row.__struct_fields__])


def _line(cells: "tuple[str, ...] | list[object]") -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _row(kept: Kept, answer: Answer, task: Task, criterion: str, names: Mapping[str, str]) -> Row:
    choice = answer.choices[criterion]
    winner = {"left": answer.left, "right": answer.right}.get(str(choice), "")
    return Row(
        study=kept.study.title,
        rater=names[answer.rater],
        excluded=False,
        place=answer.place + 1,
        task=task.key,
        sort=task.sort,
        item=task.item,
        dialogue=task.group,
        criterion=criterion,
        left=answer.left,
        right=answer.right,
        choice=choice,
        winner=winner,
        rating=choice if isinstance(choice, int) else None,
        seconds=answer.seconds,
        revised=kept.revised.get((answer.rater, answer.task), 0),
        time=answer.time,
        remark=answer.remark,
    )
