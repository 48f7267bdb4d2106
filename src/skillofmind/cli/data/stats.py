"""`som data stats`: what there is in files of dialogues, as tables, bars, JSON or a page."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.data.plots import as_page, as_text
from skillofmind.cli.data.source import Source, check_out
from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.data.stats import stats
from skillofmind.run.atomic import write_atomic

_EPILOG = """\
examples:
  som data stats corpus.jsonl
  som data stats corpora/ --skip-bad --json > stats.json
  som data stats corpus.jsonl --html stats.html

One pass, constant memory. Words are what stands between blanks.
"""


@dataclass(frozen=True, slots=True)
class StatsOptions:
    """Options of `som data stats`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    html: Path | None = option(None, "write a page with the histograms", value="FILE")
    json: bool = option(False, "print everything as one JSON line")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som data stats`."""
    options = parse(StatsOptions, "som data stats", "Count what is there.", argv, epilog=_EPILOG)
    check_out(options.html, options.files)
    source = Source(options.files, options.format, skip_bad=options.skip_bad, label="count")
    found = stats(source)
    if options.html is not None:
        write_atomic(options.html, as_page(found, ", ".join(map(str, options.files))).encode())
        sys.stderr.write(f"som: the page is {options.html}\n")
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif options.html is None:
        sys.stdout.write(printable(as_text(found)))
    return source.exit_code()
