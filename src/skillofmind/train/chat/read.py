"""Rows of JSONL files, plain, gzip or zstandard, with the place of each.

A file that does not begin with a JSON object is an error; a later line that is none is a refused row.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.data.files import expand, open_binary, source_name
from skillofmind.train.rows.token_row import Refused

_BOM = b"\xef\xbb\xbf"


class Placed(NamedTuple):
    """A row and where it stands: `file:line`."""

    place: str
    row: dict[str, Any]


def read_rows(paths: Iterable[Path]) -> Iterator[Placed | Refused]:
    """Yield the rows of files, folders, patterns or `-`, and a refusal for every line that is not one.

    Raises:
        DataError: a file cannot be read, is empty, or does not begin with a JSON object.
        MissingExtra: `.zst` without the package `zstandard`.
    """
    for path in expand(paths):
        try:
            with open_binary(path) as file:
                yield from _rows(file, source_name(path))
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error


def _rows(lines: Iterable[bytes], source: str) -> Iterator[Placed | Refused]:
    begun = False
    for number, line in enumerate(lines, 1):
        text = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if not text:
            continue
        if not begun and not text.startswith(b"{"):
            raise DataError(f"{source}:{number}: not JSONL; write one JSON object a line, without brackets.")
        begun = True
        yield _row(text, f"{source}:{number}")
    if not begun:
        raise DataError(f"{source}: the file is empty; give JSON objects, one a line.")


def _row(text: bytes, place: str) -> Placed | Refused:
    try:
        row = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(place, f"{place}: not JSON: {error}")
    if not isinstance(row, dict):
        return Refused(place, f"{place}: not a JSON object")
    return Placed(place, row)
