"""Run directories: one folder that says how a run was started and holds everything that it wrote.

    runs/teach/
      manifest.json   command, options, versions, git state, seeds, data hashes
      events.jsonl    what happened, with the time
      metrics.jsonl   numbers, with time and step
      *.jsonl         the command's own logs
      .lock           held by the process that writes

Opening the same folder again with the same command, options and data resumes; anything else is refused
with the difference. The lock is the kernel's (`flock`): it ends with its process, however that ends.

    with RunDirectory.open(Path("runs/teach"), command="teach", options={"n": 3}) as run:
        results = run.log("results")
"""

import fcntl
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, Self

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError, RunBusy, RunMismatch, StorageError
from skillofmind.run.atomic import leftovers, storage_errors, write_atomic
from skillofmind.run.log import AppendLog
from skillofmind.run.manifest import Manifest, data_fingerprints, difference, new_manifest, plain_options

MANIFEST = "manifest.json"
LOCK = ".lock"

# `max_tokens` is a number, `hub_token` a secret.
_SECRET = re.compile(r"(api_?key|secret|password)s?$|(^|_)token$", re.IGNORECASE)
_LOG_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RunDirectory:
    """A run directory that this process may write.

    Attributes:
        path: the folder.
        manifest: how the run was *first* started; a resumed run uses these seeds.
        resumed: whether the folder held this run already.
    """

    def __init__(
        self, path: Path, manifest: Manifest, *, resumed: bool, lock: int, now: Callable[[], datetime]
    ) -> None:
        """Take over a locked folder; use `RunDirectory.open`."""
        self.path = path
        self.manifest = manifest
        self.resumed = resumed
        self._now = now
        self._logs: dict[str, AppendLog] = {}
        self._closing = ExitStack()
        self._closing.callback(os.close, lock)
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        command: str,
        options: Mapping[str, Any],
        seeds: Mapping[str, int] | None = None,
        data: Iterable[Path] = (),
        free: Collection[str] = (),
        now: Callable[[], datetime] = _utc_now,
    ) -> Self:
        """Create the folder, or resume the run that it holds.

        Args:
            path: the folder; parents are created.
            command: name of the command.
            options: what decides the outcome; no secrets.
            seeds: by what they are for; kept for the record, not compared.
            data: input files, whose content is compared.
            free: options that may change from one start to the next, as they change no result.
            now: the time, with its zone.

        Raises:
            ConfigurationError: the folder holds something else, or an option looks like a secret.
            RunMismatch: the run was started with another command, other options or other data.
            RunBusy: another live process holds the folder.
            DataError: a data file, or the manifest of a run with results, cannot be read.
            StorageError: the disk said no.
        """
        _refuse_secrets(options)
        plain = plain_options(options)
        hashes = data_fingerprints(data)
        _prepare(path)
        lock = _locked(path)
        try:
            old = _read_manifest(path)
            manifest = old or new_manifest(command, plain, seeds or {}, hashes, now())
            if old is None:
                write_atomic(path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
            else:
                _compare(path, old, command, plain, hashes, free)
            _remove_leftovers(path)
        except BaseException:
            os.close(lock)
            raise
        return cls(path, manifest, resumed=old is not None, lock=lock, now=now)

    def log(self, name: str) -> AppendLog:
        """Return the log `<name>.jsonl`, the same object every time; it closes with the directory.

        Raises:
            ConfigurationError: the name is not made of letters, digits, `.`, `_` and `-`.
            DataError: the file holds something else.
            StorageError: the disk said no.
        """
        self._require_open()
        if not _LOG_NAME.fullmatch(name):
            raise ConfigurationError(f"log name {name!r} may hold letters, digits, '.', '_' and '-' only")
        if name not in self._logs:
            self._logs[name] = self._closing.enter_context(AppendLog(self.path / f"{name}.jsonl"))
        return self._logs[name]

    def event(self, kind: str, /, **fields: Any) -> None:
        """Append to `events.jsonl`: key `kind`, value the time and `fields`.

        Raises:
            StorageError: the disk said no.
        """
        self.log("events").append(kind, {"time": self._stamp(), **fields})

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Append to `metrics.jsonl`: key `name`, value the time, the number and the step if there is one.

        Raises:
            StorageError: the disk said no.
        """
        record = {"time": self._stamp(), "value": value}
        self.log("metrics").append(name, record if step is None else {**record, "step": step})

    def output(self, name: str) -> Path:
        """Return the path of an output file inside the directory; folders on the way are created.

        Raises:
            ConfigurationError: the name leads outside, or is one that the directory itself uses.
            StorageError: the disk said no.
        """
        inside = PurePath(name)
        if inside.is_absolute() or ".." in inside.parts or str(inside) in (".", MANIFEST, LOCK):
            raise ConfigurationError(f"output name {name!r} must be a relative path to a file of the run")
        path = self.path / inside
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def close(self) -> None:
        """Close all logs, then let the folder go; closing twice is allowed.

        Raises:
            StorageError: the disk said no to the last flush; the folder is let go all the same.
        """
        self._closed = True
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError(f"the run directory {str(self.path)!r} is closed; open it again to use it")


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of the run directory `path`, which may be in use.

    Raises:
        DataError: there is none, or it cannot be understood.
    """
    file = path / MANIFEST
    try:
        return msgspec.json.decode(file.read_bytes(), type=Manifest)
    except OSError as error:
        raise DataError(
            f"{str(path)!r} is not a run directory: cannot read {MANIFEST} ({error.strerror})"
        ) from error
    except ValueError as error:
        raise DataError(
            f"{str(file)!r} line 1 is not a manifest: {error}; restore it or use another folder"
        ) from error


def _refuse_secrets(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if _SECRET.search(name.replace("-", "_")):
            raise ConfigurationError(
                f"option {name!r} looks like a secret and would be written to {MANIFEST}; leave it out"
            )
        if isinstance(value, Mapping):
            _refuse_secrets({str(key): inner for key, inner in value.items()})


def _prepare(path: Path) -> None:
    try:
        with storage_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in path.iterdir()}
            temporary = {entry.name for entry in leftovers(path)}
    except StorageError as error:
        if isinstance(error.__cause__, FileExistsError | NotADirectoryError):
            raise ConfigurationError(f"{str(path)!r} is a file; name a folder for the run") from error
        raise
    foreign = sorted(names - temporary - {LOCK})
    if foreign and MANIFEST not in names:
        raise ConfigurationError(
            f"the folder {str(path)!r} is not empty and holds no run (it has {foreign[0]!r}); "
            "name a new or empty folder"
        )


def _locked(path: Path) -> int:
    file = path / LOCK
    with storage_errors(file):
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.write(lock, b"%d\n" % os.getpid())
        except BlockingIOError:
            holder = os.read(lock, 32).decode(errors="replace").strip()
            os.close(lock)
            raise RunBusy(
                f"the run directory {str(path)!r} is in use by process {holder or 'unknown'}; "
                "wait for it, stop it, or use another folder"
            ) from None
        except BaseException:
            os.close(lock)
            raise
    return lock


def _read_manifest(path: Path) -> Manifest | None:
    """Return the manifest, or `None` where the run never got as far as writing anything."""
    if not (path / MANIFEST).exists():
        return None
    try:
        return read_manifest(path)
    except DataError:
        started = any(not entry.name.startswith(".") for entry in path.iterdir() if entry.name != MANIFEST)
        if started or _is_json(path / MANIFEST):
            raise
        return None


def _is_json(file: Path) -> bool:
    try:
        msgspec.json.decode(file.read_bytes())
    except ValueError:
        return False
    return True


def _compare(
    path: Path,
    old: Manifest,
    command: str,
    options: Mapping[str, Any],
    data: Mapping[str, str],
    free: Collection[str],
) -> None:
    before, after = (
        {name: value for name, value in found.items() if name not in free} for found in (old.options, options)
    )
    lines = difference(before, after, old.data, data)
    if command != old.command:
        lines.insert(0, f"command: {old.command!r} -> {command!r}")
    if lines:
        raise RunMismatch(
            f"the run directory {str(path)!r} was started differently; use another folder or go back to "
            "the original options:\n" + "\n".join(f"  {line}" for line in lines)
        )


def _remove_leftovers(path: Path) -> None:
    # Safe only under the lock: no other process can be writing these files now.
    for file in leftovers(path):
        with storage_errors(file):
            file.unlink()
