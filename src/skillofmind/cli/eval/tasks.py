"""`som eval tasks`: the tasks, what they ask, and whether their data are here."""

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.options import option, parse
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.evals.task import Asks, Task

_EPILOG = """\
examples:
  som eval tasks --data ../shared/data
  som eval tasks --data ../shared/data --json

A task marked `official` keeps a known fault of the published evaluation code, for comparison only.
"""


_ENDINGS = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".parquet", ".gz", ".zst", ".zip")
"""Of files, but of no task."""


@dataclass(frozen=True, slots=True)
class TasksOptions:
    """Options of `som eval tasks`."""

    data: Path | None = option(None, "folder with the corpora, each in a folder of its own", value="FOLDER")
    json: bool = option(False, "print one JSON line a task")


def run(argv: Sequence[str]) -> int:
    """Run `som eval tasks`."""
    options = parse(TasksOptions, "som eval tasks", "List the tasks.", argv, epilog=_EPILOG)
    check_data(options.data)
    from skillofmind.evals.tasks import TASKS

    if options.json:
        _print_json(list(TASKS.values()), options.data)
    else:
        _print_table(list(TASKS.values()), options.data)
    return 0


def check_data(data: Path | None) -> None:
    """Refuse a --data that is no folder.

    Raises:
        ConfigurationError: it is none.
    """
    if data is not None and not data.is_dir():
        raise ConfigurationError(f"--data {str(data)!r} is no folder; name the one that holds the corpora.")


def named(words: str, asks: "Asks", data: Path | None, held: Collection[str] = ()) -> "list[Task]":
    """Return the tasks that `--tasks` names.

    Args:
        words: names with commas between; the first part of names with dots, such as `esconv`, or a corpus,
            stands for all of those, and `all` for every task whose data are here. Any other word that is a
            file or folder is a task of one's own annotated dialogues, where a plan is asked for.
        asks: what they must ask for.
        data: folder with the corpora.
        held: names of tasks whose items are here already, so that their files need not be.

    Raises:
        ConfigurationError: there is no such task or file, it asks for something else, or `all` finds none.
    """
    from skillofmind.evals.choosing import has_corpus
    from skillofmind.evals.tasks import TASKS

    fitting = [task for task in TASKS.values() if task.asks == asks]
    if words.strip() == "all":
        found = [task for task in fitting if not task.official and has_corpus(task, data)]
        if not found:
            raise ConfigurationError(
                f"no task for a {asks} has its data in {str(data)!r}; `som eval tasks` says what each reads."
            )
        return found
    split = [word.strip() for word in words.split(",")]
    # All files at once: their names depend on each other.
    own = _own([word for word in split if not _packaged(word, fitting)], held) if asks == "plan" else {}
    one_by_one = [
        task
        for word in split
        for task in ([own[word]] if word in own else _packaged(word, fitting) or [_refused(word, asks)])
    ]
    return list({task.name: task for task in one_by_one}.values())


def _packaged(word: str, fitting: "Sequence[Task]") -> "list[Task]":
    """Return the tasks of the package that a word stands for."""
    exact = [one for one in fitting if one.name == word]
    if exact or not word:
        return exact
    return [
        one for one in fitting if not one.official and (one.name.startswith(f"{word}.") or one.corpus == word)
    ]


def _own(words: Sequence[str], held: Collection[str]) -> "dict[str, Task]":
    """Return the tasks of the words that are files, or names of such tasks.

    Raises:
        ConfigurationError: a word can only be a path, and nothing is there.
    """
    from skillofmind.evals.tasks.own import own_known, own_tasks

    known = {word: task for word in words if (task := own_known(word))}
    paths = {word: Path(word) for word in words if word and word not in known}
    tasks = own_tasks(list(paths.values()))
    for word, path in paths.items():
        if os.path.exists(word) or tasks[path].name in held:
            known[word] = tasks[path]
        elif _is_path(word):
            raise ConfigurationError(
                f"--tasks {word!r} is no task, and no such file or folder is there; `som eval tasks` lists "
                "the tasks."
            )
    return known


def _is_path(word: str) -> bool:
    """Say whether a word can be no name of a task."""
    return "/" in word or os.sep in word or word[0] in ".~" or word.lower().endswith(_ENDINGS)


def _refused(word: str, asks: str) -> "Task":
    """Say why a word stands for no task.

    Raises:
        ConfigurationError: always.
    """
    from skillofmind.evals.tasks import task

    other = task(word)
    raise ConfigurationError(
        f"the task {word!r} asks for a {other.asks}, not for a {asks}; "
        f"use `som eval {'replies' if other.asks == 'reply' else 'plans'}`."
    )


def _print_json(tasks: "Sequence[Task]", data: Path | None) -> None:
    import msgspec

    from skillofmind.evals.choosing import has_corpus

    for task in tasks:
        row = {
            "name": task.name,
            "about": task.about,
            "asks": task.asks,
            "corpus": task.corpus,
            "slices": task.slices,
            "official": task.official,
            "here": has_corpus(task, data),
        }
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")


def _print_table(tasks: "Sequence[Task]", data: Path | None) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from skillofmind.cli.show import console
    from skillofmind.evals.choosing import has_corpus

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("task", "corpus", "asks", "here", "what is asked"):
        table.add_column(head, overflow="fold")
    for task in tasks:
        about = f"{task.about} (official)" if task.official else task.about
        here = Text("yes", style="green") if has_corpus(task, data) else Text("no", style="dim")
        table.add_row(task.name, task.corpus or "package", task.asks, here, about)
    console(sys.stdout).print(table)
    if data is None:
        sys.stderr.write("som: --data FOLDER shows which corpora are here.\n")
