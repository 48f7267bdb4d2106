"""The files of an evaluation in its run directory.

    items.jsonl    every question, whole before the first is asked
    log.jsonl      answers as they came, under the key of their item; the last of a key counts
    cases.jsonl    derived: items with their answers and scores
    summary.json   derived: all numbers

The first two are all that is needed: the others are made of them again without asking anybody, and are
removed before an answer is added, so that those that are there are never of another state of the log.

    evaluated = read_run(Path("runs/esconv"))
    print(evaluated.summary.results[0].estimates[0].value)
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from skillofmind.core.errors import DataError, RunMismatch
from skillofmind.evals.embedding import ENCODER, Embedding, compared_texts, encoders_of
from skillofmind.evals.records import Answer, Case, Item, Summary
from skillofmind.evals.summary import cases_of, summarise
from skillofmind.evals.task import Task
from skillofmind.run.atomic import storage_errors, write_atomic, write_lines_atomic
from skillofmind.run.directory import read_manifest
from skillofmind.run.log import read_log_as
from skillofmind.scorers.embedding import NO_ENCODERS

ITEMS = "items.jsonl"
LOG = "log"
CASES = "cases.jsonl"
SUMMARY = "summary.json"
SETTINGS = "settings"
"""Name of the option of the manifest that holds what decided the numbers, each by its name."""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class Evaluated(NamedTuple):
    """A run as it was read.

    Attributes:
        items: all questions.
        answers: by `Item.key`; those that are there.
        cases: items that have an answer, scored.
        summary: the numbers of these cases.
    """

    items: Sequence[Item]
    answers: Mapping[str, Answer]
    cases: Sequence[Case]
    summary: Summary


def read_run(path: Path, tasks: Mapping[str, Task] | None = None) -> Evaluated:
    """Read a run; one that is not finished is scored as far as it got.

    Args:
        path: the run directory; it may be in use.
        tasks: by name, for scoring what has not been scored; those of the package without it.

    Raises:
        DataError: it is no evaluation, or a file of it cannot be understood.
        ConfigurationError: there is no task of a name that it holds.
    """
    require_run(path)
    if is_scored(path):
        cases, summary = list(read_cases(path)), read_summary(path)
        items = [case.item for case in cases]
        return Evaluated(items, {case.item.key: case.answer for case in cases}, cases, summary)
    return rescored(path, tasks)


def rescored(
    path: Path,
    tasks: Mapping[str, Task] | None = None,
    *,
    embedding: Embedding | None = None,
    before: Evaluated | None = None,
) -> Evaluated:
    """Score and summarise a run again, from its items and answers alone; writes nothing.

    Args:
        path: the run directory.
        tasks: by name; those of the package without it.
        embedding: an encoder that texts are compared by, too; the summary's settings name it.
        before: the same run as it was scored before; what models rated is taken from there.

    Raises:
        DataError: it is no evaluation, or a file of it cannot be understood.
        ConfigurationError: there is no task of a name that it holds.
    """
    require_run(path)
    items, answers = list(read_items(path)), read_answers(path)
    found = tasks_of(items, tasks)
    settings = settings_of(path) | {"items": items_fingerprint(path)}
    encoders = NO_ENCODERS
    if embedding is not None:
        encoders = encoders_of(embedding, compared_texts(items, answers, found))
    if embedding is not None and encoders != NO_ENCODERS:
        settings[ENCODER] = embedding.name
    cases = cases_of(items, answers, found, encoders)
    if before is None:
        return Evaluated(items, answers, cases, summarise(cases, found, settings))
    from skillofmind.evals.replies.kept import with_rating_tables, with_ratings

    cases = with_ratings(cases, before.cases)
    summary = with_rating_tables(summarise(cases, found, settings), before.summary)
    return Evaluated(items, answers, cases, summary)


def write_derived(path: Path, cases: Iterable[Case], summary: Summary) -> None:
    """Write what is derived, each file whole or not at all, the summary last.

    Raises:
        StorageError: the disk said no.
    """
    write_lines_atomic(path / CASES, map(_encode, cases))
    write_atomic(path / SUMMARY, msgspec.json.format(_encode(summary)) + b"\n")


def discard_derived(path: Path) -> None:
    """Remove what is derived, the summary first.

    Raises:
        StorageError: the disk said no.
    """
    for name in (SUMMARY, CASES):
        with storage_errors(path / name):
            (path / name).unlink(missing_ok=True)


def keep_items(path: Path, items: Iterable[Item]) -> None:
    """Write the items of a new run; of one that goes on, make sure that they are the same.

    Raises:
        DataError: two items have one key.
        RunMismatch: the run began with other items; the message says which.
        StorageError: the disk said no.
    """
    if not (path / ITEMS).exists():
        write_lines_atomic(path / ITEMS, _lines(_unique(items)))
        return
    kept = list(items)
    with (path / ITEMS).open("rb") as file:
        old = (line.rstrip(b"\n") for line in file)
        same = all(one == other for one, other in zip_longest(old, _lines(kept)))
    if not same:
        raise RunMismatch(_other_items(path, kept))


def read_items(path: Path) -> Iterator[Item]:
    """Yield the items of a run.

    Raises:
        DataError: there are none, or a line is no item.
    """
    return _read(path / ITEMS, Item)


def read_answers(path: Path) -> dict[str, Answer]:
    """Return the last answer of every key of a run; none where nobody was asked yet.

    Raises:
        DataError: a line of the log is no answer.
    """
    file = path / f"{LOG}.jsonl"
    return dict(read_log_as(file, Answer)) if file.exists() else {}


def read_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a run that is finished.

    Raises:
        DataError: there are none, or a line is no case.
    """
    return _read(path / CASES, Case)


