"""A study on disk: what was built, who takes part, and every answer as soon as it is given.

manifest.json   how it was made
study.json      settings and wording
tasks.jsonl     what is shown; holds the names of the systems, so it is not for raters
raters.jsonl    who takes part
links.json      the secret of each rater's address; readable by you alone, not part of an export
answers.jsonl   every answer; a changed one is a later line with the same key
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError, StorageError
from skillofmind.core.identity import fingerprint
from skillofmind.evals.study.records import Answer, Rater, Study, Task
from skillofmind.run.atomic import storage_errors, write_atomic, write_lines_atomic
from skillofmind.run.directory import RunDirectory, read_manifest
from skillofmind.run.log import AppendLog, read_log

COMMAND = "study new"
STUDY, TASKS, LINKS = "study.json", "tasks.jsonl", "links.json"
_RATERS, _ANSWERS = "raters", "answers"


class Kept(NamedTuple):
    """All that a study folder holds.

    Attributes:
        study: the settings.
        tasks: what is shown, by key.
        raters: who takes part, by name, in the order in which they joined.
        answers: the last answer of each rater to each task, in the order of the first ones.
        revised: (rater, task) -> how often the answer was changed.
    """

    study: Study
    tasks: dict[str, Task]
    raters: dict[str, Rater]
    answers: tuple[Answer, ...]
    revised: dict[tuple[str, str], int]


def create(folder: Path, study: Study, tasks: Sequence[Task]) -> bool:
    """Write a study; return whether it was there before, just like this one.

    Raises:
        RunMismatch: the folder holds another study.
        RunBusy: it is being served.
        StorageError: the disk said no.
    """
    with RunDirectory.open(folder, command=COMMAND, options=_options(study, tasks)) as run:
        write_lines_atomic(run.output(TASKS), (msgspec.json.encode(task) for task in tasks))
        write_atomic(run.output(STUDY), msgspec.json.format(msgspec.json.encode(study)) + b"\n")
        return run.resumed


def read(folder: Path) -> Kept:
    """Return what a study folder holds; it may be in use.

    Raises:
        DataError: the folder holds no study.
    """
    study, tasks = _built(folder)
    raters = {name: msgspec.convert(value, Rater) for name, value in _logged(folder, _RATERS)}
    last: dict[tuple[str, str], Answer] = {}
    times: dict[tuple[str, str], int] = {}
    for _, value in _logged(folder, _ANSWERS):
        answer = msgspec.convert(value, Answer)
        key = answer.rater, answer.task
        last[key] = answer
        times[key] = times.get(key, -1) + 1
    return Kept(study, tasks, raters, tuple(last.values()), {key: n for key, n in times.items() if n})


class OpenStudy:
    """A study that this process takes answers for; it holds the lock of the folder.

    Attributes:
        study: the settings.
        tasks: what is shown, by key.
        raters: who takes part, by name.
    """

    def __init__(self, folder: Path, now: Callable[[], str]) -> None:
        """Open the folder; `now` gives the time as ISO 8601.

        Raises:
            DataError: the folder holds no study.
            RunBusy: another process serves it.
            StorageError: the disk said no.
        """
        self.study, self.tasks = _built(folder)
        options = read_manifest(folder).options
        self._run = RunDirectory.open(folder, command=COMMAND, options=options)
        self._now = now
        try:
            self._answers: AppendLog = self._run.log(_ANSWERS)
            self._joined: AppendLog = self._run.log(_RATERS)
            found = read(folder)
        except BaseException:
            self._run.close()
            raise
        self.raters = found.raters
        self._given = {(one.rater, one.task): one for one in found.answers}

    def join(self, name: str, instead_of: str = "") -> Rater:
        """Let a rater take part, with a share of their own or the one of another rater.

        Raises:
            ConfigurationError: the name does not do, or the other rater is unknown.
            StorageError: the disk said no.
        """
        if name in self.raters:
            return self.raters[name]
        _check_name(name)
        if instead_of and instead_of not in self.raters:
            raise ConfigurationError(
                f"{instead_of!r} takes no part, so {name!r} cannot take over; known are "
                f"{', '.join(self.raters) or 'nobody'}."
            )
        taken = len(self.raters) % self.study.raters
        share = self.raters[instead_of].share if instead_of else taken
        return self._keep(Rater(name, share, self._now()))

    def consent(self, name: str) -> Rater:
        """Take down that a rater agrees to take part; once is enough.

        Raises:
            StorageError: the disk said no.
        """
        rater = self.raters[name]
        return rater if rater.consented else self._keep(msgspec.structs.replace(rater, consented=self._now()))

    def given(self, rater: str, task: str) -> Answer | None:
        """Return the answer of a rater to a task, or `None`."""
        return self._given.get((rater, task))

    def answer(self, answer: Answer) -> bool:
        """Keep an answer; return whether it says anything new.

        Raises:
            StorageError: the disk said no; the answer before, if any, still holds.
        """
        key = answer.rater, answer.task
        before = self._given.get(key)
        if before and (before.choices, before.remark) == (answer.choices, answer.remark):
            return False
        self._answers.append("\t".join(key), answer)
        self._given[key] = answer
        return True

    def time(self) -> str:
        """Return the time as ISO 8601."""
        return self._now()

    def close(self) -> None:
        """Bring everything to the disk and let the folder go."""
        self._run.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _keep(self, rater: Rater) -> Rater:
        self._joined.append(rater.name, rater)
        self.raters[rater.name] = rater
        return rater


def links(folder: Path, raters: Sequence[str], secret: Callable[[], str]) -> dict[str, str]:
    """Return rater -> token of the address; a rater who has one keeps it.

    Raises:
        DataError: the file holds something else.
        StorageError: the disk said no.
    """
    path = folder / LINKS
    known = _known_links(path)
    found = known | {name: secret() for name in raters if name not in known}
    if found != known:
        _write_private(path, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    return {name: found[name] for name in raters}


def _write_private(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with storage_errors(path):
        temporary.unlink(missing_ok=True)
        # With its mode from the start, so that what is secret is never readable by others.
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def _known_links(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"cannot read {str(path)!r}: {error.strerror}; check the path") from error
    except msgspec.DecodeError as error:
        raise DataError(f"{str(path)!r} holds no links ({error}); delete it to make new ones.") from error


def _options(study: Study, tasks: Sequence[Task]) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(study)
    return {**plain, "tasks": len(tasks), "material": fingerprint(msgspec.to_builtins(tasks))}


def _built(folder: Path) -> tuple[Study, dict[str, Task]]:
    try:
        study = msgspec.json.decode((folder / STUDY).read_bytes(), type=Study)
        lines = (folder / TASKS).read_bytes().splitlines()
        tasks = [msgspec.json.decode(line, type=Task) for line in lines]
    except OSError as error:
        raise DataError(
            f"{str(folder)!r} holds no study (no {Path(error.filename).name}); make one with `som study new`."
        ) from error
    except msgspec.DecodeError as error:
        raise DataError(f"{str(folder)!r} holds a damaged study ({error}); make it again.") from error
    return study, {task.key: task for task in tasks}


def _logged(folder: Path, name: str) -> list[tuple[str, object]]:
    path = folder / f"{name}.jsonl"
    return list(read_log(path)) if path.exists() else []


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 80 or any(not char.isprintable() for char in name) or "=" in name:
        raise ConfigurationError(f"{name!r} is no name for a rater; take up to 80 letters, without '='.")
