"""What the readers of corpora share: which files to read, rows with their place, ids that are unique.

A corpus module says how one row becomes a dialogue (`build`) and where rows come from (`rows_of`);
`dialogues` runs the two, turns what does not fit into `Rejected` and refuses an id that was already
given.

    read(path) = dialogues(files_of(path, "*.jsonl"), json_rows, build)
"""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.files import open_binary
from skillofmind.data.jsonl import Rejected, dialogue_fault

BOM = b"\xef\xbb\xbf"
_PACKED = ("", ".gz", ".zst")
_SPLITS = {"train": "train", "test": "test"} | dict.fromkeys(
    ("valid", "validation", "val", "dev"), "validation"
)


class Row(NamedTuple):
    """One row of a source.

    Attributes:
        path: the file.
        line: where the row starts, from 1.
        value: its fields as the source names them.
    """

    path: Path
    line: int
    value: dict[str, Any]

    def reject(self, reason: str) -> Rejected:
        """Return the row as refused; `reason` is one sentence."""
        return Rejected(self.path.name, self.line, reason)

    @property
    def place(self) -> str:
        """`<stem of the file>:<line>`, the id of rows that have none of their own."""
        return f"{stem(self.path)}:{self.line}"


Rows = Callable[[Path], Iterable[Row | Rejected]]
Build = Callable[[Row], Dialogue | Rejected]


def dialogues(paths: Iterable[Path], rows_of: Rows, build: Build) -> Iterator[Dialogue | Rejected]:
    """Yield what `build` makes of every row of every file; one row in memory at a time."""
    seen: set[str] = set()
    for path in paths:
        for row in rows_of(path):
            yield row if isinstance(row, Rejected) else _checked(row, build, seen)


def _checked(row: Row, build: Build, seen: set[str]) -> Dialogue | Rejected:
    try:
        found = build(row)
    except msgspec.ValidationError as error:
        return row.reject(
            f"a field is missing or of another type: {error}; compare with the corpus's format."
        )
    if isinstance(found, Rejected):
        return found
    fault = dialogue_fault(found)
    if fault:
        return row.reject(fault)
    if found.id in seen:
        return row.reject(f"the id {found.id!r} was given before; keep one row of each id.")
    seen.add(found.id)
    return found


def files_of(path: Path, *patterns: str) -> list[Path]:
    """Return `path` itself, or the files of a folder that match a pattern, by name.

    Patterns also match compressed copies (`.gz`, `.zst`).

    Raises:
        DataError: nothing is there, or the folder has no such file.
    """
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path.name}: there is no such file; check the path.")
        return [path]
    found = sorted({file for p in patterns for end in _PACKED for file in path.glob(p + end)})
    if not found:
        raise DataError(f"{path.name}: the folder has no file named {' or '.join(patterns)}; check the path.")
    return found


def stem(path: Path) -> str:
    """Return the name without `.gz` or `.zst` and without the extension before it."""
    name = path.name
    for end in _PACKED[1:]:
        name = name.removesuffix(end)
    return name.rpartition(".")[0] or name


def split_of(path: Path) -> str | None:
    """Return the split that a word of the file's name, else the whole name of its folder, tells."""
    for word in (*re.split(r"[\W_]+", stem(path).lower()), path.parent.name.lower()):
        if word in _SPLITS:
            return _SPLITS[word]
    return None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, so that whatever hinders reading it is a `DataError` that names it.

    Raises:
        DataError: the file is missing, unreadable or a broken archive.
    """
    try:
        with open_binary(path) as file:
            yield file
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name}: cannot be read ({error}); check the file.") from error


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each line, without line end and byte order mark."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            bare = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, bare.removeprefix(BOM) if number == 1 else bare


def rest(row: dict[str, Any], known: type[msgspec.Struct], *more: str) -> dict[str, Any]:
    """Return the fields of `row` that neither `known` nor `more` names."""
    return {key: value for key, value in row.items() if key not in {*known.__struct_encode_fields__, *more}}


def has_keys(head: bytes, *keys: str) -> bool:
    """Say whether `head` begins as JSON and has every one of `keys` as a key."""
    start = head.removeprefix(BOM).lstrip()[:1]
    return start in (b"{", b"[") and all(
        re.search(rb'"%s"\s*:' % re.escape(key.encode()), head) for key in keys
    )
