"""Source rows: the items of a corpus's file, whatever container they came in.

`json_rows` understands the four containers in which corpora are published, by the first bytes:

    [ {...}, {...} ]               a list, streamed
    {...} newline {...}            an object a line, streamed
    {"a": [1, 2], "b": [3, 4]}     a table of columns, read whole
    {"x": {...}, "y": {...}}       rows by name, read whole; the name is `Row.key`

`csv_rows` reads comma-separated tables with quoted cells that may hold line ends. A row that cannot be read
comes out as `Rejected` and the next one is tried; nothing is skipped but blank lines.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.data.corpora.elements import elements
from skillofmind.data.files import open_binary
from skillofmind.data.jsonl import Rejected, dialogue_fault

_BOM = b"\xef\xbb\xbf"
_SHOWN = 200

T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True):
    """Base of typed source rows: the fields that a reader needs, with their types; others are ignored."""


class Row(Record, frozen=True):
    """One row of a file.

    Attributes:
        source: the file, for messages.
        line: where the row begins, from 1.
        number: count of rows up to and with this one.
        value: what stands there, as decoded.
        key: the name of the row, where rows have names.
    """

    source: str
    line: int
    number: int
    value: Any
    key: str = ""

    def rejected(self, reason: str) -> Rejected:
        """Return a rejection of this row."""
        where = "" if self.line == self.number else f"row {self.number}: "
        return Rejected(self.source, self.line, where + reason)

    def rest(self, *known: str) -> dict[str, Any]:
        """Return the fields that are not among `known` and not null."""
        fields = self.value if isinstance(self.value, dict) else {}
        return {name: value for name, value in fields.items() if name not in known and value is not None}


def source_of(path: Path) -> str:
    """Return the name of a file for messages, with its folder where that is a split."""
    return f"{path.parent.name}/{path.name}" if path.parent.name in ("train", "dev", "test") else path.name


def shaped(row: Row, shape: type[T]) -> T | Rejected:
    """Return the row's value with its types checked, or why it is not of that shape."""
    try:
        return msgspec.convert(row.value, shape)
    except (msgspec.ValidationError, RecursionError) as error:
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


def usable(dialogue: Dialogue, row: Row) -> Dialogue | Rejected:
    """Return the dialogue, or a rejection of its row when nothing can be done with it."""
    fault = dialogue_fault(dialogue)
    return row.rejected(fault) if fault else dialogue


def json_rows(path: Path) -> Iterator[Row | Rejected]:
    """Yield the rows of a JSON or JSONL file.

    Raises:
        DataError: the file cannot be read, or is empty.
    """
    source = source_of(path)
    try:
        with open_binary(path) as file:
            first = _first_byte(file)
        if not first:
            raise DataError(f"{source}: the file is empty; fetch it again.")
        with open_binary(path) as file:
            yield from _list_rows(file, source) if first == b"[" else _object_rows(file, source)
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read ({error}); check the path and fetch it again.") from error


def _first_byte(file: BinaryIO) -> bytes:
    start = True
    for line in file:
        text = (line.removeprefix(_BOM) if start else line).strip()
        start = False
        if text:
            return text[:1]
    return b""


