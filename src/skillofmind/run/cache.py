"""Answers by the content of their request, in one SQLite file that several processes may use at once.

The file is in write-ahead mode with `synchronous=NORMAL`: a killed process loses nothing that `put`
returned from and never damages the file; a power cut may lose the last entries, never the file. An
entry is never changed by age; delete the file (with its `-wal` and `-shm` neighbours) to start anew.

    cache = Cache(Path("answers.sqlite"))
    key = cache_key("openai:gpt@https://host", {"messages": []}, 0)
    cache.put(key, b"...")
"""

import sqlite3
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from skillofmind.core.errors import StorageError
from skillofmind.core.identity import fingerprint

BUSY_SECONDS = 30.0
"""Longest wait for another process to finish its write."""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_CAUSES = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run the same command again",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only; choose another place",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened; check that its folder exists and may be written",
    sqlite3.SQLITE_BUSY: "another process keeps it locked; wait for that process or stop it",
    sqlite3.SQLITE_IOERR: "the disk reports an input/output error; check the disk and its free space",
}


def cache_key(model_identity: str, request: Any, index: int) -> str:
    """Return the key of one sample: SHA-256 of the canonical JSON of all that decides it.

    Args:
        model_identity: `Model.identity`.
        request: anything that has a JSON form and decides the answer.
        index: which of several samples of the same request, from 0.
    """
    return fingerprint([model_identity, request, index])


class Cache:
    """A map from key to bytes on disk; for one thread, but any number of processes.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            StorageError: it is damaged or no cache, or the disk said no.
        """
        self.path = path
        self._database = self._connect()

    def get(self, key: str) -> bytes | None:
        """Return the value of `key`, or `None`.

        Raises:
            StorageError: the file cannot be read.
        """
        row = self._execute("SELECT value FROM entries WHERE key = ?", key)
        return None if row is None else bytes(row[0])

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`, in place of an earlier one.

        Raises:
            StorageError: the disk said no; earlier entries are intact.
        """
        self._execute("INSERT OR REPLACE INTO entries (key, value) VALUES (?, ?)", key, value)

    def __len__(self) -> int:
        """Count the entries.

        Raises:
            StorageError: the file cannot be read.
        """
        row = self._execute("SELECT count(*) FROM entries")
        return int(row[0])

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise _storage_error(self.path, error) from error
        try:
            _prepare(database)
        except BaseException as error:
            database.close()
            if isinstance(error, sqlite3.Error):
                raise _storage_error(self.path, error) from error
            raise
        return database

    def _execute(self, statement: str, *values: str | bytes) -> Any:
        try:
            return self._database.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise _storage_error(self.path, error) from error


def _prepare(database: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            # Outside a transaction SQLite does not wait for the change to write-ahead mode, so we do.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
            return
        except sqlite3.OperationalError as error:
            if _code(error) not in _BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code (the low byte), -1 for errors of the Python module itself."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return -1 if extended is None else extended & 0xFF


def _storage_error(path: Path, error: sqlite3.Error) -> StorageError:
    code = _code(error)
    if code in _DAMAGED:
        return StorageError(
            f"the cache {str(path)!r} is damaged or is no cache ({error}); it holds nothing but saved "
            "answers and may be deleted"
        )
    return StorageError(f"cannot use the cache {str(path)!r}: {_CAUSES.get(code, str(error))}")