def read_summary(path: Path) -> Summary:
    """Return the numbers of a run that is finished.

    Raises:
        DataError: there are none, or they cannot be understood.
    """
    file = path / SUMMARY
    try:
        return msgspec.json.decode(file.read_bytes(), type=Summary)
    except OSError as error:
        raise DataError(f"cannot read {str(file)!r}: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(
            f"{str(file)!r} is no summary: {error}; `som eval show RUN --rescore` makes it anew."
        ) from error


def is_run(path: Path) -> bool:
    """Say whether `path` holds the items of an evaluation."""
    return (path / ITEMS).is_file()


def is_scored(path: Path) -> bool:
    """Say whether `path` holds cases and a summary."""
    return (path / CASES).is_file() and (path / SUMMARY).is_file()


def require_run(path: Path) -> None:
    """Refuse a folder that holds no evaluation.

    Raises:
        DataError: it does not.
    """
    if not is_run(path):
        what = "has no items.jsonl" if path.is_dir() else "is no folder"
        raise DataError(
            f"{str(path)!r} {what}; name the folder of an evaluation, as `som eval plans RUN` makes it."
        )


def settings_of(path: Path) -> dict[str, str]:
    """Return what decided the numbers of a run, as its manifest says.

    Raises:
        DataError: there is no manifest, or it cannot be understood.
    """
    found = read_manifest(path).options.get(SETTINGS, {})
    return {name: str(value) for name, value in found.items()}


def items_fingerprint(path: Path) -> str:
    """Return 16 hexadecimal digits that change with any item of a run."""
    with (path / ITEMS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def tasks_of(items: Iterable[Item], tasks: Mapping[str, Task] | None = None) -> dict[str, Task]:
    """Return the tasks that the items name.

    Raises:
        ConfigurationError: there is no task of that name.
    """
    names = dict.fromkeys(item.task for item in items)
    if tasks is not None and names.keys() <= tasks.keys():
        return {name: tasks[name] for name in names}
    from skillofmind.evals.known import known_task

    return {name: known_task(name) for name in names}


def _lines(items: Iterable[Item]) -> Iterator[bytes]:
    return map(_encode, items)


def _unique(items: Iterable[Item]) -> Iterator[Item]:
    seen: set[str] = set()
    for item in items:
        if item.key in seen:
            raise DataError(
                f"the key {item.key!r} occurs twice among the items; a task has to give each its own id."
            )
        seen.add(item.key)
        yield item


def _other_items(path: Path, items: Sequence[Item]) -> str:
    before = {item.key: _encode(item) for item in read_items(path)}
    after = {item.key: _encode(item) for item in items}
    changed = [key for key in after if key in before and before[key] != after[key]]
    kinds = {
        "new": [key for key in after if key not in before],
        "gone": [key for key in before if key not in after],
        "changed": changed,
    }
    said = [f"{len(keys)} {kind} (such as {keys[0]!r})" for kind, keys in kinds.items() if keys]
    return (
        f"the run {str(path)!r} began with other items: {', '.join(said) or 'in another order'}; "
        "use another folder, or go back to the same data."
    )


def _read(file: Path, kind: type[T]) -> Iterator[T]:
    decode = msgspec.json.Decoder(kind).decode
    try:
        lines = file.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {str(file)!r}: {error.strerror}; check the folder.") from error
    with lines:
        for number, line in enumerate(lines, 1):
            try:
                yield decode(line)
            except ValueError as error:
                raise DataError(
                    f"{str(file)!r} line {number} is no {kind.__name__.lower()}: {error}; restore the file."
                ) from error
