"""Open the files that dialogues lie in."""

from pathlib import Path
from typing import BinaryIO


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading bytes."""
    return path.open("rb")
