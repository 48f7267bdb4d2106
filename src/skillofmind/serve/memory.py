"""Profiles of users: what a server keeps about a person when it is told to keep anything.

A profile holds the social context that a client gave, when the person was here, and the last words of the
person and the skill of the reply in the latest and in the earlier session. It turns into the social context
of the next plan. One SQLite file in WAL mode serves all worker processes.

*Covered*

- Off unless a file is named; then only requests that name a user are kept. `export` gives everything that is
  kept; `delete` takes it out of the file, also out of free pages and the write-ahead log.

*Not covered*

- Whoever has a key of the server can read and delete every profile; the file is not encrypted (its mode is
  0600); backups of it are yours.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec

from skillofmind.core.dialogue import SocialContext
from skillofmind.core.errors import ConfigurationError, StorageError
from skillofmind.core.record import Record

T = TypeVar("T")

SESSION_GAP = 3600.0
"""Seconds of silence after which a new session begins."""

_MOST_WORDS = 280
_SCHEMA = "CREATE TABLE IF NOT EXISTS profiles (user TEXT PRIMARY KEY, profile BLOB NOT NULL) WITHOUT ROWID"


class Session(Record, frozen=True):
    """What is kept of one session: Unix times, requests, the person's last words, the last skill."""

    began: float
    ended: float
    requests: int = 1
    said: str = ""
    skill: str | None = None


class Profile(Record, frozen=True):
    """Everything that is kept about a person.

    Attributes:
        context: what clients told.
        session: the latest one.
        earlier: the one before it.
    """

    context: SocialContext = SocialContext()
    session: Session | None = None
    earlier: Session | None = None

    def social(self, moment: float) -> SocialContext:
        """Return what a planner is told at Unix time `moment`: the context, and the session before this."""
        current = self.session is not None and moment - self.session.ended < SESSION_GAP
        last = self.earlier if current else self.session
        if last is None:
            return self.context
        began = self.session.began if current and self.session is not None else moment
        summary = f'Last time the user said: "{last.said}"' if last.said else None
        return msgspec.structs.replace(
            self.context,
            elapsed=self.context.elapsed or _spoken(began - last.ended),
            previous_summary=self.context.previous_summary or summary,
        )

    def after(self, moment: float, said: str, skill: str | None) -> "Profile":
        """Return the profile after a request at Unix time `moment`."""
        said = said if len(said) <= _MOST_WORDS else said[: _MOST_WORDS - 1] + "…"
        last = self.session
        if last is None or moment - last.ended >= SESSION_GAP:
            session = Session(moment, moment, 1, said, skill)
            return msgspec.structs.replace(self, session=session, earlier=last or self.earlier)
        session = Session(last.began, moment, last.requests + 1, said, skill or last.skill)
        return msgspec.structs.replace(self, session=session)


def merged(known: SocialContext, told: SocialContext | None) -> SocialContext:
    """Return `known` with the fields that `told` names in place of its own."""
    if told is None:
        return known
    changes = {
        name: value
        for name in SocialContext.__struct_fields__
        if (value := getattr(told, name)) not in (None, (), {})
    }
    return msgspec.structs.replace(known, **changes)


def _spoken(seconds: float) -> str:
    for size, unit in ((604_800, "week"), (86_400, "day"), (3600, "hour")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than an hour"


_PATIENCE = 5.0
"""Seconds to wait for other processes that use the file."""


class Memory:
    """The file of profiles; one thread of this process talks to it."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        """Open or make the file.

        Raises:
            ConfigurationError: it cannot be opened or is no such file.
        """
        self.clock = clock
        self._thread = ThreadPoolExecutor(1, "memory")
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._file = sqlite3.connect(
                path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._use_write_ahead_log()
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute("PRAGMA secure_delete=ON")
            self._file.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"--memory {path!r} cannot be used ({error}); name a file.") from error

    def _use_write_ahead_log(self) -> None:
        """Switch the file to WAL; while another process does so, SQLite says no at once and does not wait."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self._file.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                # The low byte is the kind; what is above it says more.
                busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > end:
                    raise
            time.sleep(0.01)

    async def get(self, user: str) -> Profile | None:
        """Return a profile, or `None`.

        Raises:
            StorageError: the file cannot be read.
        """
        return await self._run(lambda: self._get(user))

    async def note(self, user: str, told: SocialContext | None, said: str, skill: str | None) -> None:
        """Keep a request of a person.

        Raises:
            StorageError: the file cannot be written.
        """
        moment = self.clock()

        def change() -> None:
            # Read and write in one transaction: another process may note the same person.
            self._file.execute("BEGIN IMMEDIATE")
            try:
                known = self._get(user) or Profile()
                told_now = msgspec.structs.replace(known, context=merged(known.context, told))
                self._put(user, told_now.after(moment, said, skill))
            finally:
                self._file.execute("COMMIT")

        await self._run(change)

    async def delete(self, user: str) -> bool:
        """Forget a person; say whether there was a profile.

        Raises:
            StorageError: the file cannot be written.
        """

        def forget() -> bool:
            gone = self._file.execute("DELETE FROM profiles WHERE user = ?", (user,)).rowcount > 0
            # Else the words stay in the write-ahead log until it is written over.
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return gone

        return await self._run(forget)

    def close(self) -> None:
        """Close the file."""
        self._thread.submit(self._file.close).result()
        self._thread.shutdown()

    def _get(self, user: str) -> Profile | None:
        row = self._file.execute("SELECT profile FROM profiles WHERE user = ?", (user,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Profile)

    def _put(self, user: str, profile: Profile) -> None:
        self._file.execute(
            "INSERT OR REPLACE INTO profiles VALUES (?, ?)", (user, msgspec.json.encode(profile))
        )

    async def _run(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise StorageError(f"the file of profiles cannot be used ({type(error).__name__}).") from error
