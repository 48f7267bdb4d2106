"""`som eval report`: the report of one evaluation, or of several side by side."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.evals.records import Case, Difference, Summary
    from skillofmind.evals.report import Format

_EPILOG = """\
examples:
  som eval report runs/embedded --open
  som eval report runs/embedded runs/prompted --out compare.html
  som eval report runs/embedded --format html,md,json --out report/

The page is one file that loads nothing: send it to somebody, open it in ten years. The first run is what the
others are compared with. Nobody is asked anything again.
"""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Options of `som eval report`."""

    runs: tuple[Path, ...] = argument("RUN", "folders of `som eval`")
    out: Path | None = option(
        None, "folder for report.html and the others, or one file; the first run without it", value="PATH"
    )
    format: str = option("html,md", "what to write into a folder: html, md, json, with commas", value="LIST")
    open: bool = option(False, "show the page in the browser")


def run(argv: Sequence[str]) -> int:
    """Run `som eval report`."""
    options = parse(ReportOptions, "som eval report", "Report evaluations.", argv, epilog=_EPILOG)
    formats = read_formats(options.format)
    target = options.out or options.runs[0]
    if options.open and "html" not in (target.suffix.removeprefix("."), *formats):
        raise ConfigurationError("--open needs the page; add html to --format.")
    from skillofmind.cli.eval.numbers import show_summary
    from skillofmind.cli.show import console
    from skillofmind.evals.report import write_report

    runs = [_read(path, name) for path, name in named(options.runs)]
    written = write_report(target, runs, formats, _between(runs))
    for name, summary, _ in runs:
        show_summary(console(sys.stdout), name, summary)
    for path in written:
        sys.stderr.write(printable(f"som: wrote {path}\n"))
    if options.open:
        _show(next(path for path in written if path.suffix == ".html"))
    return 0


def read_formats(text: str) -> tuple["Format", ...]:
    """Read formats with commas between them.

    Raises:
        ConfigurationError: there is no such format.
    """
    from skillofmind.evals.report import FORMATS

    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in FORMATS:
            raise ConfigurationError(f"--format {word!r} is none of {', '.join(FORMATS)}.")
    return tuple(one for one in FORMATS if one in words)


def named(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Return runs with the shortest ends of their paths that tell them apart.

    Raises:
        ConfigurationError: a run is named twice.
    """
    whole = [path.resolve() for path in paths]
    twice = next((path for path in whole if whole.count(path) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"the run {str(twice)!r} is named twice; name each once.")
    longest = max(len(path.parts) for path in whole)
    ends = ([Path(*path.parts[-size:]).as_posix() for path in whole] for size in range(1, longest + 1))
    return list(zip(paths, next(found for found in ends if len({*found}) == len(found)), strict=True))


def _read(path: Path, name: str) -> "tuple[str, Summary, Sequence[Case]]":
    from skillofmind.evals.files import read_run

    found = read_run(path)
    return name, found.summary, found.cases


def _between(runs: "Sequence[tuple[str, Summary, Sequence[Case]]]") -> "list[Difference]":
    """Return every later run against the first."""
    from skillofmind.evals.files import tasks_of
    from skillofmind.evals.summary import compared

    name, _, first = runs[0]
    tasks = tasks_of(case.item for case in first)
    return [one for other, _, second in runs[1:] for one in compared(first, second, tasks, (name, other))]


def _show(path: Path) -> None:
    import webbrowser

    webbrowser.open(path.resolve().as_uri())
