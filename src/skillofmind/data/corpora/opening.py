"""Open a corpus's file, as bytes or line by line, so that what goes wrong is an error that names it."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.folder import BOM, source_of
from skillofmind.data.files import open_binary


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
        raise DataError(
            f"{source_of(path)}: cannot be read ({error}); check the path and fetch it again."
        ) from error


def lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each line, without line end and byte order mark."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            bare = line.removesuffix(b"\n").removesuffix(b"\r")
            yield number, bare.removeprefix(BOM) if number == 1 else bare
