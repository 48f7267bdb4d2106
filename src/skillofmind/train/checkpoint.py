"""Checkpoints that are whole or not there, kept in rotation, written while training goes on if asked.

    checkpoints/
      step-00000020/
        rank-00000.safetensors   the parts of all tensors that rank 0 held, and those that all ranks share
        rank-00001.safetensors
        checkpoint.json          step, facts, world, tensors, and size and SHA-256 of every file
      .step-00000030.1.tmp/      being written; removed at the next start if its process was killed

All ranks write into the hidden folder and flush; when all have said that they could, rank 0 writes
`checkpoint.json`, flushes, and renames the folder. Where one rank's disk says no, all ranks raise the same
`StorageError`, and the older checkpoints stay. Older ones go only after the new one is in place.

    with Checkpoints(Path("checkpoints"), here) as checkpoints:
        saved = checkpoints.latest()
        facts = checkpoints.load(saved, tensors) if saved else {}
        checkpoints.save(20, tensors, {"tokens": 81920})

Written on n ranks, read on m. Nothing is pickled. `torch.distributed.checkpoint` with its safetensors storage
is not used: it puts the whole state together in memory a second time, stores no hash, casts to another dtype
without a word, and writes where the checkpoint is to be read.

*Covered*: kill and power cut at any moment, full disk on any rank, changed or missing files, a save of a step
that is there already, a reader next to a live writer. *Not covered*: two writers in one folder (the run
directory's lock is for that), local disks on several machines (refused: all ranks must see one folder).
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import torch.distributed as dist
from torch import Tensor

from skillofmind.core.errors import ConfigurationError, DataError, SkillOfMindError, StorageError
from skillofmind.core.record import Record
from skillofmind.run.atomic import storage_errors, sync_folder, write_atomic
from skillofmind.train.checkpoint_files import (
    FORMAT,
    MANIFEST,
    Manifest,
    Part,
    Piece,
    Stored,
    Written,
    difference,
    fill_,
    part,
    read_manifest,
    sealed,
    weights_fingerprint,
    what_is_wrong,
    write_parts,
)
from skillofmind.train.shard import Ranks, exchanged, orderly

__all__ = ["Checkpoints", "Saved", "weights_fingerprint"]

_NAME = re.compile(r"step-(\d{8,})")
_LEFTOVER = re.compile(r"\.(step-\d{8,})\.\w+\.tmp")
_REPLACED = ".replaced.tmp"
_PATIENCE = 60.0
"""Seconds to wait for a background save when the block around it failed."""

_KINDS: dict[str, type[SkillOfMindError]] = {
    kind.__name__: kind for kind in (ConfigurationError, DataError, StorageError)
}


class Saved(NamedTuple):
    """A checkpoint that was found intact.

    Attributes:
        path: its folder.
        step: of the save.
        world: number of ranks that wrote it.
        facts: as they were given.
        skipped: newer ones that are broken, each with the reason.
    """

    path: Path
    step: int
    world: int
    facts: dict[str, Any]
    skipped: tuple[str, ...] = ()


class _Report(Record, frozen=True):
    """What one rank wrote."""

    name: str
    file: Written
    tensors: dict[str, Stored]


class _Outcome(Record, frozen=True):
    """How a step of the protocol went on one rank."""

    answer: str = ""
    error: str = ""
    kind: str = ""


class Checkpoints:
    """A folder of checkpoints that this run writes; every method is collective.

    `close` waits for a background save; as a context manager it is closed at the end of the block.
    """

    def __init__(self, folder: Path, ranks: Ranks, *, keep: int = 2, background: bool = False) -> None:
        """Take over the folder and remove what killed saves left.

        Args:
            folder: seen by all ranks; made where it is missing.
            ranks: of this process.
            keep: newest checkpoints that stay, at least 1.
            background: return from `save` when the tensors are copied to the CPU, and write them meanwhile.

        Raises:
            ConfigurationError: `keep` is less than 1.
            StorageError: the disk said no.
        """
        if keep < 1:
            raise ConfigurationError(f"keep {keep!r} would delete every checkpoint; use 1 or more")
        self.folder, self.ranks, self.keep, self.background = folder, ranks, keep, background
        # A group of its own: a background save must not mix its messages with those of training.
        self._group = dist.new_group(backend="gloo") if ranks.world > 1 else None
        self._attempts = 0
        self._broken: set[Path] = set()
        self._thread: Thread | None = None
        self._failure: BaseException | None = None
        self._closed = False
        self._together(self._prepare)

    def save(self, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write a checkpoint; one of the same step is replaced.

        Args:
            step: 0 or more.
            tensors: by name, the same names on all ranks; plain ones have to be equal on all ranks.
            facts: JSON values; those of rank 0 are kept.

        Raises:
            ConfigurationError: the step is negative, the facts are not JSON, or a tensor cannot be stored.
            StorageError: a disk said no, now or in the background save before; older checkpoints are intact.
        """
        self._wait()
        if self._closed:
            raise StorageError(f"the checkpoints in {str(self.folder)!r} are closed; open them again to save")
        parts: list[Part] = []
        self._together(partial(self._collect, step, tensors, facts, parts))
        text = msgspec.json.encode(facts)
        if not self.background:
            self._write(step, parts, text)
            return
        # A daemon: a rank whose peers are gone must be able to end.
        self._thread = Thread(target=self._write_apart, args=(step, parts, text), daemon=True)
        self._thread.start()

    def latest(self) -> Saved | None:
        """Return the newest intact checkpoint, every byte of it checked; `None` where there is none.

        Raises:
            DataError: there are checkpoints and all are broken.
            StorageError: the folder cannot be read, or the background save before failed.
        """
        self._wait()
        names = msgspec.json.decode(self._together(self._listed)[0], type=list[str])
        skipped: list[str] = []
        for name in names:
            reasons = self._together(partial(self._reason, self.folder / name))
            reason = next((one for one in reasons if one), "")
            if not reason:
                found = read_manifest(self.folder / name)
                return Saved(self.folder / name, found.step, found.world, found.facts, tuple(skipped))
            self._broken.add(self.folder / name)
            skipped.append(f"{name}: {reason}")
        if skipped:
            raise DataError(
                f"no checkpoint in {str(self.folder)!r} is intact ({'; '.join(skipped)}); restore one, or "
                "remove the folder to start again"
            )
        return None

    def load(self, saved: Saved, tensors: Mapping[str, Tensor], prefix: str = "") -> dict[str, Any]:
        """Fill `tensors` in place and return the facts.

        Args:
            saved: what `latest` found.
            tensors: all of the checkpoint's whose names begin with `prefix`.
            prefix: to leave out the optimiser, say.

        Raises:
            DataError: names, shapes or dtypes are not those of the checkpoint, and nothing was filled; or it
                has gone or changed since `latest`.
            StorageError: the background save before failed.
        """
        self._wait()
        parts: list[Part] = []
        self._together(partial(self._fit, saved, tensors, prefix, parts))
        self._together(partial(self._fill, saved, parts))
        return saved.facts

    def close(self) -> None:
        """Wait for a background save; closing twice is allowed.

        Raises:
            StorageError: that save failed; older checkpoints are intact.
        """
        closed, self._closed = self._closed, True
        self._wait()
        if self._group is not None and not closed:
            dist.destroy_process_group(self._group)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if orderly(error):
            self.close()
            return
        # Other ranks may be gone, and a save with them cannot end.
        self._closed = True
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        if self._failure is not None and error is not None:
            error.add_note(f"the last checkpoint was not written: {self._failure}")

    # -- one step of the protocol, on all ranks

    def _together(self, work: Callable[[], str]) -> list[str]:
        """Do `work` on every rank and return all answers; where one fails, all raise its error."""
        if self.ranks.world == 1:
            return [work()]
        failure: Exception | None = None
        try:
            outcome = _Outcome(answer=work())
        except Exception as error:
            failure, outcome = error, _Outcome(error=self._told(error), kind=type(error).__name__)
        messages = exchanged(msgspec.json.encode(outcome), self.ranks, self._group)
        outcomes = [msgspec.json.decode(message, type=_Outcome) for message in messages]
        first = next((one for one in outcomes if one.error), None)
        if first is not None:
            raise _KINDS.get(first.kind, StorageError)(first.error) from failure
        return [one.answer for one in outcomes]

    def _told(self, error: Exception) -> str:
        known = type(error).__name__ in _KINDS
        return str(error) if known else f"rank {self.ranks.rank} could not go on: {error!r}"

    # -- what a rank does

    def _prepare(self) -> str:
        if self.ranks.rank == 0:
            with storage_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                for path in sorted(self.folder.iterdir()):
                    _clear_leftover(path)
        return ""

    def _collect(
        self, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], parts: list[Part]
    ) -> str:
        if step < 0:
            raise ConfigurationError(f"step {step!r} is negative; count from 0")
        _require_json(facts)
        for name, tensor in tensors.items():
            one = part(name, tensor)
            if one.shared and self.ranks.rank > 0:
                continue
            parts.append(one.on_cpu() if self.background else one)
        return ""

    def _write_apart(self, step: int, parts: Sequence[Part], facts: bytes) -> None:
        try:
            self._write(step, parts, facts)
        except BaseException as error:
            self._failure = error

    def _write(self, step: int, parts: Sequence[Part], facts: bytes) -> None:
        # The number makes the name new: rank 0 may still be removing the folder of a save that failed.
        self._attempts += 1
        temporary = self.folder / f".{_name(step)}.{self._attempts}.tmp"
        held = ExitStack()
        try:
            answers = self._together(partial(self._write_file, temporary, parts, held))
            reports = [msgspec.json.decode(answer, type=_Report) for answer in answers]
            manifest = Manifest(
                format=FORMAT,
                step=step,
                world=self.ranks.world,
                facts=msgspec.json.decode(facts),
                files={report.name: report.file for report in reports},
                tensors=_joined(reports),
            )
            self._together(partial(self._publish, temporary, manifest))
        finally:
            if self.ranks.rank == 0:
                shutil.rmtree(temporary, ignore_errors=True)
            held.close()

    def _write_file(self, temporary: Path, parts: Sequence[Part], held: ExitStack) -> str:
        name = f"rank-{self.ranks.rank:05d}.safetensors"
        path = temporary / name
        with storage_errors(path):
            temporary.mkdir(exist_ok=True)
            held.enter_context(_in_use(temporary))
            written = write_parts(path, parts)
        tensors = {
            one.name: Stored(one.dtype, one.shape, (Piece(name, one.offset, tuple(one.data.shape)),))
            for one in parts
        }
        return msgspec.json.encode(_Report(name, written, tensors)).decode()

    def _publish(self, temporary: Path, manifest: Manifest) -> str:
        if self.ranks.rank > 0:
            return ""
        final = self.folder / _name(manifest.step)
        with storage_errors(final):
            for name, file in manifest.files.items():
                if not (temporary / name).exists() or (temporary / name).stat().st_size != file.size:
                    raise StorageError(
                        f"rank 0 does not see {str(temporary / name)!r}, which another rank wrote; use a "
                        "folder that all machines share"
                    )
            write_atomic(temporary / MANIFEST, sealed(manifest))
            _replace(temporary, final)
            self._broken.discard(final)
            self._rotate(manifest.step)
        return ""

    def _rotate(self, step: int) -> None:
        # Later steps than this one are of a line of training that was left; they count for nothing here.
        past = [path for number, path in _found(self.folder) if number <= step]
        good = [path for path in past if path not in self._broken]
        for path in {*past} - {*good[: self.keep]}:
            aside = path.with_name(f".{path.name}.deleted.tmp")
            os.replace(path, aside)
            shutil.rmtree(aside)

    def _listed(self) -> str:
        with storage_errors(self.folder):
            return msgspec.json.encode([path.name for _, path in _found(self.folder)]).decode()

    def _reason(self, path: Path) -> str:
        """Say what is broken, of the files that this rank looks at; empty if nothing is."""
        try:
            manifest = read_manifest(path)
        except DataError as error:
            return str(error)
        if _name(manifest.step) != path.name:
            return f"it says that its step is {manifest.step}"
        mine = sorted(manifest.files)[self.ranks.rank :: self.ranks.world]
        reasons = (what_is_wrong(path / name, manifest.files[name]) for name in mine)
        return next((reason for reason in reasons if reason), "")

    def _fit(self, saved: Saved, tensors: Mapping[str, Tensor], prefix: str, parts: list[Part]) -> str:
        parts.extend(part(name, tensor) for name, tensor in tensors.items())
        stored = read_manifest(saved.path).tensors
        wanted = {name: one for name, one in stored.items() if name.startswith(prefix)}
        differs = difference(wanted, parts)
        if differs:
            raise DataError(
                f"the checkpoint {str(saved.path)!r} is of another network: {differs}; use the settings "
                "that it was written with"
            )
        return ""

    def _fill(self, saved: Saved, parts: Sequence[Part]) -> str:
        try:
            fill_(saved.path, read_manifest(saved.path).tensors, parts)
        except OSError as error:
            raise DataError(
                f"cannot read the checkpoint {str(saved.path)!r}: {error}; ask for the latest again"
            ) from error
        return ""

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _found(folder: Path) -> list[tuple[int, Path]]:
    """Return the finished checkpoints, newest first."""
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)


