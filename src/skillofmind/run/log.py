r"""Append-only logs of keyed records: the `Store` that survives a kill at any moment.

A log is a JSONL file; each line is `{"key": ..., "value": ...}`. One record is one whole line, written
by one `write` to a descriptor in append mode, so a killed process leaves at most one unfinished line at
the end. Opening reads the file once, cuts off such a line, and keeps only the byte offset of the last
record of each key under a digest of the key (run/keys.py): less than 60 bytes a key, whatever the size of
keys and values. Keys of equal digest would be taken for one; with 128 bits that does not happen. Opening a
log of a million records takes about three seconds.

    with AppendLog(Path("results.jsonl")) as log:
        if not log.has("row-1"):
            log.append("row-1", {"score": 0.5})

One process writes a log at a time (an advisory lock holds others off); `read_log` only reads and needs
no lock. A log is for one thread.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Generic, Literal, Self, TypeVar

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError, RunBusy, StorageError
from skillofmind.core.record import Record
from skillofmind.run.atomic import storage_error, storage_errors, sync_folder
from skillofmind.run.keys import KeyIndex

T = TypeVar("T")

Sync = Literal["always", "batch", "never"]

SYNC_SECONDS = 0.5
"""Longest time between two flushes while records come in, under the policy `batch`."""


class _Entry(Record, frozen=True):
    key: str
    value: msgspec.Raw


class _Decoded(Record, frozen=True):
    key: str
    value: Any


class _Typed(Record, Generic[T], frozen=True):
    key: str
    value: T


_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_record = msgspec.json.Decoder(_Decoded).decode
_encode = msgspec.json.Encoder().encode


def read_log(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield key and value of every whole record of a log, in order, without touching the file.

    An unfinished last line, which another process may be writing at this moment, is left out.

    Raises:
        DataError: a line that is not the last one is not a record.
        StorageError: the file cannot be read.
    """
    for _, record in _records(path, _decode_record):
        yield record.key, record.value


