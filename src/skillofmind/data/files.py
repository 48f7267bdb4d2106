"""Data files as byte streams: plain or compressed, a file, a folder, a pattern or standard input.

What a file is compressed with is read from its first bytes, not from its name. `.gz` needs nothing, `.zst`
the extra `data`.

*Covered*

- A decompression bomb: output beyond `FREE_BYTES` may be at most `MOST_RATIO` times what was read so far;
  text of dialogues shrinks about 3 to 30 times. Windows over 128 MiB are refused by zstandard itself.
- A stream that is cut off or damaged is an error that names the file.
- Archives (zip, tar, 7z, rar) are refused, so no name inside one can lead out of a folder.
- Links that form a loop end: every folder and every file is visited once.

*Not covered*

- A plain file of any size: readers stream it.
"""

import glob
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from skillofmind.core.errors import DataError, MissingExtra

FREE_BYTES = 64 << 20
"""Output of a compressed file that is never questioned, in bytes."""

MOST_RATIO = 200
"""Largest output per compressed byte beyond `FREE_BYTES`."""

HEAD_BYTES = 64 << 10
"""How much of a file `head` returns at most, in bytes."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ARCHIVES = {b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar"}
_TAR_AT, _TAR = 257, b"ustar"
_CHUNK = 1 << 18
# One block of zstandard takes 4 bytes and makes 128 KiB, so that this much makes 32 MiB at most.
_ZSTD_CHUNK = 1 << 10


class _Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Counted:
    """A stream that knows how much was read from it; `peeked` comes first."""

    def __init__(self, file: _Source, peeked: bytes) -> None:
        self.total = 0
        self._file, self._peeked = file, peeked

    def read(self, size: int = -1, /) -> bytes:
        found, self._peeked = self._peeked[:size], self._peeked[size:]
        found = found or self._file.read(size)
        self.total += len(found)
        return found


class _Chunks(io.RawIOBase):
    """An iterator of bytes as a raw stream; closing it closes `owned`."""

    def __init__(self, chunks: Iterator[bytes], owned: BinaryIO | None) -> None:
        self._chunks, self._owned, self._rest = chunks, owned, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if self._owned is not None:
            self._owned.close()
        super().close()


def source_name(path: Path) -> str:
    """Return the name of `path` in messages and in the ids of dialogues that have none."""
    return "stdin" if str(path) == "-" else path.name


def open_binary(path: Path) -> BinaryIO:
    """Open a plain, gzip or zstandard file for reading; `-` is standard input, which stays open.

    Raises:
        DataError: it cannot be opened or is an archive. Reading raises it for damaged or cut-off
            compressed data and for a decompression bomb.
        MissingExtra: `.zst` without the package `zstandard`.
    """
    if str(path) == "-":
        return _opened(path, sys.stdin.buffer, None)
    _refuse_archive_name(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the path.") from error
    try:
        return _opened(path, file, file)
    except BaseException:
        file.close()
        raise


def head(path: Path) -> bytes:
    """Return up to the first `HEAD_BYTES` of the decompressed content; standard input is not used up.

    From standard input only what has arrived and fits into its buffer can be seen.

    Raises:
        DataError: as `open_binary`.
    """
    if str(path) != "-":
        with open_binary(path) as file:
            return file.read(HEAD_BYTES)
    waiting = sys.stdin.buffer
    if not isinstance(waiting, io.BufferedReader):
        return b""
    seen = waiting.peek(HEAD_BYTES)
    return _start_of(path, seen) if seen.startswith((_GZIP, _ZSTD)) else seen


def expand(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the files that `paths` stand for, each once, in the order given and sorted within each.

    A path is a file, `-`, a folder (all files below it but hidden ones) or a pattern with `*`, `?`, `[…]`
    or `**`. A name that exists is never taken as a pattern.

    Raises:
        DataError: nothing is there.
    """
    seen: set[str] = set()
    for path in paths:
        found = list(_files_of(path))
        if not found:
            raise DataError(f"{str(path)!r} names no file; check the path or the pattern.")
        for file in found:
            real = os.path.realpath(file) if str(file) != "-" else "-"
            if real not in seen:
                seen.add(real)
                yield file


