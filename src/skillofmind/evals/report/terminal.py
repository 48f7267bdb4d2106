"""The numbers of runs as a table for a terminal."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from skillofmind.evals.records import Summary
from skillofmind.evals.report.cells import lines, places, with_interval

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def terminal_table(runs: Sequence[tuple[str, Summary]], most: int | None = None) -> "RichTable":
    """Return what rich prints: a row for each task, arm and measure, a column for each run.

    Args:
        runs: names and numbers.
        most: how many measures of a task and arm are shown, from the first on; all of them without it.
    """
    from rich.table import Table
    from rich.text import Text

    names, summaries = [name for name, _ in runs], [summary for _, summary in runs]
    table = Table(box=None, pad_edge=False, show_edge=False)
    for head in ("task", "measure"):
        table.add_column(head, overflow="fold")
    for head in ("n", *names):
        table.add_column(Text(plain(head)), justify="right", no_wrap=head == "n")
    for where, results in places(summaries):
        shown = where
        for line in islice(lines(results), most):
            count = max(one.n for one in line.estimates if one is not None)
            values = [with_interval(one.value, one.low, one.high) if one else "–" for one in line.estimates]
            table.add_row(*(Text(plain(cell)) for cell in (shown, line.measure, f"{count:,}", *values)))
            shown = ""
    return table


def plain(text: str) -> str:
    """Return text without characters that could move the cursor or colour the screen."""
    return "".join(char if char.isprintable() else "�" for char in text)