def _list_rows(file: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    for number, part in enumerate(elements(file), 1):
        if part.whole and (part.raw or number > 1):
            yield _decoded(part.raw, source, part.line, number)
        elif not part.whole:
            yield Rejected(
                source, part.line, f"row {number}: the list is cut off here; fetch the file again."
            )


def _object_rows(file: BinaryIO, source: str) -> Iterator[Row | Rejected]:
    """Yield the rows of a file that begins with `{`, or with nothing that JSON knows."""
    head: list[bytes] = []
    for line in file:
        head.append(line.removeprefix(_BOM) if not head else line)
        if sum(bool(seen.strip()) for seen in head) == 2:
            break
    told = [line.strip() for line in head if line.strip()]
    if len(told) == 2 and not told[1].startswith(b"{") and not told[0].endswith(b"}"):
        whole = _decoded(b"".join(head) + file.read(), source, 1, 1)
        yield from [whole] if isinstance(whole, Rejected) else _unfolded(whole)
        return
    number = 0
    for line_number, line in enumerate(_chained(head, file), 1):
        if line.strip():
            number += 1
            row = _decoded(line, source, line_number, number)
            # Among several lines an object of lists is a row, not a table.
            yield from [row] if isinstance(row, Rejected) or len(told) == 2 else _unfolded(row)


def _chained(head: list[bytes], file: BinaryIO) -> Iterator[bytes]:
    yield from head
    yield from file


def _decoded(raw: bytes, source: str, line: int, number: int) -> Row | Rejected:
    try:
        raw.decode("utf-8")
        return Row(source, line, number, msgspec.json.decode(raw))
    except UnicodeDecodeError as error:
        reason = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8."
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"not JSON: {str(error)[:_SHOWN]}; fetch the file again."
    return Row(source, line, number, None).rejected(reason)


def _unfolded(row: Row) -> Iterator[Row | Rejected]:
    """Yield the rows of a table of columns or of named rows; any other row as it is."""
    value = row.value
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        yield from _from_columns(row, value)
    elif isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        for number, (key, item) in enumerate(value.items(), 1):
            yield Row(row.source, row.line, number, item, key)
    else:
        yield row


def _from_columns(row: Row, columns: dict[str, list[Any]]) -> Iterator[Row | Rejected]:
    count = max(map(len, columns.values()))
    for index in range(count):
        short = [name for name, column in columns.items() if len(column) <= index]
        item = Row(
            row.source, row.line, index + 1, {k: v[index] for k, v in columns.items() if k not in short}
        )
        yield (
            item.rejected(f"column {short[0]!r} ends before this row; fetch the file again.")
            if short
            else item
        )


def csv_rows(path: Path, *columns: str) -> Iterator[Row | Rejected]:
    """Yield the rows of a comma-separated file, each a dict by the names in its first line.

    Args:
        path: the file.
        columns: names that the first line must have.

    Raises:
        DataError: the file cannot be read, is empty, or lacks one of `columns`.
    """
    source = source_of(path)
    try:
        with open_binary(path) as file:
            yield from _table(csv.reader(_text_lines(file)), source, columns)
    except (OSError, EOFError) as error:
        raise DataError(f"{path}: cannot be read ({error}); check the path and fetch it again.") from error


def _text_lines(file: BinaryIO) -> Iterator[str]:
    """Decode line by line; bytes that are not UTF-8 become lone surrogates, which reject their row later."""
    for number, line in enumerate(file):
        yield (line if number else line.removeprefix(_BOM)).decode("utf-8", "surrogateescape")


def _table(reader: Any, source: str, columns: tuple[str, ...]) -> Iterator[Row | Rejected]:
    header: list[str] | None = None
    number = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Rejected(source, line, f"not a row of cells: {error}; fetch the file again.")
            continue
        if cells is None:
            break
        if header is None and cells:
            header = _header(cells, source, columns)
        elif cells and header is not None:
            number += 1
            yield _cells(Row(source, line, number, cells), header)
    if header is None:
        raise DataError(f"{source}: the file is empty; fetch it again.")


def _header(cells: list[str], source: str, columns: tuple[str, ...]) -> list[str]:
    missing = [name for name in columns if name not in cells]
    if missing:
        raise DataError(f"{source}:1: no column {missing[0]!r}; the first line must name the columns.")
    return cells


def _cells(row: Row, header: list[str]) -> Row | Rejected:
    cells: list[str] = row.value
    if len(cells) != len(header):
        return row.rejected(f"{len(cells)} cells where {len(header)} belong; fetch the file again.")
    fault = not_utf8(*cells)
    return (
        row.rejected(fault)
        if fault
        else msgspec.structs.replace(row, value=dict(zip(header, cells, strict=True)))
    )


def not_utf8(*texts: str) -> str:
    """Return why texts decoded with `surrogateescape` were not UTF-8, or "" when they were."""
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            byte = ord(text[error.start]) & 0xFF
            return f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8."
    return ""
