"""Source rows: the items of a corpus's file, whatever container they came in, and what they become.

`json_rows` and `csv_rows` read files into rows. A corpus module says how one row becomes dialogues, in one of
two ways:

    converted(json_rows(path), Shape, convert)           a checked shape; a row may give several dialogues
    dialogues(paths, json_objects, build)                a dialogue a row; ids must not come twice

Either turns what does not fit into `Rejected`, so that a row that is broken costs one row.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import source_of, stem
from skillofmind.data.jsonl import Rejected, dialogue_fault

T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True):
    """Base of typed source rows: the fields that a reader needs, with their types; others are ignored."""


class Row(Record, frozen=True):
    """One row of a file.

    Attributes:
        path: the file.
        line: where the row begins, from 1.
        number: count of rows up to and with this one; 0 where rows are known by their lines alone.
        value: what stands there, as decoded.
        key: the name of the row, where rows have names.
    """

    path: Path
    line: int
    number: int
    value: Any
    key: str = ""

    @property
    def place(self) -> str:
        """`<stem of the file>:<line>`, an id for rows that have none of their own."""
        return f"{stem(self.path)}:{self.line}"

    def rejected(self, reason: str) -> Rejected:
        """Return a rejection of this row; `reason` is one sentence."""
        where = "" if self.number in (0, self.line) else f"row {self.number}: "
        return Rejected(source_of(self.path), self.line, where + reason)

    def rest(self, *known: str) -> dict[str, Any]:
        """Return the fields that are not among `known` and not null."""
        fields = self.value if isinstance(self.value, dict) else {}
        return {name: value for name, value in fields.items() if name not in known and value is not None}


Rows = Callable[[Path], Iterable[Row | Rejected]]
Build = Callable[[Row], Dialogue | Rejected]


def shaped(row: Row, shape: type[T]) -> T | Rejected:
    """Return the row's value with its types checked, or why it is not of that shape."""
    try:
        return msgspec.convert(row.value, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        return _misshapen(row, error)


def _misshapen(row: Row, error: Exception) -> Rejected:
    return row.rejected(f"not a row of this corpus: {error}; compare it with the published file.")


def converted(
    rows: Iterable[Row | Rejected],
    shape: type[T],
    convert: Callable[[T, Row], Iterable[Dialogue | Rejected]],
) -> Iterator[Dialogue | Rejected]:
    """Yield what `convert` makes of every row of the right shape, and the rejections of all others."""
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        found = shaped(row, shape)
        if isinstance(found, Rejected):
            yield found
            continue
        for result in convert(found, row):
            yield result if isinstance(result, Rejected) else usable(result, row)


def dialogues(paths: Iterable[Path], rows_of: Rows, build: Build) -> Iterator[Dialogue | Rejected]:
    """Yield what `build` makes of every row of every file; one row in memory at a time.

    A `msgspec.ValidationError` of `build` and an id that was given before reject the row.
    """
    seen: set[str] = set()
    for path in paths:
        for row in rows_of(path):
            yield row if isinstance(row, Rejected) else _built(row, build, seen)


def _built(row: Row, build: Build, seen: set[str]) -> Dialogue | Rejected:
    try:
        found = build(row)
    except msgspec.ValidationError as error:
        return _misshapen(row, error)
    found = found if isinstance(found, Rejected) else usable(found, row)
    if isinstance(found, Rejected):
        return found
    if found.id in seen:
        return row.rejected(f"the id {found.id!r} was given before; keep one row of each id.")
    seen.add(found.id)
    return found


def usable(dialogue: Dialogue, row: Row) -> Dialogue | Rejected:
    """Return the dialogue, or a rejection of its row when nothing can be done with it."""
    fault = dialogue_fault(dialogue)
    return row.rejected(fault) if fault else dialogue


def rest(fields: dict[str, Any], known: type[msgspec.Struct], *more: str) -> dict[str, Any]:
    """Return the fields that neither `known` nor `more` names, null ones as well."""
    return {name: v for name, v in fields.items() if name not in {*known.__struct_encode_fields__, *more}}
