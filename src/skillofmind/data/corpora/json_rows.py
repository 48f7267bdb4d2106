"""JSON objects of a file, one at a time, however they are laid out.

- JSONL: one object a line; a broken line is one rejection and the next line is read.
- everything else: an array of objects, objects one after another (on one line or over many). The text is
  scanned for balanced braces in growing blocks, so that only one object is held.

Memory is that of the largest object and one block of 64 KiB, or of twice a string that never ends.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from skillofmind.data.corpora.reading import BOM, Row, opened
from skillofmind.data.jsonl import Rejected

_BLOCK = 1 << 16
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*(?P<end>"|\\?\Z)|[{}]', re.DOTALL)
_BETWEEN = b" \t\r\n,[]"


def json_rows(path: Path) -> Iterator[Row | Rejected]:
    """Yield the objects of `path` with the lines they start on.

    Raises:
        DataError: the file cannot be opened.
    """
    with opened(path) as file:
        head = file.read(_BLOCK)
    chunks = _lines if _is_jsonl(head, path) else _scanned
    with opened(path) as file:
        for line, text in chunks(file):
            yield _decoded(path, line, text)


def _is_jsonl(head: bytes, path: Path) -> bool:
    if ".jsonl" in path.suffixes:
        return True
    first = head.removeprefix(BOM).lstrip().partition(b"\n")[0]
    return _object(first) is not None


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        return _OBJECT.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None


def _decoded(path: Path, line: int, text: bytes) -> Row | Rejected:
    try:
        return Row(path, line, _OBJECT.decode(text))
    except UnicodeDecodeError as error:
        reason = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8."
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"not a JSON object: {error}; the file may be cut or of another format."
    return Rejected(path.name, line, reason)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(file, 1):
        text = (line.removeprefix(BOM) if number == 1 else line).strip()
        if text:
            yield number, text


def _scanned(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each outermost `{...}`, and each piece of text between them that JSON does not allow there."""
    buffer, line = b"", 1
    while True:
        block = file.read(max(_BLOCK, len(buffer)))
        buffer += block
        found, taken = _objects(buffer, last=not block)
        for start, end in found:
            text = buffer[start:end].lstrip(_BETWEEN + BOM).rstrip(_BETWEEN)
            if text:
                first = buffer.index(text, start)
                yield line + buffer.count(b"\n", 0, first), text
        line += buffer.count(b"\n", 0, taken)
        buffer = buffer[taken:]
        if not block:
            return


def _objects(buffer: bytes, last: bool) -> tuple[list[tuple[int, int]], int]:
    """Return the spans of whole objects and of what lies between, and how many bytes they take.

    What follows the last whole object is a span only when the file ends with `buffer`.
    """
    spans: list[tuple[int, int]] = []
    taken = depth = 0
    for mark in _MARKS.finditer(buffer):
        if mark["end"] is not None and mark["end"] != b'"' and not last:
            break
        if mark[0] == b"{":
            depth += 1
            if depth == 1:
                spans.append((taken, mark.start()))
                taken = mark.start()
        elif mark[0] == b"}" and depth:
            depth -= 1
            if depth == 0:
                spans.append((taken, mark.end()))
                taken = mark.end()
    if last:
        spans.append((taken, len(buffer)))
        taken = len(buffer)
    return spans, taken