def read_log_as(path: Path, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Yield what `read_log` does, with each value decoded as `kind` in the same pass.

    Raises:
        DataError: a line that is not the last one is not a record of that kind.
        StorageError: the file cannot be read.
    """
    decode = msgspec.json.Decoder(_Typed[kind]).decode  # type: ignore[valid-type]
    for _, record in _records(path, decode):
        yield record.key, record.value


class AppendLog:
    """A log that is open for writing.

    Attributes:
        path: the file.
        repaired: bytes of an unfinished last line that opening cut off; usually 0.
    """

    def __init__(
        self, path: Path, sync: Sync = "batch", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open or create the log.

        Args:
            path: the file; its folder exists.
            sync: when records reach the disk itself: `always` flushes each one, `batch` at most every
                `SYNC_SECONDS` and on closing, `never` leaves it to the system. A killed *process* loses
                nothing under any of them; they differ when the *machine* loses power.
            clock: monotonic seconds.

        Raises:
            DataError: a line that is not the last one is not a record.
            RunBusy: the log is open elsewhere.
            StorageError: the disk said no.
        """
        if sync not in ("always", "batch", "never"):
            raise ConfigurationError(f"sync policy {sync!r} is not one of 'always', 'batch', 'never'")
        self.path = path
        self.repaired = 0
        self._sync = sync
        self._clock = clock
        self._offsets = KeyIndex()
        self._count = 0
        self._end = 0
        self._unsynced = False
        self._last_sync = clock()
        self._descriptor: int | None = _open_locked(path, sync)
        try:
            self._load()
            self._reader = _reading(path)
        except BaseException:
            self._release()
            raise

    def append(self, key: str, value: Any) -> None:
        """Write one record.

        Args:
            key: any string; a later record of the same key becomes the latest.
            value: anything that `msgspec` can write as JSON.

        Raises:
            DataError: the value cannot be written as JSON; nothing was written.
            StorageError: the disk said no; the log holds exactly the records before this one.
        """
        descriptor = self._open_descriptor()
        line = _encode_line(key, value)
        start = self._end
        self._write_whole(descriptor, line)
        self._end = start + len(line)
        self._offsets[key] = start
        self._count += 1
        self._unsynced = True
        if self._sync == "always" or (
            self._sync == "batch" and self._clock() - self._last_sync >= SYNC_SECONDS
        ):
            self.flush()

    def flush(self) -> None:
        """Bring every record to the disk itself, whatever the policy.

        Raises:
            StorageError: the disk said no.
        """
        descriptor = self._open_descriptor()
        if self._unsynced:
            with storage_errors(self.path):
                os.fsync(descriptor)
        self._unsynced = False
        self._last_sync = self._clock()

    def has(self, key: str) -> bool:
        """Say whether `key` was written."""
        return key in self._offsets

    def get(self, key: str) -> Any:
        """Return the last value of `key`, as plain JSON values.

        Raises:
            KeyError: `key` was never written.
            StorageError: the file cannot be read.
        """
        self._open_descriptor()
        start = self._offsets[key]
        with storage_errors(self.path):
            self._reader.seek(start)
            line = self._reader.readline()
        return _decode_record(line).value

    def read(self) -> Iterator[tuple[str, Any]]:
        """Yield key and value of all records in the order written; values are plain JSON values."""
        self._open_descriptor()
        return read_log(self.path)

    def __len__(self) -> int:
        """Count the records; a key that was written twice counts twice."""
        return self._count

    def close(self) -> None:
        """Flush (unless the policy is `never`) and close; closing twice is allowed.

        Raises:
            StorageError: the disk said no to the flush; the log is closed all the same.
        """
        if self._descriptor is None:
            return
        try:
            if self._sync != "never":
                self.flush()
        finally:
            self._reader.close()
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        for (start, end), entry in _records(self.path, _decode_entry):
            self._offsets[entry.key] = start
            self._count += 1
            self._end = end
        with storage_errors(self.path):
            descriptor = self._open_descriptor()
            self.repaired = os.fstat(descriptor).st_size - self._end
            if self.repaired:
                os.ftruncate(descriptor, self._end)

    def _write_whole(self, descriptor: int, line: bytes) -> None:
        try:
            # A short write means that the disk is nearly full; the next one says why, or finishes the line.
            written = os.write(descriptor, line)
            while written < len(line):
                written += os.write(descriptor, line[written:])
        except OSError as error:
            self._cut_back(descriptor)
            raise storage_error(self.path, error) from error
        except BaseException:
            self._cut_back(descriptor)
            raise

    def _cut_back(self, descriptor: int) -> None:
        with storage_errors(self.path):
            os.ftruncate(descriptor, self._end)

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise StorageError(f"the log {str(self.path)!r} is closed; open it again to use it")
        return self._descriptor

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open_locked(path: Path, sync: Sync) -> int:
    with storage_errors(path):
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_new and sync != "never":
                sync_folder(path.parent)
        except BlockingIOError:
            os.close(descriptor)
            raise RunBusy(
                f"the log {str(path)!r} is open for writing elsewhere; wait for it or use another file"
            ) from None
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor


def _reading(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise StorageError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error


def _records(path: Path, decode: Callable[[bytes], T]) -> Iterator[tuple[tuple[int, int], T]]:
    """Yield ((first byte, byte after the newline), record), up to an unfinished line at the end."""
    start = 0
    with _reading(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()  # `Raw` does not look into strings
                record = decode(line)
            except ValueError as error:
                if _is_torn(line, error) and not (line.endswith(b"\n") and file.read(1)):
                    return
                raise DataError(_not_a_record(path, number, line)) from error
            if not line.endswith(b"\n"):
                return
            yield (start, start + len(line)), record
            start += len(line)


def _is_torn(line: bytes, error: ValueError) -> bool:
    # Opening cuts what is torn, so a file of another kind must not look so: only the beginning of a
    # record does, or the zeros that some file systems leave behind when the power fails.
    if isinstance(error, msgspec.ValidationError):
        return False
    begin = b'{"key":'
    return line.startswith((begin, b"\0")) or begin.startswith(line)


def _not_a_record(path: Path, number: int, line: bytes) -> str:
    shown = line[:60].decode(errors="replace").rstrip("\n")
    return (
        f'{str(path)!r} line {number} is not a record {{"key": ..., "value": ...}} but {shown!r}; '
        "delete that line or restore the file"
    )


def _encode_line(key: str, value: Any) -> bytes:
    try:
        return _encode({"key": key, "value": value}) + b"\n"
    except (TypeError, ValueError) as error:
        raise DataError(f"the value of {key!r} cannot be written as JSON: {error}") from error
