"""Files that are either the old version or the new one, never half of it.

A write goes to a temporary file in the same folder, is flushed to the disk, and takes the place of the
target in one `os.replace`; then the folder itself is flushed, so that the rename survives a power cut.
A killed writer leaves the target as it was, and at most one hidden file whose name ends in `.tmp`
(`leftovers` lists them).
"""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from skillofmind.core.errors import StorageError

_CHUNK = 1 << 20

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again",
    errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file is larger than the system allows; raise the limit (`ulimit -f`)",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EACCES: "permission is denied; choose another folder or change its permissions",
    errno.EPERM: "permission is denied; choose another folder or change its permissions",
    errno.ENOENT: "the folder does not exist; create it first",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EISDIR: "it is a folder; name a file",
    errno.EMFILE: "too many files are open; raise the limit (`ulimit -n`)",
    errno.EIO: "the disk reports an input/output error; check the disk",
}


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return a `StorageError` whose message names `path`, the cause and what to do."""
    cause = _CAUSES.get(error.errno or 0, f"{error.strerror or error}; check the disk and the path")
    denied = error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    where = f" in the folder {str(path.parent)!r}" if denied else ""
    return StorageError(f"cannot write {str(path)!r}{where}: {cause}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn every `OSError` of the block into the `StorageError` of `path`.

    Raises:
        StorageError: the block raised an `OSError`; one that already is a `StorageError` passes unchanged.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(path, error) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Make `data` the whole content of `path`.

    Raises:
        StorageError: the disk said no; `path` is as it was and no temporary file stays.
    """
    _replace(path, (data,))


def write_lines_atomic(path: Path, lines: Iterable[bytes]) -> None:
    r"""Make `lines` the whole content of `path`, in constant memory.

    Args:
        path: the file.
        lines: each with or without its final `\n`; one is added where it is missing.

    Raises:
        StorageError: the disk said no; `path` is as it was and no temporary file stays.
    """
    _replace(path, _chunks(lines))


@contextmanager
def replacing(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Give a function that writes; what it was given becomes the whole content of `path` after the block.

    Raises:
        StorageError: the disk said no. Then, and when the block raises, `path` is as it was and no temporary
            file stays; the block's own errors pass unchanged.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with storage_errors(path):
            file = temporary.open("xb")

        def write(data: bytes) -> None:
            with storage_errors(path):
                file.write(data)

        try:
            yield write
            with storage_errors(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with storage_errors(path):
                file.close()
        with storage_errors(path):
            os.replace(temporary, path)
            sync_folder(path.parent)
    except BaseException:
        # Also on Ctrl-C and on an error of the caller's block: nothing may stay behind. On a read-only disk
        # even removing what is not there fails, and the first error is the one to tell.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, which gets its name after the block; `path` must not be there.

    Raises:
        StorageError: the disk said no. Then, and when the block raises, nothing stays; the block's own errors
            pass unchanged.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with storage_errors(path):
            temporary.mkdir(parents=True)
        yield temporary
        with storage_errors(path):
            os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_parts_atomic(folder: Path, lines: Iterable[tuple[str, bytes]]) -> list[Path]:
    r"""Write lines to several files of `folder` in one pass; none is there before all are written.

    Args:
        folder: made where it is missing; its parent exists.
        lines: (file name, line with its `\n`).

    Returns:
        The files, in the order of their first lines.

    Raises:
        StorageError: the disk said no; no file has changed unless the disk fails between two renames.
    """
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
    ending = f".{secrets.token_hex(6)}.tmp"
    files: dict[Path, BinaryIO] = {}
    try:
        for name, line in lines:
            path = folder / name
            with storage_errors(path):
                if path not in files:
                    files[path] = path.with_name(f".{name}{ending}").open("xb", _CHUNK)
                files[path].write(line)
        for path, file in files.items():
            with storage_errors(path), file:
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            with storage_errors(path):
                os.replace(path.with_name(f".{path.name}{ending}"), path)
        with storage_errors(folder):
            sync_folder(folder)
    finally:
        for path, file in files.items():
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                path.with_name(f".{path.name}{ending}").unlink(missing_ok=True)
    return list(files)


def leftovers(folder: Path) -> list[Path]:
    """List the temporary files that killed writers left in `folder`."""
    return sorted(folder.glob(".*.tmp"))


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to the disk.

    Raises:
        OSError: the folder cannot be opened or flushed.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    chunk = bytearray()
    for line in lines:
        chunk += line
        if not line.endswith(b"\n"):
            chunk += b"\n"
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _replace(path: Path, chunks: Iterable[bytes]) -> None:
    with replacing(path) as write:
        for chunk in chunks:
            write(chunk)
