"""Numbers and words as they stand in a table, the same in Markdown and at a terminal."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skillofmind.evals.records import Cell, Difference, Estimate, Result, Summary

WORST = 10
"""Slices that are named as the worst ones."""


class Line(NamedTuple):
    """One measure of a task and arm in every run.

    Attributes:
        measure: its name, with an arrow that says which way it improves.
        estimates: in the order of the runs; `None` where a run does not have it.
    """

    measure: str
    estimates: tuple[Estimate | None, ...]


class Slice(NamedTuple):
    """A slice that is worse than the whole.

    Attributes:
        run: name of the run.
        task: task, with the arm behind it.
        slice: dimension and value.
        whole: the estimate of all cases.
        part: the estimate of the slice.
    """

    run: str
    task: str
    slice: str
    whole: Estimate
    part: Estimate


def number(value: Cell) -> str:
    """Return a cell; fractions with three digits behind the point, or three significant ones where small."""
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else value
    if value.is_integer() and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.3g}" if 0 < abs(value) < 0.001 else f"{value:,.3f}"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return `value [low, high]`."""
    ends = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return number(value) + ends


def arrow(better: str) -> str:
    """Return which way is better, as an arrow."""
    return {"higher": " ↑", "lower": " ↓"}.get(better, "")


def place(result: Result) -> str:
    """Return a task, with the arm behind it."""
    return f"{result.task} · {result.arm}" if result.arm else result.task


def places(summaries: Sequence[Summary]) -> Iterator[tuple[str, tuple[Result | None, ...]]]:
    """Yield each task and arm with its result in every run."""
    tables = [{(one.task, one.arm): one for one in summary.results} for summary in summaries]
    for key in dict.fromkeys(key for table in tables for key in table):
        found = tuple(table.get(key) for table in tables)
        yield next(place(one) for one in found if one is not None), found


def lines(results: Sequence[Result | None]) -> Iterator[Line]:
    """Yield the measures of one task and arm."""
    tables = [{one.measure: one for one in result.estimates} if result else {} for result in results]
    for measure in dict.fromkeys(name for table in tables for name in table):
        found = tuple(table.get(measure) for table in tables)
        better = next(one.better for one in found if one is not None)
        yield Line(measure + arrow(better), found)


def worst_slices(names: Sequence[str], summaries: Sequence[Summary]) -> list[Slice]:
    """Return the slices that are worse than the whole beyond their interval, by the first measure."""
    found = [
        Slice(name, place(result), f"{dimension}: {value}", result.estimates[0], parts[0])
        for name, summary in zip(names, summaries, strict=True)
        for result in summary.results
        if result.estimates
        for dimension, values in result.slices.items()
        for value, parts in values.items()
        if parts and is_worse(parts[0], result.estimates[0])
    ]
    return sorted(found, key=lambda one: -abs((one.part.value or 0.0) - (one.whole.value or 0.0)))[:WORST]


def is_worse(part: Estimate, whole: Estimate) -> bool:
    """Say whether the whole interval of a slice lies on the worse side of the value of all cases."""
    if part.measure != whole.measure or whole.value is None or part.low is None or part.high is None:
        return False
    return (
        part.high < whole.value
        if part.better == "higher"
        else part.better == "lower" and part.low > whole.value
    )


def all_differences(summaries: Sequence[Summary], between: Sequence[Difference]) -> list[Difference]:
    """Return differences between runs and then those between arms."""
    return [*between, *(one for summary in summaries for one in summary.differences)]
