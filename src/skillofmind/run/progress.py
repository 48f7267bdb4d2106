"""How far a long command is: a bar on a terminal, a plain line now and then anywhere else.

    with Progress(200, "annotate") as progress:
        for row in rows:
            progress.advance(1, ok=1)

A plain line reads `annotate: 40/200, 12.5/s, 13 s left, ok 38, failed 2`; there is at most one every 5
seconds, and one at the end. It goes to standard error, so that output can be piped.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

LINE_SECONDS = 5.0
"""Shortest time between two plain lines."""

BAR_SECONDS = 0.1
"""Shortest time between two changes of the bar; thousands of quick items would pay for each."""


class Progress:
    """Progress of one command; a context manager.

    Attributes:
        total: items in all; `None` where unknown.
        done: items done, those of an earlier part of the run included.
        counts: items by kind.
        note: further words to show, such as what was spent.
    """

    def __init__(
        self,
        total: int | None,
        label: str,
        stream: TextIO | None = None,
        *,
        done: int = 0,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is shown before the block is entered.

        Args:
            total: items in all; `None` where unknown.
            label: what is being done.
            stream: where to write; standard error if `None`.
            done: items that were done before; they do not count in the rate.
            quiet: show nothing.
            clock: monotonic seconds.
        """
        self.total = total
        self.done = done
        self.counts: Counter[str] = Counter()
        self.note = ""
        self._label = label
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._clock = clock
        self._before = done
        self._start = self._last_line = clock()
        self._bar: tuple[Bar, TaskID] | None = None

    def advance(self, n: int = 1, **counts: int) -> None:
        """Say that `n` more items are done, so many of each kind in `counts`."""
        self.done += n
        self.counts.update(counts)
        if self._quiet:
            return
        pause = BAR_SECONDS if self._bar is not None else LINE_SECONDS
        if self._clock() - self._last_line >= pause:
            self._tell()

    def line(self) -> str:
        """Return the plain line as of now."""
        seconds = self._clock() - self._start
        rate = (self.done - self._before) / seconds if seconds > 0 else 0.0
        parts = [f"{self._label}: {self.done}" + ("" if self.total is None else f"/{self.total}")]
        if rate > 0:
            parts.append(f"{rate:.3g}/s")
        if rate > 0 and self.total is not None and self.total > self.done:
            parts.append(f"{_duration((self.total - self.done) / rate)} left")
        return ", ".join([*parts, *self._extras()])

    def _extras(self) -> list[str]:
        return [*(f"{kind} {count}" for kind, count in self.counts.items()), *filter(None, [self.note])]

    def __enter__(self) -> Self:
        self._start = self._last_line = self._clock()
        if not self._quiet and self._stream.isatty():
            self._bar = _start_bar(self._label, self.total, self.done, self._stream)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._quiet:
            self._tell()
        if self._bar is not None:
            self._bar[0].stop()

    def _tell(self) -> None:
        self._last_line = self._clock()
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self.done, counts=", ".join(self._extras()))
            return
        self._stream.write(self.line() + "\n")
        self._stream.flush()


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"


def _start_bar(label: str, total: int | None, done: int, stream: TextIO) -> "tuple[Bar, TaskID]":
    # Imported here: rich takes time to load, and most runs are not on a terminal.
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[counts]}", markup=False),
        console=Console(file=stream),
    )
    task = bar.add_task(label, total=total, completed=done, counts="")
    bar.start()
    return bar, task