def _files_of(path: Path) -> Iterator[Path]:
    if str(path) == "-" or (path.exists() and not path.is_dir()):
        yield path
    elif path.is_dir():
        yield from _below(path, set())
    elif glob.has_magic(str(path)):
        for name in sorted(glob.glob(str(path), recursive=True)):
            if not os.path.isdir(name):
                yield Path(name)
    else:
        raise DataError(f"{path}: cannot be read (No such file or directory); check the path.")


def _below(folder: Path, visited: set[str]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(entry, visited)
        elif entry.is_file():
            yield entry


def _opened(path: Path, file: BinaryIO, owned: BinaryIO | None) -> BinaryIO:
    start = file.read(512)
    _refuse_archive(path, start)
    if not start.startswith((_GZIP, _ZSTD)):
        if owned is not None and owned.seekable():
            owned.seek(0)
            return owned
        return io.BufferedReader(_Chunks(_plain(file, start), owned), _CHUNK)
    source = _Counted(file, start)
    made = _gunzipped(source) if start.startswith(_GZIP) else _unzstd(path, source)
    stream = io.BufferedReader(_Chunks(_guarded(path, source, made), owned), _CHUNK)
    _refuse_archive(path, stream.peek(512)[:512])
    return stream


def _plain(file: BinaryIO, start: bytes) -> Iterator[bytes]:
    yield start
    # What a pipe has is passed on at once: `read` would wait for a full chunk.
    yield from iter(
        lambda: file.read1(_CHUNK) if isinstance(file, io.BufferedReader) else file.read(_CHUNK), b""
    )


def _guarded(path: Path, source: _Counted, chunks: Iterator[bytes]) -> Iterator[bytes]:
    made = 0
    try:
        for chunk in chunks:
            made += len(chunk)
            if made > FREE_BYTES and made > MOST_RATIO * source.total:
                raise DataError(
                    f"{path}: {source.total} compressed bytes make over {made >> 20} MiB, which looks like a "
                    "decompression bomb; unpack the file yourself if you trust it."
                )
            yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{path}: the compressed data is damaged or cut off ({error}); get the file again."
        ) from error


def _gunzipped(source: _Counted) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=source) as file:  # type: ignore[call-overload]
        yield from iter(lambda: file.read(_CHUNK), b"")


def _unzstd(path: Path, source: _Counted) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtra(f"{path}: zstandard is missing; run: pip install 'skillofmind[data]'.") from error
    frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
    for piece in iter(lambda: source.read(_ZSTD_CHUNK), b""):
        rest = piece
        while rest:
            try:
                begun, made = True, frame.decompress(rest)
            except zstandard.ZstdError as error:
                raise zlib.error(str(error)) from error
            if made:
                yield made
            rest = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame, begun = zstandard.ZstdDecompressor().decompressobj(), False
    if begun:
        raise EOFError("it ends within a frame")


def _start_of(path: Path, seen: bytes) -> bytes:
    """Return what the first compressed bytes make, as far as it goes."""
    source = _Counted(io.BytesIO(seen), b"")
    made, size = [], 0
    try:
        for chunk in _gunzipped_start(seen) if seen.startswith(_GZIP) else _unzstd(path, source):
            made.append(chunk)
            size += len(chunk)
            if size >= HEAD_BYTES:
                break
    except (EOFError, zlib.error):
        # The rest of the stream has not arrived.
        return b"".join(made)[:HEAD_BYTES]
    return b"".join(made)[:HEAD_BYTES]


def _gunzipped_start(seen: bytes) -> Iterator[bytes]:
    yield zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(seen, HEAD_BYTES)


def _refuse_archive_name(path: Path) -> None:
    name = path.name.lower()
    if name.endswith((".zip", ".tar", ".tgz", ".tbz2", ".txz", ".7z", ".rar")) or ".tar." in name:
        raise DataError(_archive(path, "".join(path.suffixes[-2:]).lstrip(".")))


def _refuse_archive(path: Path, start: bytes) -> None:
    for magic, kind in _ARCHIVES.items():
        if start.startswith(magic):
            raise DataError(_archive(path, kind))
    if start[_TAR_AT:].startswith(_TAR):
        raise DataError(_archive(path, "tar"))


def _archive(path: Path, kind: str) -> str:
    return f"{path}: archives ({kind}) are not read; unpack it and give the folder."
