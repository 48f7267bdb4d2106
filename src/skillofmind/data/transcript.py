"""Plain transcripts: `Name: text` lines; a line without a name continues the turn above it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.files import open_binary, source_name

_TURN = re.compile(r"^\s*([^\s:：][^:：]{0,39}?)\s*[:：](?!//)\s*(.*)$")


def read(path: Path) -> Iterator[Dialogue]:
    """Yield the one dialogue of a transcript.

    Raises:
        DataError: the file cannot be read, or as `read_transcript`.
    """
    with open_binary(path) as file:
        yield read_transcript(file, source_name(path))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first line that is not blank names who speaks."""
    first = next(filter(None, map(bytes.strip, head.removeprefix(b"\xef\xbb\xbf").splitlines())), b"")
    return not first.startswith((b"{", b"[")) and bool(_TURN.match(first.decode("utf-8", "replace")))


def read_transcript(lines: Iterable[bytes], source: str) -> Dialogue:
    """Read one transcript as one dialogue.

    Raises:
        DataError: not UTF-8, no turn at all, or a first line without a speaker.
    """
    said: list[tuple[str, list[str]]] = []
    for number, raw in enumerate(lines, 1):
        line = _decoded(raw, source, number).strip()
        found = _TURN.match(line)
        if found:
            said.append((found[1], [found[2]]))
        elif said and line:
            said[-1][1].append(line)
        elif line:
            raise DataError(f"{source}:{number}: {line[:40]!r} names no speaker; write `Name: text`.")
    if not said:
        raise DataError(f"{source}: the file is empty; give JSONL dialogues or `Name: text` lines.")
    turns = tuple(Turn(speaker, "\n".join(filter(None, texts))) for speaker, texts in said)
    return Dialogue(turns=turns, id=f"{source}:1")


def _decoded(raw: bytes, source: str, number: int) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise DataError(
            f"{source}:{number}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8."
        ) from error
