"""Files of one's own annotated dialogues as tasks, named after the file.

    own_tasks([Path("mine.jsonl"), Path("old/mine.jsonl")])     # own.mine, own.mine-2

Names hold letters, digits, `_` and `-` only, so that they are safe in keys, lists and file names.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.records import Item
from skillofmind.evals.task import Task
from skillofmind.evals.tasks.annotated import annotated_task

OWN = "own."
"""What the names of these tasks begin with."""

_LONGEST = 60
_UNSAFE = re.compile(r"[^\w-]+")
_NAME = re.compile(r"own\.[\w-]+")


def own_tasks(paths: Sequence[Path]) -> dict[Path, Task]:
    """Return a task for each file or folder; one that is named twice, by whatever path, has one task.

    Of files with one name the later ones get a number, so their names depend on the order.
    """
    named: dict[Path, str] = {}
    for path in paths:
        whole = path.resolve()
        if whole not in named:
            named[whole] = _unused(own_name(path), set(named.values()))
    return {path: annotated_task(path, name=named[path.resolve()]) for path in paths}


def own_name(path: Path) -> str:
    """Return the name of a file's task: `own.` and the file's name without endings, made safe.

    >>> own_name(Path("data/My talks, 2.jsonl.gz"))
    'own.My-talks-2'
    """
    whole = path if path.name else path.resolve()
    stem = unicodedata.normalize("NFC", whole.name.lstrip(".").partition(".")[0])
    return OWN + (_UNSAFE.sub("-", stem).strip("-")[:_LONGEST] or "dialogues")


def own_known(name: str) -> Task | None:
    """Return the task of a file by its name alone, or `None` where it is no such name.

    It scores and measures; its `items` raise ConfigurationError, as nothing says where the file is.
    """
    if not _NAME.fullmatch(name):
        return None

    def items(data: Path) -> Iterator[Item]:
        raise ConfigurationError(
            f"the task {name!r} is of a file of yours; name the file in its place in --tasks."
        )

    return annotated_task(Path(), name=name)._replace(items=items)


def _unused(name: str, used: set[str]) -> str:
    found, number = name, 1
    while found in used:
        number += 1
        found = f"{name}-{number}"
    return found
