"""What a whole run will cost, from a sample of its rows.

The sample is drawn by the hash of the row's id, so it does not follow the order of the input, and the same
rows are drawn each time. Totals are the sample's mean a row times the number of rows, with a 95 % interval
from the normal approximation (with the correction for a sample without replacement). Rows of the sample are
asked for real and stay in the ledger: the run that follows does not pay for them again.
"""

import hashlib
import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from skillofmind.core.completion import Usage
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import ASKED, Answer, Asked, Course
from skillofmind.mind.dataset.files import Finish
from skillofmind.run.budget import Prices

_Z = 1.959963984540054

_SHOWN = 200
_LETTERS_A_TOKEN = (5.0, 4.0, 3.0)
_TOKENS_OUT = (60.0, 100.0, 250.0)


class Range(Record, frozen=True):
    """A total with its 95 % interval."""

    value: float
    low: float
    high: float


class Estimate(Record, frozen=True):
    """What the whole run will take.

    Attributes:
        rows: rows of the input.
        sampled: rows that were asked for it, those that got no answer left out.
        calls: calls, failed ones included.
        prompt_tokens: tokens in.
        completion_tokens: tokens out.
        money: their price; `None` without prices.
        currency: of the prices.
        spent: what the sample itself cost, which the run will not pay again.
    """

    rows: int
    sampled: int
    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    money: Range | None = None
    currency: str = ""
    spent: float | None = None


def sample_ids(rows: Iterable[Instance], size: int) -> frozenset[str]:
    """Return the ids of `size` rows, or of all where there are fewer."""
    ranked = ((hashlib.sha256(row.id.encode()).digest(), row.id) for row in rows)
    return frozenset(key for _, key in heapq.nsmallest(size, ranked))


def estimate(
    rows: int, works: Sequence[tuple[Answer, ...]], prices: Mapping[Asked, Prices], currency: str = ""
) -> Estimate:
    """Return what `rows` rows will take, given the answers of some of them.

    Args:
        rows: rows of the whole input.
        works: the answers of each row of the sample.
        prices: the model that is asked -> price of its tokens.
        currency: of the prices.
    """
    costs = [
        [prices[ASKED[one.role]].cost(one.usage) for one in work if ASKED[one.role] in prices]
        for work in works
    ]
    money = [math.fsum(cost) for cost in costs]
    return Estimate(
        rows,
        len(works),
        _total([float(sum(one.attempts for one in work)) for work in works], rows),
        _total([float(sum(one.usage.prompt_tokens for one in work)) for work in works], rows),
        _total([float(sum(one.usage.completion_tokens for one in work)) for work in works], rows),
        _total(money, rows) if prices else None,
        currency,
        math.fsum(money) if prices else None,
    )


def _total(values: Sequence[float], rows: int) -> Range:
    size = len(values)
    if size == 0:
        return Range(0.0, 0.0, math.inf if rows else 0.0)
    mean = math.fsum(values) / size
    if size == 1:
        return Range(rows * mean, 0.0 if rows > 1 else mean, math.inf if rows > 1 else mean)
    variance = math.fsum((value - mean) ** 2 for value in values) / (size - 1)
    left = max(0.0, 1.0 - size / rows) if rows else 0.0
    half = _Z * math.sqrt(variance / size * left) * rows
    return Range(rows * mean, max(math.fsum(values), rows * mean - half), rows * mean + half)


def rough_estimate(rows: Callable[[], Iterable[Instance]], course: Course, finish: Finish) -> Estimate:
    """Return what all rows will take, from the length of some requests; nothing is asked.

    A token is taken to be 3 to 5 characters, a reply 60 to 250 tokens: the replies of the Thanos annotation
    have about 90 (arXiv 2411.04496). A second teacher doubles both; repairs and the judge are not counted.
    """
    ids, sizes, count = sample_ids(rows(), _SHOWN), [], 0
    for row in rows():
        count += 1
        if row.id in ids:
            sizes.append(_letters(row, course))
    mean = math.fsum(sizes) / len(sizes) if sizes else 0.0
    teachers = 2 if course.second else 1
    tokens_in = [count * teachers * mean / letters for letters in _LETTERS_A_TOKEN]
    tokens_out = [count * teachers * tokens for tokens in _TOKENS_OUT]
    asked: list[Asked] = ["teacher", "second"] if course.second else ["teacher"]
    money = None
    if finish.prices:
        low, value, high = (
            math.fsum(
                finish.prices[one].cost(Usage(round(into / teachers), round(out / teachers))) for one in asked
            )
            for into, out in zip(tokens_in, tokens_out, strict=True)
        )
        money = Range(value, low, high)
    calls = float(count * teachers)
    return Estimate(
        count, 0, Range(calls, calls, calls), _range(tokens_in), _range(tokens_out), money, finish.currency
    )


def _range(values: Sequence[float]) -> Range:
    low, value, high = values
    return Range(value, low, high)


def _letters(row: Instance, course: Course) -> int:
    ask = course.next_ask(row, ())
    return 0 if ask is None else sum(len(message.text()) for message in ask.conversation.messages)
