"""Find a corpus's files in a folder and recognise them by their first bytes."""

import csv
import re
from functools import lru_cache
from pathlib import Path

from skillofmind.core.errors import DataError

BOM = b"\xef\xbb\xbf"
"""The byte order mark that a UTF-8 file may begin with."""

_PACKED = (".gz", ".zst")
_SPLITS = {
    "train": "train",
    "valid": "validation",
    "validation": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"(\s*:)?|([\[{])|([\]}])', re.DOTALL)


def plain_name(path: Path) -> str:
    """Return the file's name without the ending of a packed file."""
    return path.stem if path.suffix in _PACKED else path.name


def source_of(path: Path) -> str:
    """Return the name of a file for messages, with its folder where that is a split."""
    return f"{path.parent.name}/{path.name}" if path.parent.name in ("train", "dev", "test") else path.name


def files_of(path: Path, *patterns: str) -> tuple[Path, ...]:
    """Return `path` itself when it is not a folder, else the files in it that match a pattern, sorted.

    Patterns are those of `Path.glob`: `*.json` for the folder itself, `**/*.json` for all levels below as
    well. They also match packed copies (`.gz`, `.zst`).

    Raises:
        DataError: there is nothing at `path`, or the folder has no such file.
    """
    if not path.is_dir():
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder; check the path.")
        return (path,)
    copies = (pattern + packed for pattern in patterns for packed in ("", *_PACKED))
    found = tuple(sorted({file for copy in copies for file in path.glob(copy) if file.is_file()}))
    if not found:
        names = " or ".join(pattern.removeprefix("**/") for pattern in patterns)
        raise DataError(
            f"{path}: no file named like {names}; the folder has no file of the corpus, give another."
        )
    return found


def split_of(path: Path) -> str | None:
    """Return the split that a file's name, or its folder's, tells.

    >>> split_of(Path("valid_random_split.json")), split_of(Path("dev/dialogues_001.json"))
    ('validation', 'validation')
    """
    words = [*re.split(r"[^a-z]+", plain_name(path).lower()), path.parent.name.lower()]
    return next((_SPLITS[word] for word in words if word in _SPLITS), None)


def stem(path: Path) -> str:
    """Return the file's name without its endings: the middle part of ids where rows have none."""
    return plain_name(path).rpartition(".")[0] or plain_name(path)


@lru_cache(maxsize=2)
def keys_of(head: bytes) -> frozenset[str]:
    """Return the keys of the first JSON object in the first bytes of a file.

    >>> sorted(keys_of(b'[{"a": {"b": 1}, "c": "d"}, {"e": 2}]'))
    ['a', 'c']
    """
    if head.removeprefix(BOM).lstrip()[:1] not in (b"[", b"{"):
        return frozenset()
    keys: set[str] = set()
    depth, base = 0, None
    for found in _TOKEN.finditer(head):
        if found[3]:
            depth += 1
            base = depth if found[3] == b"{" and base is None else base
        elif found[4]:
            if depth == base:
                break
            depth -= 1
        elif found[2] and depth == base:
            keys.add(found[1].decode("utf-8", "replace"))
    return frozenset(keys)


def columns_of(head: bytes) -> tuple[str, ...]:
    """Return the cells of the first line of a comma-separated file."""
    line = head.removeprefix(BOM).split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    try:
        return tuple(next(csv.reader([line]), ()))
    except csv.Error:
        return ()


def has_keys(head: bytes, *keys: str) -> bool:
    """Say whether `head` begins as JSON and has every one of `keys` as a key, at any depth."""
    start = head.removeprefix(BOM).lstrip()[:1]
    return start in (b"{", b"[") and all(
        re.search(rb'"%s"\s*:' % re.escape(key.encode()), head) for key in keys
    )
