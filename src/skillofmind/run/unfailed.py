"""The store of a run that can be started again: what failed is kept, and tried once more the next time.

    store = Unfailed(run.log("log"), keys, Answer, has_failed)
    await run_batch(rows, ask, store, concurrency=8)
    answers = [answer for answer in store.latest()]

A result that failed is in the log like any other, so nothing is hidden; but `has` denies it from the next
start on, so that a batch takes the item again. The last result of a key counts.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import msgspec

from skillofmind.run.log import AppendLog, read_log_as

R = TypeVar("R")


class Unfailed(Generic[R]):
    """Results of one kind in the log of a run.

    Attributes:
        settled: how many keys an earlier start brought to an end without failing.
        failed: keys whose last result failed, in an earlier start.
    """

    def __init__(
        self,
        log: AppendLog,
        keys: Callable[[], Iterable[str]],
        kind: type[R],
        failed: Callable[[R], bool],
    ) -> None:
        """Read what the log holds.

        Args:
            log: of the run.
            keys: gives the keys of all items, in their order, as often as it is called.
            kind: of a result.
            failed: says whether a result is to be tried again.

        Raises:
            DataError: the log holds something else.
        """
        self._log, self._keys, self._kind = log, keys, kind
        last = {key: failed(value) for key, value in read_log_as(log.path, kind)}
        self._settled = {key for key in keys() if last.get(key) is False}
        self.settled = len(self._settled)
        self.failed = {key for key, again in last.items() if again}

    def append(self, key: str, value: R) -> None:
        """Keep a result, also one that failed before; failing in the very same way again adds no line."""
        if not (self._log.has(key) and self.get(key) == value):
            self._log.append(key, value)

    def read(self) -> Iterator[tuple[str, Any]]:
        """Yield all records in the order written."""
        return self._log.read()

    def has(self, key: str) -> bool:
        """Say whether an earlier start brought `key` to an end without failing."""
        return key in self._settled

    def get(self, key: str) -> R:
        """Return the last result of `key`.

        Raises:
            KeyError: there is none.
        """
        return msgspec.convert(self._log.get(key), self._kind)

    def latest(self) -> Iterator[R]:
        """Yield the last result of every key that has one, in the order of the keys."""
        return (self.get(key) for key in self._keys() if self._log.has(key))
