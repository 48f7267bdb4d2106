"""Every answer of every row, kept as soon as it is there: the store of an annotation run.

One record a row, the latest counts: all answers of the row so far, and whether the row is settled. Nothing
derived is kept. Labels, filters and counts are worked out from the answers whenever they are needed, so
another threshold or a better parser costs no call, and what was spent is the sum of what is here.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.record import Record
from skillofmind.mind.annotate.course import ASKED, Answer, Asked
from skillofmind.run.budget import Prices, Spent
from skillofmind.run.log import AppendLog


class Work(Record, frozen=True):
    """What was done for one row.

    Attributes:
        answers: in the order in which they came, failed ones included.
        settled: whether the row needs no further request.
    """

    answers: tuple[Answer, ...] = ()
    settled: bool = False

    def failed(self) -> bool:
        """Say whether the last request of the row got no answer; such a row is asked again on resuming."""
        return bool(self.answers) and self.answers[-1].error is not None

    def is_done(self) -> bool:
        """Say whether the row is settled and did not fail, so that nobody has to be asked."""
        return self.settled and not self.failed()


class Account(Record, frozen=True):
    """What the answers of some rows cost, by the model that was asked.

    Attributes:
        calls: attempts, failed ones included, cached answers not.
        usage: tokens of those calls.
        cached: answers that came from the cache.
        repairs: answers to repair requests.
    """

    calls: dict[Asked, int] = {}
    usage: dict[Asked, Usage] = {}
    cached: int = 0
    repairs: int = 0

    def plus(self, answers: Iterable[Answer]) -> "Account":
        """Return the account with these answers added."""
        calls, usage = dict(self.calls), dict(self.usage)
        cached, repairs = self.cached, self.repairs
        for answer in answers:
            asked = ASKED[answer.role]
            calls[asked] = calls.get(asked, 0) + answer.attempts
            usage[asked] = usage.get(asked, Usage()) + answer.usage
            cached += answer.cached
            repairs += answer.role in ("repair", "second_repair")
        return Account(calls, usage, cached, repairs)

    def spent(self, prices: Mapping[Asked, Prices]) -> Spent:
        """Return calls, tokens and money over all models."""
        return Spent(
            calls=sum(self.calls.values()),
            usage=sum(self.usage.values(), Usage()),
            money=sum(prices[asked].cost(usage) for asked, usage in self.usage.items() if asked in prices),
            cached=self.cached,
        )


class Ledger:
    """The store; keys are row ids."""

    def __init__(self, log: AppendLog) -> None:
        """Keep everything in `log`."""
        self._log = log

    def append(self, key: str, value: Work) -> None:
        """Keep the work of a row, in place of what was kept before.

        Raises:
            StorageError: the disk said no; what was kept before is intact.
        """
        self._log.append(key, value)

    def has(self, key: str) -> bool:
        """Say whether the row is settled; one whose last request failed is not."""
        return self.work(key).is_done()

    def work(self, key: str) -> Work:
        """Return what was done for a row; nothing for one that was never asked."""
        return msgspec.convert(self._log.get(key), Work) if self._log.has(key) else Work()

    def __len__(self) -> int:
        """Count the records, superseded ones included."""
        return len(self._log)

    def read(self) -> Iterator[tuple[str, Any]]:
        """Yield all records in the order written, superseded ones included."""
        return self._log.read()
