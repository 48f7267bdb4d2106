"""Counters of all worker processes in one piece of shared memory, and their sum as Prometheus text.

The memory is made before the processes are. Each one adds in a row of its own, so no lock is needed, and
whichever process is asked sums the rows. A process that is started anew goes on in the row of the one that
ended, so counters never fall.
"""

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple, get_args

from skillofmind.core.completion import Usage
from skillofmind.mind.inject import Reason

STATUSES = (200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 417, 422, 429, 499, 500, 502, 503, 504, 0)
"""Statuses with a counter of their own; 499 is a client that left, 0 is any other."""

OUTCOMES = tuple(reason or "planned" for reason in get_args(Reason))
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the histograms."""

_REQUESTS = "requests by status; 499: the client left"
_PLANS = "chat requests by what came of planning"
_COUNTED = "tokens that models counted"
_HISTOGRAMS = ("request", "plan", "first_byte")
_TOKENS = tuple((part, kind) for part in ("plan", "answer") for kind in ("prompt", "completion"))


class _Series(NamedTuple):
    name: str
    labels: str
    kind: str
    help: str


def _layout() -> Iterator[_Series]:
    """Yield what each place in a row counts."""
    yield _Series("in_flight", "", "gauge", "requests being answered now")
    for status in STATUSES:
        shown = str(status or "other")
        yield _Series("requests_total", f'status="{shown}"', "counter", _REQUESTS)
    for outcome in OUTCOMES:
        yield _Series("plans_total", f'outcome="{outcome}"', "counter", _PLANS)
    for part, kind in _TOKENS:
        yield _Series("tokens_total", f'part="{part}",kind="{kind}"', "counter", _COUNTED)
    for name in _HISTOGRAMS:
        for bound in (*map(str, SECONDS), "+Inf"):
            yield _Series(f"{name}_seconds_bucket", f'le="{bound}"', "histogram", _HELP[name])
        yield _Series(f"{name}_seconds_sum", "", "histogram", _HELP[name])
        yield _Series(f"{name}_seconds_count", "", "histogram", _HELP[name])


_HELP = {
    "request": "seconds from the head of a request to the end of its reply",
    "plan": "seconds that planning took",
    "first_byte": "seconds from the head of a request to the first byte of a streamed answer",
}
_SERIES = tuple(_layout())
_PLACE = {(series.name, series.labels): place for place, series in enumerate(_SERIES)}
_STATUS = {status: _PLACE["requests_total", f'status="{status or "other"}"'] for status in STATUSES}
_OUTCOME = {outcome: _PLACE["plans_total", f'outcome="{outcome}"'] for outcome in OUTCOMES}
_TOKEN = {pair: _PLACE["tokens_total", f'part="{pair[0]}",kind="{pair[1]}"'] for pair in _TOKENS}
_FIRST = {name: _PLACE[f"{name}_seconds_bucket", f'le="{SECONDS[0]}"'] for name in _HISTOGRAMS}
_WIDTH = len(_SERIES)


class Metrics:
    """The shared memory of all workers."""

    def __init__(self, workers: int = 1) -> None:
        """Make room for `workers` rows; to be called before the processes part."""
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, workers * _WIDTH * 8)).cast("d")

    def row(self, worker: int = 0) -> "Row":
        """Return the row of a worker, with nothing in flight."""
        row = Row(self._cells[worker * _WIDTH : (worker + 1) * _WIDTH])
        row.reset_gauges()
        return row

    def text(self) -> str:
        """Return the sums in the text format of Prometheus."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        named = ""
        for place, series in enumerate(_SERIES):
            total = sum(self._cells[worker * _WIDTH + place] for worker in range(self._workers))
            family = series.name
            for end in ("_bucket", "_sum", "_count"):
                family = family.removesuffix(end) if series.kind == "histogram" else family
            if family != named:
                named = family
                yield f"# HELP skillofmind_{family} {series.help}\n"
                yield f"# TYPE skillofmind_{family} {series.kind}\n"
            labels = f"{{{series.labels}}}" if series.labels else ""
            yield f"skillofmind_{series.name}{labels} {total:.10g}\n"


class Row:
    """What one process counts."""

    def __init__(self, cells: "memoryview[float]") -> None:
        self._cells = cells

    def reset_gauges(self) -> None:
        """Forget what was in flight in a process that ended."""
        self._cells[0] = 0.0

    def entered(self) -> None:
        """Count a request that begins."""
        self._cells[0] += 1

    def left(self, status: int, seconds: float) -> None:
        """Count a request that ended."""
        self._cells[0] -= 1
        self._cells[_STATUS.get(status, _STATUS[0])] += 1
        self._observe("request", seconds)

    def planned(self, reason: Reason, seconds: float | None) -> None:
        """Count what came of planning, and how long it took where it was tried."""
        self._cells[_OUTCOME[reason or "planned"]] += 1
        if seconds is not None:
            self._observe("plan", seconds)

    def first_byte(self, seconds: float) -> None:
        """Count the delay of a stream."""
        self._observe("first_byte", seconds)

    def tokens(self, plan: Usage, answer: Usage) -> None:
        """Count tokens."""
        for part, usage in (("plan", plan), ("answer", answer)):
            self._cells[_TOKEN[part, "prompt"]] += usage.prompt_tokens
            self._cells[_TOKEN[part, "completion"]] += usage.completion_tokens

    def _observe(self, name: str, seconds: float) -> None:
        first, last = _FIRST[name], len(SECONDS)
        for place in range(first + bisect_left(SECONDS, seconds), first + last + 1):
            self._cells[place] += 1
        self._cells[first + last + 1] += seconds
        self._cells[first + last + 2] += 1


def value(text: str, name: str, labels: str = "") -> float:
    """Return one value of Prometheus text, for checks.

    Raises:
        KeyError: it is not there.
    """
    series = f"skillofmind_{name}{{{labels}}} " if labels else f"skillofmind_{name} "
    return _found(text.splitlines(), series)


def _found(lines: Iterable[str], series: str) -> float:
    for line in lines:
        if line.startswith(series):
            return float(line.removeprefix(series))
    raise KeyError(series)
