"""`som study results`: what a study came to."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.table import Table

    from skillofmind.evals.study.outcome.records import CriterionResult, PairResult, StudyResults
    from skillofmind.scorers.agreement import Agreement, Alpha

_EPILOG = """\
Raters who pass less than --pass of their attention checks are left out, and named; 0 keeps everybody. Win
rates count a tie as half; their intervals and p-values draw whole dialogues, and p is corrected for all
comparisons (Holm). "seen from" is the smallest effect that so many dialogues show with 80 % power. The folder
may be served meanwhile. Needs the extra `eval`.

examples:
  som study results studies/one
  som study results studies/one --html results.html
  som study results studies/one --pass 0 --json
"""


@dataclass(frozen=True, slots=True)
class ResultsOptions:
    """Options of `som study results`."""

    study: Path = argument("STUDY", "folder of `som study new`")
    needed: float = option(
        0.6, "share of the attention checks that a rater has to pass", name="--pass", value="SHARE"
    )
    html: Path | None = option(None, "write a page with plots", value="FILE")
    json: bool = option(False, "print JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som study results`."""
    options = parse(ResultsOptions, "som study results", "Say what a study came to.", argv, epilog=_EPILOG)
    if not 0 <= options.needed <= 1:
        raise ConfigurationError(f"--pass {options.needed} must be 0 to 1.")
    from skillofmind.cli.study.extra import require_eval

    require_eval()
    from skillofmind.evals.study.folder import read
    from skillofmind.evals.study.outcome.results import results

    found = results(read(options.study), options.needed)
    if options.html is not None:
        from skillofmind.evals.study.outcome.report import page
        from skillofmind.run.atomic import write_atomic

        write_atomic(options.html, page(found).encode())
    if options.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif options.html is None:
        _show(found)
    else:
        sys.stdout.write(f"Written: {printable(str(options.html))}\n")
    return 0


def _show(found: "StudyResults") -> None:
    from skillofmind.cli.show import console

    out = console(sys.stdout)
    kept = len(found.raters) - len(found.excluded)
    out.print(
        f"{printable(found.title)}: {found.items} items, {found.answers} pages by {kept} raters who count",
        markup=False,
    )
    for note in found.notes:
        out.print(f"! {printable(note)}", markup=False)
    for table in _tables(found):
        out.print()
        out.print(table)


def _tables(found: "StudyResults") -> "Iterator[Table]":
    if found.kind == "pairs":
        yield from _pairs(found)
        if len(found.systems) > 2:
            yield _strengths(found)
    else:
        yield _ratings(found)
        if any(one.differences for one in found.criteria):
            yield _differences(found)
    yield _agreement(found)
    yield _raters(found)


def _table(title: str, *columns: str) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _row(table: "Table", *cells: object) -> None:
    from rich.text import Text

    table.add_row(*(Text(printable(str(cell))) for cell in cells))


def _pairs(found: "StudyResults") -> "Iterator[Table]":
    """Yield a table for each pair of systems."""
    for first, second in dict.fromkeys((one.first, one.second) for of in found.criteria for one in of.pairs):
        table = _table(
            printable(f"{first} against {second}"), "", "wins", "ties", "losses", "rate", "95 %", "p",
            "p, Holm", "seen from",
        )  # fmt: skip
        for of in found.criteria:
            for one in of.pairs:
                if (one.first, one.second) == (first, second):
                    _row(table, of.criterion, *_cells(one))
        yield table


def _cells(one: "PairResult") -> list[object]:
    return [
        one.wins,
        one.ties,
        one.losses,
        f"{one.rate:.1%}",
        f"{one.low:.1%} to {one.high:.1%}",
        _p(one.p),
        _p(one.adjusted),
        "" if one.detectable is None else f"{one.detectable:.1%}",
    ]


def _strengths(found: "StudyResults") -> "Table":
    table = _table("Strengths (Bradley and Terry, logarithms)", "", "system", "value", "95 %")
    for of in found.criteria:
        for one in of.strengths:
            _row(table, of.criterion, one.system, f"{one.value:.2f}", _ends(one.low, one.high))
    return table


def _ratings(found: "StudyResults") -> "Table":
    table = _table("Mean ratings", "", "system", "mean", "95 %", "error")
    for of in found.criteria:
        for one in of.ratings:
            _row(
                table,
                of.criterion,
                one.system,
                f"{one.mean:.2f}",
                _ends(one.low, one.high),
                _number(one.error),
            )
    return table


def _differences(found: "StudyResults") -> "Table":
    table = _table("Differences", "", "second minus first", "value", "95 %", "p", "p, Holm", "seen from")
    for of in found.criteria:
        for one in of.differences:
            _row(
                table, of.criterion, f"{one.second} minus {one.first}", f"{one.value:+.2f}",
                _ends(one.low, one.high), _p(one.p), _p(one.adjusted),
                "" if one.detectable is None else f"{one.detectable:.2f}",
            )  # fmt: skip
    return table


def _agreement(found: "StudyResults") -> "Table":
    table = _table("Agreement of raters", "", "Krippendorff's alpha", "Fleiss' kappa", "left")
    for one in found.criteria:
        _row(table, one.criterion, _coefficient(one.alpha), _coefficient(one.fleiss), _left(one))
    return table


def _raters(found: "StudyResults") -> "Table":
    table = _table("Raters", "", "answered", "checks passed", "median seconds", "left", "")
    for one in found.raters:
        _row(
            table, one.name, f"{one.answered} of {one.pages}",
            f"{one.attention.passed} of {one.attention.answered}",
            f"{one.seconds[1]:.1f}" if one.seconds else "",
            "" if one.left.value is None else f"{one.left.value:.0%} of {one.left.decided}",
            "excluded" if one.attention.excluded else "",
        )  # fmt: skip
    return table


def _left(one: "CriterionResult") -> str:
    return "" if one.left.value is None else f"{one.left.value:.0%} of {one.left.decided}"


def _coefficient(one: "Alpha | Agreement | None") -> str:
    if one is None or one.value is None:
        return "undefined"
    ends = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.value:.2f}{ends}"


def _ends(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
