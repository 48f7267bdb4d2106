"""A large JSON object as a look-up on disk: `{"id": {...}, ...}` of any size, a few megabytes in memory."""

import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.elements import elements
from skillofmind.data.files import open_binary

Json = dict[str, Any]
_ENTRY = msgspec.json.Decoder(dict[str, Json | None])


class Lookup:
    """Ids and their objects; a context manager, whose end removes the file on disk."""

    def __init__(self, path: Path | None) -> None:
        """Copy the entries of the JSON object in `path` to a temporary database; `None` is an empty one.

        Raises:
            DataError: the file cannot be read, or does not map ids to objects.
        """
        self._folder = TemporaryDirectory(prefix="som-")
        self._base = sqlite3.connect(Path(self._folder.name) / "lookup", isolation_level=None)
        try:
            # Nothing here outlives the process, so nothing has to survive it.
            self._base.execute("PRAGMA journal_mode = OFF")
            self._base.execute("PRAGMA synchronous = OFF")
            self._base.execute("CREATE TABLE entry (id BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
            if path is not None:
                self._fill(path)
        except BaseException:
            self.close()
            raise

    def get(self, key: str) -> Json:
        """Return the object of `key`; an empty one where there is none."""
        query = "SELECT value FROM entry WHERE id = ?"
        row = self._base.execute(query, (_bytes(key),)).fetchone()
        return msgspec.json.decode(row[0], type=Json) if row else {}

    def close(self) -> None:
        """Remove the database."""
        self._base.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fill(self, path: Path) -> None:
        self._base.execute("BEGIN")
        with open_binary(path) as file:
            for element in elements(file):
                self._keep(path, element.raw, whole=element.whole)
        self._base.execute("COMMIT")

    def _keep(self, path: Path, raw: bytes, *, whole: bool) -> None:
        try:
            entry = _ENTRY.decode(b"{" + raw + b"}") if whole else None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: {error}; it must map ids to objects.") from error
        if entry is None:
            raise DataError(f"{path}: the file is cut off or goes on after its end; fetch it again.")
        for key, value in entry.items():
            row = (_bytes(key), msgspec.json.encode(value or {}))
            self._base.execute("INSERT OR REPLACE INTO entry VALUES (?, ?)", row)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
