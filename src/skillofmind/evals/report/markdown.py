"""The report as Markdown, short enough to be read on a code host."""

import re
from collections.abc import Iterator, Sequence

from skillofmind.evals.records import Cell, Difference, Result, Summary, Table
from skillofmind.evals.report.cells import (
    all_differences,
    lines,
    number,
    places,
    with_interval,
    worst_slices,
)

_MOST_ROWS = 20
_TESTED = (
    "Second minus first, on the same items. p by permutation of whole dialogues; Holm's correction by task."
)
_WORSE = "Slices whose whole interval is worse than the value of all cases, by the task's first measure."
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~$&])")


def markdown(names: Sequence[str], summaries: Sequence[Summary], between: Sequence[Difference]) -> str:
    """Return the numbers of runs side by side, with intervals."""
    parts = [
        f"# Evaluation of {', '.join(map(shown, names))}",
        "Values with 95 % intervals, from resampling whole dialogues. ↑ more is better, ↓ less is better.",
        *_notes(summaries),
        *(part for where, results in places(summaries) for part in _task(names, where, results)),
        *_differences(all_differences(summaries, between)),
        *_slices(names, summaries),
        *_settings(names, summaries),
    ]
    return "\n\n".join(parts) + "\n"


def shown(cell: Cell) -> str:
    """Return a cell as Markdown that shows its text and does nothing else."""
    return _MARKUP.sub(r"\\\1", " ".join(number(cell).split()))


def _notes(summaries: Sequence[Summary]) -> list[str]:
    notes = dict.fromkeys(note for summary in summaries for note in summary.notes)
    return ["\n".join(f"- {shown(note)}" for note in notes)] if notes else []


def _task(names: Sequence[str], where: str, results: Sequence[Result | None]) -> Iterator[str]:
    there = [result for result in results if result is not None]
    first = there[0]
    yield f"## {shown(where)}"
    failed = sum(result.failed for result in there)
    size = f"{first.items:,} items of {first.groups:,} dialogues" + (f", {failed:,} failed" if failed else "")
    yield f"{shown(first.about)} ({size})" if first.about else f"({size})"
    rows: list[tuple[Cell, ...]] = []
    for line in lines(results):
        counted = [one.n for one in line.estimates if one is not None]
        values = [with_interval(one.value, one.low, one.high) if one else "–" for one in line.estimates]
        rows.append((line.measure, max(counted), *values))
    if rows:
        yield _table(("measure", "n", *names), rows, right=1)
    yield from (part for result in there[:1] for table in result.tables for part in _further(table))


def _further(table: Table) -> Iterator[str]:
    """Yield a further table, folded; a long one stands in the page only."""
    if 0 < len(table.rows) <= _MOST_ROWS:
        about = f"{shown(table.about)}\n\n" if table.about else ""
        body = _table(table.columns, table.rows, right=1)
        yield f"<details><summary>{shown(table.title)}</summary>\n\n{about}{body}\n\n</details>"


def _differences(found: Sequence[Difference]) -> Iterator[str]:
    if not found:
        return
    yield "## Differences"
    yield _TESTED
    rows = [
        (
            one.task,
            one.measure,
            f"{one.second} − {one.first}",
            one.n,
            with_interval(one.value, one.low, one.high),
            _p(one.p),
            _p(one.adjusted),
        )
        for one in found
    ]
    yield _table(("task", "measure", "difference", "n", "value", "p", "Holm"), rows, right=3)


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _slices(names: Sequence[str], summaries: Sequence[Summary]) -> Iterator[str]:
    found = worst_slices(names, summaries)
    if not found:
        return
    yield "## Where it is worst"
    yield _WORSE
    rows = [
        (
            one.run,
            one.task,
            one.slice,
            one.part.measure,
            one.part.n,
            with_interval(one.part.value, one.part.low, one.part.high),
            one.whole.value,
        )
        for one in found
    ]
    yield _table(("run", "task", "slice", "measure", "n", "slice's value", "all cases"), rows, right=4)


def _settings(names: Sequence[str], summaries: Sequence[Summary]) -> Iterator[str]:
    yield "## Settings"
    keys = dict.fromkeys(key for summary in summaries for key in summary.settings)
    rows = [(key, *(summary.settings.get(key) for summary in summaries)) for key in keys]
    rows.append(("skillofmind", *(summary.version for summary in summaries)))
    yield _table(("setting", *names), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], right: int | None = None) -> str:
    """Return a table; columns from `right` on are flush right."""
    rules = ["---:" if right is not None and place >= right else "---" for place in range(len(columns))]
    body = [[shown(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [[*map(shown, columns)], rules, *body])
