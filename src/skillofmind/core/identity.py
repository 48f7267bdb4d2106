"""Canonical JSON and content hashes: what makes a cache key, a run fingerprint or an id.

Canonical JSON here means UTF-8, keys sorted at every level, no white space; two equal values have
equal bytes whatever order their dictionaries were filled in.

    >>> fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    True
"""

import hashlib
from pathlib import Path
from typing import Any

import msgspec

_CANONICAL = msgspec.json.Encoder(order="sorted")


def canonical_json(value: Any) -> bytes:
    """Encode `value` (records, dicts, lists, scalars) as canonical JSON bytes."""
    return _CANONICAL.encode(value)


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def file_fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in constant memory.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
