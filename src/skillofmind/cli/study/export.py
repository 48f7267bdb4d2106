"""`som study export`: every answer, with the systems named."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skillofmind.cli.options import argument, option, parse

_EPILOG = """\
One line for each answer to each question, checks included: who, which system stood where, what was chosen,
how long it took, how often it was changed. The folder may be served meanwhile.

examples:
  som study export studies/one > answers.jsonl
  som study export studies/one --form csv --anonymous --out answers.csv
"""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Options of `som study export`."""

    study: Path = argument("STUDY", "folder of `som study new`")
    form: Literal["jsonl", "csv"] = option("jsonl", "JSON lines, or CSV for a spreadsheet")
    out: Path | None = option(None, "write here instead of to standard output", value="FILE")
    anonymous: bool = option(False, "number the raters and leave out their remarks")


def run(argv: Sequence[str]) -> int:
    """Run `som study export`."""
    options = parse(ExportOptions, "som study export", "Write all answers.", argv, epilog=_EPILOG)
    from skillofmind.evals.study.folder import read
    from skillofmind.evals.study.outcome.export import as_csv, as_jsonl, rows
    from skillofmind.run.atomic import write_lines_atomic

    found = rows(read(options.study), anonymous=options.anonymous)
    lines = as_csv(found) if options.form == "csv" else as_jsonl(found)
    if options.out is not None:
        write_lines_atomic(options.out, lines)
        return 0
    for line in lines:
        sys.stdout.write(line.decode())
    return 0