def _clear_leftover(path: Path) -> None:
    match = _LEFTOVER.fullmatch(path.name)
    if not match or _is_in_use(path):
        return
    final = path.with_name(match[1])
    if path.name.endswith(_REPLACED) and not final.exists():
        os.replace(path, final)
    else:
        shutil.rmtree(path)


def _replace(temporary: Path, final: Path) -> None:
    """Put `temporary` in the place of `final`; after a kill in between, the next start puts `final` back."""
    sync_folder(temporary)
    aside = final.with_name(f".{final.name}{_REPLACED}")
    replaced = final.exists()
    if replaced:
        os.replace(final, aside)
    try:
        os.replace(temporary, final)
    except OSError:
        if replaced:
            os.replace(aside, final)
        raise
    sync_folder(final.parent)
    if replaced:
        shutil.rmtree(aside)


@contextmanager
def _in_use(folder: Path) -> Iterator[None]:
    """Mark `folder` as in use, so that another process that starts now lets it be."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Without locks (some network disks) the mark is missing, and nothing else.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def _is_in_use(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def _require_json(facts: Mapping[str, Any]) -> None:
    try:
        same = msgspec.json.decode(msgspec.json.encode(facts)) == facts
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"facts of a checkpoint must be JSON values: {error}") from None
    if not same:
        raise ConfigurationError(
            f"facts of a checkpoint must be JSON values (lists, no tuples; finite numbers), not {facts!r}"
        )


def _joined(reports: Sequence[_Report]) -> dict[str, Stored]:
    tensors: dict[str, Stored] = {}
    for report in reports:
        for name, stored in report.tensors.items():
            before = tensors[name].pieces if name in tensors else ()
            tensors[name] = Stored(stored.dtype, stored.shape, (*before, *stored.pieces))
    return tensors
