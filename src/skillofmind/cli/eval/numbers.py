"""What an evaluation tells a person at a terminal: how far it is, its numbers, how it ended."""

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from skillofmind.cli.main import interrupted
from skillofmind.cli.printable import printable
from skillofmind.evals.records import Case, Cell, Difference, Estimate, Result, Summary, Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Shown

    from skillofmind.evals.records import Answer
    from skillofmind.evals.runner import Ended
    from skillofmind.run.progress import Progress

_MOST_ROWS = 40
_MOST_RESULTS = 3
"""Results of a run that are shown in full; of more, each has one line."""


def counting(progress: "Progress") -> "Callable[[Answer], None]":
    """Return what moves the progress on by one answer."""

    def count(answer: "Answer") -> None:
        progress.advance(1, **{"answered" if answer.error is None else "failed": 1})

    return count


def tell_end(endings: "Sequence[Ended]", words: Sequence[str]) -> int:
    """Say what is missing and how to go on, and return the exit code.

    Args:
        endings: of everything that was asked.
        words: the command as it was given, behind `som`.
    """
    left = False
    for ended in endings:
        if ended.why:
            sys.stderr.write(f"som: stopped early: {printable(ended.why)}\n")
        if ended.failed:
            sys.stderr.write(f"som: {ended.failed} of {ended.items} items failed; they count as missing.\n")
        if ended.unasked:
            done = ended.items - ended.unasked
            sys.stderr.write(f"som: {done} of {ended.items} items are answered and kept.\n")
        left = left or bool(ended.unasked or ended.failed)
    if left:
        sys.stderr.write(f"som: to go on: {printable(shlex.join(['som', *words]))}\n")
    if left and any(ended.interrupted for ended in endings):
        return interrupted()
    return int(left)


def show_summary(out: "Console", name: str, summary: Summary, *, tables: bool = False) -> None:
    """Print the results of a run, its differences between arms and its notes.

    Args:
        out: where to.
        name: of the run.
        summary: its numbers.
        tables: print everything, with further tables and slices.
    """
    planner = summary.settings.get("identity") or summary.settings.get("planner", "")
    _heading(out, f"{name}  {planner}".strip())
    if len(summary.results) > _MOST_RESULTS and not tables:
        _show_overview(out, summary.results)
    else:
        for result in summary.results:
            _show_result(out, result, tables)
    if summary.differences:
        show_differences(out, "Differences between arms", summary.differences)
    show_notes(out, summary.notes)


def show_side_by_side(out: "Console", names: Sequence[str], summaries: Sequence[Summary]) -> None:
    """Print the results of several runs, a column for each."""
    keys = dict.fromkeys((result.task, result.arm) for summary in summaries for result in summary.results)
    by_run = [{(one.task, one.arm): one for one in summary.results} for summary in summaries]
    for task, arm in keys:
        found = [results.get((task, arm)) for results in by_run]
        about = next(result.about for result in found if result is not None)
        _heading(out, f"{_of_arm(task, arm)}  {about}")
        table = _table("measure", *(printable(name) for name in names))
        table.add_row("items", *("–" if one is None else _items(one) for one in found), style="dim")
        for measure in dict.fromkeys(one.measure for result in found if result for one in result.estimates):
            table.add_row(measure, *(_with_interval(_estimate(result, measure)) for result in found))
        out.print(table)


def show_differences(out: "Console", title: str, differences: Iterable[Difference]) -> None:
    """Print paired differences with intervals and corrected p-values."""
    _heading(out, title)
    table = _table("task", "measure", "from → to", "difference", "95 %", "p", "Holm", "n")
    for one in differences:
        strong = one.adjusted is not None and one.adjusted < 0.05
        table.add_row(
            one.task,
            one.measure,
            printable(f"{one.first or 'plain'} → {one.second or 'plain'}"),
            _signed(one.value),
            _interval(one.low, one.high, signed=True),
            _p(one.p),
            _p(one.adjusted),
            str(one.n),
            style="bold" if strong else None,
        )
    out.print(table)


def show_notes(out: "Console", notes: Iterable[str]) -> None:
    """Print what a reader has to know."""
    from rich.text import Text

    for note in notes:
        out.print(Text(printable(f"note: {note}"), style="yellow"))


