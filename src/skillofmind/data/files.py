"""Open data files for reading."""

from pathlib import Path
from typing import BinaryIO


def open_binary(path: Path) -> BinaryIO:
    """Open `path` for reading bytes; the caller closes it.

    Raises:
        OSError: the file is missing or unreadable.
    """
    return path.open("rb")
