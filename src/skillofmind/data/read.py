"""Open a file or standard input, compressed or not, and read dialogues in one of our two formats."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.files import open_binary, source_name
from skillofmind.data.jsonl import Rejected, read_jsonl
from skillofmind.data.transcript import read_transcript

_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\[\s*(?:[{\]]|$)")


def read_dialogues(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a JSONL file or a plain transcript; `-` is standard input.

    A file whose first character is `{` is JSONL, everything else a transcript. JSONL is streamed.

    Raises:
        DataError: the file is missing, unreadable, empty or a JSON array, or a transcript names no speaker.
    """
    source = source_name(path)
    try:
        with open_binary(path) as file:
            head = list(_until_content(file))
            first = head[-1].removeprefix(_BOM).strip() if head else b""
            if not first:
                raise DataError(f"{source}: the file is empty; give JSONL dialogues or `Name: text` lines.")
            lines = chain(head, file)
            if _ARRAY.match(first):
                raise DataError(
                    f"{source}: a JSON array; write one JSON object a line, without the brackets."
                )
            if first.startswith(b"{"):
                yield from read_jsonl(lines, source)
            else:
                yield read_transcript(lines, source)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error


def _until_content(file: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blank lines and the first line that is not, so that line numbers stay true."""
    for number, line in enumerate(file):
        yield line
        if (line if number else line.removeprefix(_BOM)).strip():
            return


def accepted(rows: Iterator[Dialogue | Rejected]) -> Iterator[Dialogue]:
    """Yield the dialogues; the first rejected row stops the reading.

    Raises:
        DataError: naming file, line and reason.
    """
    for row in rows:
        if isinstance(row, Rejected):
            raise DataError(str(row))
        yield row
