"""JSON values of a file one by one: one a line, or the elements of one array, in constant memory.

Which of the two it is shows in the first line: a line that is a whole list of messages is a row, every other
line that begins with `[` opens an array. A broken line is rejected alone; after a broken element of an array
nothing can be told apart, so that the rest of the file is rejected with it.
"""

import codecs
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.data.files import open_binary, source_name
from skillofmind.data.jsonl import Rejected

LONGEST_ELEMENT = 64 << 20
"""Longest element of an array, in characters; more is taken as an array that is never closed."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 1 << 16
_BETWEEN = re.compile(r"[\s,]*")


def json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line, decoded value or `Rejected`) for every line, or every element of an array, of `path`.

    Raises:
        DataError: the file cannot be read or is empty.
    """
    source = source_name(path)
    with open_binary(path) as file:
        before, first = _first_line(file)
        if not first:
            raise DataError(f"{source}: the file is empty; give one JSON object a line.")
        if first.startswith(b"[") and not _is_row(first):
            yield from _elements(file, first, before, source)
            return
        for number, line in enumerate(chain((first,), file), before):
            if line.strip():
                yield number, _decoded(line, source, number)


def as_rows(value: object) -> bytes:
    """Return `value` as one line of JSON."""
    return msgspec.json.encode(value) + b"\n"


def as_array(values: Iterator[object]) -> Iterator[bytes]:
    """Yield `values` as the lines of one JSON array, an element a line."""
    yield b"[\n"
    waiting = b""
    for value in values:
        if waiting:
            yield waiting + b",\n"
        waiting = msgspec.json.encode(value)
    yield waiting + b"\n]\n" if waiting else b"]\n"


def _first_line(file: BinaryIO) -> tuple[int, bytes]:
    for number, line in enumerate(file, 1):
        text = (line.removeprefix(_BOM) if number == 1 else line).lstrip()
        if text:
            return number, text
    return 0, b""


def _is_row(line: bytes) -> bool:
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(found, list) and any(
        isinstance(one, dict) and ("role" in one or "from" in one) for one in found
    )


def _decoded(line: bytes, source: str, number: int) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Rejected(source, number, f"not JSON: {error}; write one JSON value a line in UTF-8.")


def _elements(file: BinaryIO, first: bytes, number: int, source: str) -> Iterator[tuple[int, Any]]:
    try:
        yield from _Array(file, first, number, source).elements()
    except UnicodeDecodeError as error:
        yield number, Rejected(source, number, f"the array is not UTF-8: {error.reason}; save it as UTF-8.")


class _Array:
    """An array that is read piece by piece."""

    def __init__(self, file: BinaryIO, first: bytes, line: int, source: str) -> None:
        # A line may end within a character only where the file does, too.
        self._text, self._at, self._line = first.decode("utf-8").removeprefix("["), 0, line
        self._file, self._decode = file, codecs.getincrementaldecoder("utf-8")().decode
        self._source = source

    def elements(self) -> Iterator[tuple[int, Any]]:
        while True:
            self._skip()
            if self._at >= len(self._text):
                yield self._line, self._broken("it is never closed")
                return
            if self._text[self._at] == "]":
                return
            end = self._end()
            line, piece = self._line, self._text[self._at : end]
            if not end:
                yield line, self._broken("an element is no JSON object or is cut off")
                return
            yield line, _decoded(piece.encode("utf-8", "surrogatepass"), self._source, line)
            self._line += piece.count("\n")
            self._at = end

    def _skip(self) -> None:
        """Go to the next element, and drop what is done with."""
        while True:
            found = _BETWEEN.match(self._text, self._at)
            assert found is not None
            self._line += found[0].count("\n")
            self._text, self._at = self._text[found.end() :], 0
            if self._text or not self._more():
                return

    def _end(self) -> int:
        """Return where the element ends, or 0 when it is broken."""
        if self._text[self._at] not in "{[":
            return 0
        while True:
            try:
                return json.JSONDecoder().raw_decode(self._text, self._at)[1]
            except RecursionError:
                return 0
            except json.JSONDecodeError:
                if len(self._text) > LONGEST_ELEMENT or not self._more():
                    return 0

    def _more(self) -> bool:
        # As much again as there is, so that a long element is not looked through too often.
        piece = self._file.read(max(_CHUNK, len(self._text)))
        self._text += self._decode(piece, final=not piece)
        return bool(piece)

    def _broken(self, why: str) -> Rejected:
        return Rejected(
            self._source, self._line, f"the JSON array is broken: {why}; what follows was not read."
        )
