"""Rows of a csv file with a header, one at a time, with the lines they start on."""

import csv
from collections.abc import Iterator
from pathlib import Path

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.reading import BOM, Row, opened
from skillofmind.data.jsonl import Rejected


def csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row | Rejected]:
    """Yield the rows of a comma-separated file.

    Args:
        path: a UTF-8 file; its first row names the columns.
        columns: those that must be there; others are kept as well.

    Raises:
        DataError: a column is missing, the bytes are not UTF-8, or the quoting is broken beyond a row.
    """
    reader = csv.reader(_texts(path))
    line = 1
    try:
        header = next(reader, [])
        missing = [name for name in columns if name not in header]
        if missing:
            raise DataError(f"{path.name}:1: the column {missing[0]!r} is missing; give the published file.")
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header):
                yield Row(path, line, dict(zip(header, cells, strict=True)))
            elif cells:
                reason = f"{len(cells)} cells where the header names {len(header)}; mend the row's quoting."
                yield Rejected(path.name, line, reason)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path.name}:{line}: not csv ({error}); mend the quoting.") from error


def _texts(path: Path) -> Iterator[str]:
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                yield (line.removeprefix(BOM) if number == 1 else line).decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"0x{error.object[error.start]:02x}"
                raise DataError(
                    f"{path.name}:{number}: byte {byte} is not UTF-8; save the file as UTF-8."
                ) from error
