"""`som data stats`: what there is in files of dialogues, as tables, bars, JSON or a page."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.data.plots import as_page, as_text
from skillofmind.cli.data.source import Source, check_out
from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.stats import stats
from skillofmind.run.atomic import write_atomic

_EPILOG = """\
examples:
  som data stats corpus.jsonl
  som data stats corpora/ --skip-bad --json > stats.json
  som data stats corpus.jsonl --html stats.html

One pass, constant memory. Words are what stands between blanks. Where turns carry labels of one scheme by two
annotators, their agreement is shown (Cohen's kappa); `som data audit` says more of it.
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
    raters = _Raters()
    found = stats(raters.watched(source))
    if options.html is not None:
        write_atomic(options.html, as_page(found, ", ".join(map(str, options.files))).encode())
        sys.stderr.write(f"som: the page is {options.html}\n")
    if options.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif options.html is None:
        sys.stdout.write(printable(as_text(found) + "".join(raters.lines())))
    return source.exit_code()


class _Raters:
    """The first choices of the first two named annotators of each turn and scheme, counted."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str, str], Counter[tuple[str, str]]] = {}

    def watched(self, dialogues: Iterable[Dialogue]) -> Iterator[Dialogue]:
        for dialogue in dialogues:
            for turn in dialogue.turns:
                given: dict[str, dict[str, str]] = {}
                for label in turn.labels:
                    if label.annotator and label.rank == 1:
                        given.setdefault(label.scheme, {}).setdefault(label.annotator, label.value)
                for scheme, values in given.items():
                    if len(values) > 1:
                        (one, first), (other, second) = list(values.items())[:2]
                        self._cells.setdefault((scheme, one, other), Counter())[first, second] += 1
            yield dialogue

    def lines(self) -> Iterator[str]:
        from skillofmind.scorers.agreement import kappa_of_cells

        if self._cells:
            yield "\nagreement of two annotators (Cohen's kappa, 95 % interval)\n"
        for (scheme, one, other), cells in sorted(self._cells.items()):
            found = kappa_of_cells(cells)
            value = "undefined" if found.value is None else f"{found.value:.3f}"
            between = "" if found.low is None else f" ({found.low:.3f} to {found.high:.3f})"
            yield f"  {scheme}: {one}, {other}: {value}{between}, {found.items:,} turns\n"