def show_case(out: "Console", case: Case) -> None:
    """Print one case: what was seen, what is right, what was answered, and its scores."""
    from rich.text import Text

    from skillofmind.cli.show import show_dialogue, show_lines, show_plan
    from skillofmind.mind.taxonomy import load_taxonomy

    show_dialogue(out, case.item.dialogue, f"{case.item.key}  {_facts(case)}".strip())
    gold = case.item.gold
    rights = {
        "right skill": ", ".join(gold.skills),
        "also accepted": ", ".join(gold.accept),
        "right class": gold.label,
        "explanation of the gold": gold.explanation,
        "said": gold.reply,
    }
    for name, value in rights.items():
        if value:
            show_lines(out, Text.assemble((f"{name}: ", "bold"), printable(" ".join(value.split()))), 4)
    if case.answer.error is not None:
        show_lines(out, Text(printable(f"failed: {case.answer.error}"), style="red"), 4)
    if case.answer.reply:
        said = printable(" ".join(case.answer.reply.split()))
        show_lines(out, Text.assemble(("answered: ", "bold green"), said), 4)
    scores = ", ".join(f"{name} {_number(value)}" for name, value in case.scores.items() if value is not None)
    if scores:
        show_lines(out, Text(f"scores: {scores}", style="dim"), 4)
    if case.answer.plan is not None:
        show_plan(out, case.item.dialogue, case.answer.plan, load_taxonomy())
    else:
        out.print()


def _facts(case: Case) -> str:
    return ", ".join(f"{name}={value}" for name, value in case.item.slices.items())


def _show_overview(out: "Console", results: Sequence[Result]) -> None:
    """Print the first measure of every result that has a value."""
    table = _table("task", "measure", "value", "95 %", "n", "failed")
    for result in results:
        one = next((each for each in result.estimates if each.n), None)
        if one is None:
            table.add_row(_of_arm(result.task, result.arm), "–", "–", "", "0", str(result.failed or ""))
            continue
        interval, failed = _interval(one.low, one.high), str(result.failed or "")
        table.add_row(
            _of_arm(result.task, result.arm), one.measure, _number(one.value), interval, str(one.n), failed
        )
    out.print(table)
    out.print("`som eval show RUN --task NAME` prints all measures of a task, `--tables` everything.")


def _show_result(out: "Console", result: Result, tables: bool) -> None:
    _heading(out, f"{_of_arm(result.task, result.arm)}  {result.about}")
    shown = _table("measure", "value", "95 %", "n", "missing")
    for one in result.estimates:
        if one.n:
            missing = str(one.missing) if one.missing else ""
            shown.add_row(one.measure, _number(one.value), _interval(one.low, one.high), str(one.n), missing)
    shown.caption = f"{_items(result)}, {result.groups} dialogues or groups"
    shown.caption_justify = "left"
    out.print(shown)
    if tables:
        for table in result.tables:
            show_table(out, table)
        for dimension, values in result.slices.items():
            _show_slices(out, dimension, values)


def show_table(out: "Console", table: Table, most: int = _MOST_ROWS, elsewhere: str = "") -> None:
    """Print the first rows of a table.

    Args:
        out: where to.
        table: its title, rows and remark.
        most: rows that are printed.
        elsewhere: where the others are, such as ` in audits.json`.
    """
    shown = _table(*table.columns)
    shown.title, shown.title_justify = printable(table.title), "left"
    shown.caption, shown.caption_justify = printable(table.about), "left"
    for row in table.rows[:most]:
        shown.add_row(*(printable(_cell(cell)) for cell in row))
    out.print(shown)
    if len(table.rows) > most:
        out.print(f"  … {len(table.rows) - most} more rows{elsewhere}")


def _show_slices(out: "Console", dimension: str, values: dict[str, tuple[Estimate, ...]]) -> None:
    first = next(iter(values.values()))[:3]
    shown = _table(dimension, *(one.measure for one in first), "n")
    for value, found in values.items():
        cells = [_with_interval(one) for one in found[:3]]
        shown.add_row(printable(value), *cells, str(max((one.n for one in found), default=0)))
    out.print(shown)


def _heading(out: "Console", text: str) -> None:
    from rich.rule import Rule
    from rich.text import Text

    out.print(Rule(Text(printable(text), style="bold"), align="left", characters="─"))


def _table(*heads: str) -> "Shown":
    from rich import box
    from rich.table import Table as Shown

    table = Shown(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _of_arm(task: str, arm: str) -> str:
    return f"{task} ({arm})" if arm else task


def _items(result: Result) -> str:
    return f"{result.items} items" + (f", {result.failed} failed" if result.failed else "")


def _estimate(result: Result | None, measure: str) -> Estimate | None:
    return next((one for one in result.estimates if one.measure == measure), None) if result else None


def _with_interval(one: Estimate | None) -> str:
    if one is None or one.value is None:
        return "–"
    return f"{_number(one.value)} {_interval(one.low, one.high)}".strip()


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    if low is None or high is None:
        return ""
    shown = _signed if signed else _number
    return f"[{shown(low)}, {shown(high)}]"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _cell(cell: Cell) -> str:
    if isinstance(cell, float):
        return _number(cell)
    return "–" if cell is None else str(cell)
