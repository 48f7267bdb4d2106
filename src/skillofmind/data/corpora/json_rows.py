"""Rows of a JSON file, one at a time, however they are laid out.

    [ {...}, {...} ]               a list, streamed
    {...} newline {...}            an object a line, streamed
    {...} {...}                    objects one after another, on one line or over many, streamed
    {"a": [1, 2], "b": [3, 4]}     a table of columns, read whole by `json_rows`
    {"x": {...}, "y": {...}}       rows by name, read whole by `json_rows`; the name is `Row.key`

`json_objects` leaves the last two as the one object that they are. A row that cannot be read comes out as
`Rejected` and the next one is tried. Memory is that of the largest row and a few blocks.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.elements import elements, objects, pieces
from skillofmind.data.corpora.folder import BOM, source_of
from skillofmind.data.corpora.opening import opened
from skillofmind.data.corpora.rows import Row
from skillofmind.data.jsonl import Rejected

_HEAD = 1 << 20
_SHOWN = 200
_TOLD = 4


class _Text(NamedTuple):
    """The bytes of one row; `cut` when the list around it ends too early or too late."""

    line: int
    raw: bytes
    cut: bool = False


def json_rows(path: Path) -> Iterator[Row | Rejected]:
    """Yield the rows of a JSON or JSONL file, those of a table of columns or of named rows one by one.

    Raises:
        DataError: the file cannot be read, or is empty.
    """
    is_list, rows = _layout(path, counted=True)
    first, second = next(rows, None), next(rows, None)
    if first is None and not is_list:
        raise DataError(f"{source_of(path)}: the file is empty; fetch it again.")
    # Among several rows an object of lists is a row, not a table.
    if isinstance(first, Row) and second is None and not is_list:
        yield from _unfolded(first)
        return
    yield from chain((row for row in (first, second) if row is not None), rows)


def json_objects(path: Path) -> Iterator[Row | Rejected]:
    """Yield the objects of a JSON or JSONL file; other values are rejected, an empty file has none.

    They are known by their lines: `Row.number` is 0.

    Raises:
        DataError: the file cannot be read.
    """
    for row in _layout(path, counted=False)[1]:
        if isinstance(row, Row) and not isinstance(row.value, dict):
            yield row.rejected("not a JSON object; the file may be of another format.")
        else:
            yield row


def _layout(path: Path, counted: bool) -> tuple[bool, Iterator[Row | Rejected]]:
    """Return whether the file is a list, and its rows."""
    with opened(path) as file:
        head = file.read(_HEAD).removeprefix(BOM).lstrip()
    told = [line.strip() for line in head.split(b"\n", 64) if line.strip()][:_TOLD]
    if head.startswith(b"[") and not _has_line_behind(told[:2]):
        return True, _rows(path, _listed, counted)
    is_lines = _has_line(told[:2]) or (".jsonl" in path.suffixes and not _is_spread(told))
    return False, _rows(path, _lines if is_lines else _one_after_another, counted)


def _has_line_behind(told: list[bytes]) -> bool:
    """Say whether the first line begins like a list, but a line that is an object follows."""
    return len(told) == 2 and told[0][-1:] not in (b"[", b",") and _is_object(told[1])


def _has_line(told: list[bytes]) -> bool:
    """Say whether one of the first two lines is an object, and the first not several."""
    if not told or _is_object(told[0]):
        return bool(told)
    begin = next((text for _, text in pieces(told[0])), b"")
    return len(told) == 2 and _is_object(told[1]) and not _is_object(begin)


def _is_spread(told: list[bytes]) -> bool:
    """Say whether one object seems to take all the lines."""
    broken = len(told) < 2 or told[1].startswith(b"{") or told[0].endswith(b"}")
    return not broken and not any(map(_is_object, told))


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(raw), dict)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False


def _rows(
    path: Path, texts_of: Callable[[BinaryIO], Iterator[_Text]], counted: bool
) -> Iterator[Row | Rejected]:
    with opened(path) as file:
        for number, text in enumerate(texts_of(file), 1):
            yield _decoded(path, text, number if counted else 0)


def _decoded(path: Path, text: _Text, number: int) -> Row | Rejected:
    row = Row(path, text.line, number, None)
    if text.cut:
        where = f"row {number}: " if number else ""
        return Rejected(source_of(path), text.line, f"{where}the list is cut off here; fetch the file again.")
    try:
        text.raw.decode("utf-8")
        return msgspec.structs.replace(row, value=msgspec.json.decode(text.raw))
    except UnicodeDecodeError as error:
        reason = f"byte 0x{text.raw[error.start]:02x} is not UTF-8; save the file as UTF-8."
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"not JSON: {str(error)[:_SHOWN]}; fetch the file again."
    return row.rejected(reason)


def _lines(file: BinaryIO) -> Iterator[_Text]:
    for number, line in enumerate(file, 1):
        raw = (line.removeprefix(BOM) if number == 1 else line).strip()
        if raw:
            yield _Text(number, raw)


def _one_after_another(file: BinaryIO) -> Iterator[_Text]:
    for line, raw in objects(file):
        yield _Text(line, raw)


def _listed(file: BinaryIO) -> Iterator[_Text]:
    for index, part in enumerate(elements(file)):
        if part.whole and not part.raw and not index:
            continue  # the list is empty
        found = [] if part.whole and _is_object(part.raw) else _whole_pieces(part.raw)
        if found:
            yield from (_Text(part.line + line - 1, raw) for line, raw in found)
        else:
            yield _Text(part.line, part.raw, cut=not part.whole)


def _whole_pieces(raw: bytes) -> list[tuple[int, bytes]]:
    """Return what a comma or a bracket too few or too many joins, where some of it is an object."""
    found = [] if raw.startswith(b"[") else list(pieces(raw))
    return found if len(found) > 1 and any(_is_object(text) for _, text in found) else []


def _unfolded(row: Row) -> Iterator[Row | Rejected]:
    """Yield the rows of a table of columns or of named rows; any other row as it is."""
    value = row.value
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        yield from _from_columns(row, value)
    elif isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        for number, (key, item) in enumerate(value.items(), 1):
            yield Row(row.path, row.line, number, item, key)
    else:
        yield row


def _from_columns(row: Row, columns: dict[str, list[Any]]) -> Iterator[Row | Rejected]:
    count = max(map(len, columns.values()))
    for index in range(count):
        short = [name for name, column in columns.items() if len(column) <= index]
        cells = {name: column[index] for name, column in columns.items() if name not in short}
        item = Row(row.path, row.line, index + 1, cells)
        yield (
            item.rejected(f"column {short[0]!r} ends before this row; fetch the file again.")
            if short
            else item
        )
