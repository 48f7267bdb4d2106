"""Cut a JSON list, or objects that follow one another, into the parts without holding all in memory.

Only quotes, brackets and commas are looked at: an element of a list ends at a comma that stands in no string
and in no inner bracket, an object where its braces are balanced. What is between two cuts is decoded by the
caller, so a broken part costs one part.

    >>> import io
    >>> [part.raw for part in elements(io.BytesIO(b'[{"a": "x, y"}, [1, 2]]'))]
    [b'{"a": "x, y"}', b'[1, 2]']
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from skillofmind.data.corpora.folder import BOM

_CHUNK = 1 << 19
_MARK = re.compile(rb'["\[\]{},]')
_BRACE = re.compile(rb'"(?:[^"\\]|\\.)*(?P<end>"|\\?\Z)|[{}]', re.DOTALL)
_BETWEEN = b" \t\r\n,[]"
_REST_OF_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Element(NamedTuple):
    """One element of a list.

    Attributes:
        line: where it begins, from 1.
        raw: its bytes, without the blanks around them.
        whole: false for what stands behind the last comma of a list that is cut off, and for what follows
            the end of the list.
    """

    line: int
    raw: bytes
    whole: bool = True


class _Cutter:
    """The bytes that are not yet cut, and the state of the scan."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.buffer = b""
        self.at = 0
        self.start = 0
        self.depth = 0
        self.line = 1

    def read_more(self) -> bool:
        """Forget what was cut, read on; say whether anything came."""
        self.buffer = self.buffer[self.start :]
        self.at -= self.start
        self.start = 0
        # Twice as much each time keeps a string without an end from being searched again and again.
        more = self.file.read(max(_CHUNK, len(self.buffer)))
        self.buffer += more
        return bool(more)

    def next_mark(self) -> bytes:
        """Return the next bracket or comma outside strings and step over it; b"" at the end of the file."""
        while True:
            found = _MARK.search(self.buffer, self.at)
            if found and found[0] != b'"':
                self.at = found.end()
                return found[0]
            closing = found and _REST_OF_STRING.match(self.buffer, found.end())
            if closing:
                self.at = closing.end()
                continue
            self.at = found.start() if found else len(self.buffer)
            if not self.read_more():
                return b""

    def cut(self, end: int, whole: bool = True) -> Element:
        """Return what stands before `end` and go on behind it."""
        part = self.buffer[self.start : end]
        line = self.line + part[: len(part) - len(part.lstrip())].count(b"\n")
        self.line += part.count(b"\n")
        self.start = end + 1
        return Element(line, part.strip(), whole)


def elements(file: BinaryIO) -> Iterator[Element]:
    """Yield the elements of the list that the file holds.

    Args:
        file: stands before the opening bracket.
    """
    cutter = _Cutter(file)
    while mark := cutter.next_mark():
        if mark in b"[{":
            cutter.depth += 1
            if cutter.depth == 1:
                cutter.cut(cutter.at - 1)
        elif mark in b"]}":
            cutter.depth -= 1
        if (mark == b"," and cutter.depth == 1) or (mark in b"]}" and cutter.depth == 0):
            yield cutter.cut(cutter.at - 1)
        if cutter.depth == 0:
            break
    yield from _behind(cutter)


def _behind(cutter: _Cutter) -> Iterator[Element]:
    """Yield what is left: after the closing bracket nothing should be, before it the list is cut off."""
    while cutter.read_more():
        continue
    left = cutter.cut(len(cutter.buffer), whole=False)
    if left.raw or cutter.depth > 0:
        yield left


def objects(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield line and bytes of each outermost `{...}`, and of each text between that JSON forbids.

    Args:
        file: stands before the first object.
    """
    buffer, line = b"", 1
    while True:
        block = file.read(max(_CHUNK, len(buffer)))
        buffer += block
        found, taken = _spans(buffer, last=not block)
        yield from _texts(buffer, found, line)
        line += buffer.count(b"\n", 0, taken)
        buffer = buffer[taken:]
        if not block:
            return


def pieces(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what `objects` yields for these bytes.

    >>> [text for _, text in pieces(b'{"a": 1} and {"b": 2}')]
    [b'{"a": 1}', b'and', b'{"b": 2}']
    """
    yield from _texts(raw, _spans(raw, last=True)[0], 1)


def _texts(buffer: bytes, spans: list[tuple[int, int]], line: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    for start, end in spans:
        text = buffer[start:end].lstrip(_BETWEEN + BOM).rstrip(_BETWEEN)
        if text:
            first = buffer.index(text, start)
            line += buffer.count(b"\n", at, first)
            at = first
            yield line, text


def _spans(buffer: bytes, last: bool) -> tuple[list[tuple[int, int]], int]:
    """Return the spans of whole objects and of what lies between, and how many bytes they take.

    What follows the last whole object is a span only when the file ends with `buffer`.
    """
    spans: list[tuple[int, int]] = []
    taken = depth = 0
    for mark in _BRACE.finditer(buffer):
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
    return ([*spans, (taken, len(buffer))], len(buffer)) if last else (spans, taken)
