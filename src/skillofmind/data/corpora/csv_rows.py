"""Rows of a comma-separated file, each a dict by the names in its first line.

Cells may be quoted and hold line ends. A row that cannot be read comes out as `Rejected` and the next one is
tried; nothing is skipped but blank lines.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.folder import BOM, source_of
from skillofmind.data.corpora.opening import opened
from skillofmind.data.corpora.rows import Row
from skillofmind.data.jsonl import Rejected


def csv_rows(path: Path, *columns: str) -> Iterator[Row | Rejected]:
    """Yield the rows of a comma-separated file, each a dict by the names in its first line.

    Args:
        path: the file.
        columns: names that the first line must have; others are kept as well.

    Raises:
        DataError: the file cannot be read, is empty, lacks one of `columns` or names one in other than UTF-8.
    """
    with opened(path) as file:
        yield from _table(csv.reader(_text_lines(file)), path, columns)


def _text_lines(file: BinaryIO) -> Iterator[str]:
    """Decode line by line; bytes that are not UTF-8 become lone surrogates, which reject their row later."""
    for number, line in enumerate(file):
        yield (line if number else line.removeprefix(BOM)).decode("utf-8", "surrogateescape")


def _table(reader: Any, path: Path, columns: tuple[str, ...]) -> Iterator[Row | Rejected]:
    header: list[str] | None = None
    number = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Rejected(source_of(path), line, f"not a row of cells: {error}; fetch the file again.")
            continue
        if cells is None:
            break
        if header is None and cells:
            header = _header(cells, source_of(path), columns)
        elif cells and header is not None:
            number += 1
            yield _cells(Row(path, line, number, cells), header)
    if header is None:
        raise DataError(f"{source_of(path)}: the file is empty; fetch it again.")


def _header(cells: list[str], source: str, columns: tuple[str, ...]) -> list[str]:
    missing = [name for name in columns if name not in cells]
    if missing:
        raise DataError(f"{source}:1: no column {missing[0]!r}; the first line must name the columns.")
    fault = not_utf8(*cells)
    if fault:
        raise DataError(f"{source}:1: {fault}")
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
