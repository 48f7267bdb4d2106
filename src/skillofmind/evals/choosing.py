"""Which items of a task are asked: all, or some that are drawn once and for all.

An id is drawn by a digest of the seed, the task and itself. So the draw depends neither on the order of the
corpus nor on other tasks, a smaller draw is part of a larger one with the same seed, and all arms of an id
are drawn together.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.evals.records import Item
from skillofmind.evals.task import Task

Watch = Callable[[Iterator[Item], str], Iterable[Item]]
"""Passes items on, and shows how far it is."""


def chosen(items: Iterable[Item], n: int, seed: int) -> list[Item]:
    """Return the items of `n` ids of one task, in their order; all of them where `n` is 0.

    Args:
        items: of one task.
        n: how many ids; there may be fewer.
        seed: of the draw.
    """
    if n <= 0:
        return list(items)
    kept: dict[str, list[tuple[int, Item]]] = {}
    drawn: list[tuple[int, str]] = []
    for index, item in enumerate(items):
        if item.id in kept:
            kept[item.id].append((index, item))
            continue
        place = (-_rank(item, seed), item.id)
        if len(drawn) < n:
            heapq.heappush(drawn, place)
        elif place > drawn[0]:
            # What falls out of the draw stays out, its other arms too: the bar only rises.
            del kept[heapq.heapreplace(drawn, place)[1]]
        else:
            continue
        kept[item.id] = [(index, item)]
    return [item for _, item in sorted((entry for those in kept.values() for entry in those), key=_index)]


def items_of(
    tasks: Sequence[Task],
    data: Path | None,
    n: int,
    seed: int,
    watch: Watch | None = None,
    *,
    may_be_empty: bool = False,
) -> list[Item]:
    """Return the items of several tasks, `n` ids of each.

    Args:
        tasks: in the order of the result.
        data: the folder with the corpora.
        n: ids a task; 0 is all.
        seed: of the draw.
        watch: is passed each task's items with what is being done, to show progress.
        may_be_empty: a task may find no items in its corpus; without it that is an error.

    Raises:
        ConfigurationError: `data` is missing, and a task reads a corpus.
        DataError: a corpus is not there, or cannot be read; or a task has no items.
    """
    for task in tasks:
        require_corpus(task, data)
    found: list[Item] = []
    for task in tasks:
        items = task.items(data or Path())
        those = chosen(watch(items, f"read {task.name}") if watch else items, n, seed)
        if not those and not may_be_empty:
            raise DataError(_no_items(task, data))
        found += those
    return found


def has_corpus(task: Task, data: Path | None) -> bool:
    """Say whether the corpus of a task is there."""
    return not task.corpus or (data is not None and (data / task.corpus).exists())


def require_corpus(task: Task, data: Path | None) -> None:
    """Refuse to go on without the corpus of a task.

    Raises:
        ConfigurationError: no folder is named.
        DataError: the corpus is not in it.
    """
    if has_corpus(task, data):
        return
    if data is None:
        raise ConfigurationError(
            f"the task {task.name!r} reads the corpus {task.corpus!r}; add --data FOLDER, the folder that "
            "holds it."
        )
    raise DataError(
        f"the task {task.name!r} reads {str(data / task.corpus)!r}, which is not there; put the corpus "
        f"{task.corpus!r} into {str(data)!r}, give another --data, or leave the task out "
        f"(`som eval tasks --data {data}` shows which have theirs)."
    )


def _no_items(task: Task, data: Path | None) -> str:
    if not task.corpus:
        return (
            f"the task {task.name!r} found no items: none of its dialogues has what is asked for, such as an "
            "annotated turn after the first; leave the task out."
        )
    return (
        f"the task {task.name!r} found no items in {str(data)!r}, which may hold only a part of its corpus; "
        "leave the task out."
    )


def _rank(item: Item, seed: int) -> int:
    digest = blake2b(f"{seed}/{item.task}/{item.id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _index(entry: tuple[int, Item]) -> int:
    return entry[0]
