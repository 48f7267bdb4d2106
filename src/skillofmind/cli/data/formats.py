"""`som data formats`: what can be read, and what each reader was tested on."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from skillofmind.cli.options import argument, option, parse
from skillofmind.data.formats import ALL, CORPORA, GENERAL, Format, named

_EPILOG = """\
examples:
  som data formats
  som data formats openai            what the reader says about the format
  som data formats --json

Tested on `files`: the reader was tested on the published files. Tested on `documentation`: it was written
from the documented format and tested on files made in that format.
"""


@dataclass(frozen=True, slots=True)
class FormatsOptions:
    """Options of `som data formats`."""

    name: str = argument("NAME", "a format to explain; all are listed without it", default="")
    json: bool = option(False, "print one JSON line a format")


def run(argv: Sequence[str]) -> int:
    """Run `som data formats`."""
    options = parse(FormatsOptions, "som data formats", "List the formats.", argv, epilog=_EPILOG)
    rows = (named(options.name),) if options.name else ALL
    if options.json:
        for row in rows:
            sys.stdout.write(msgspec.json.encode(row._asdict()).decode() + "\n")
    elif options.name:
        sys.stdout.write(_explained(rows[0]))
    else:
        for title, part in (("corpora", CORPORA), ("general formats", GENERAL)):
            sys.stdout.write(_listed(title, part))
    return 0


def _explained(row: Format) -> str:
    import inspect

    text = inspect.getdoc(row.reader()) or ""
    licence = f", licence of the text: {row.licence}" if row.licence else ""
    return f"{row.name}: {row.title} (tested on {row.tested_on}{licence})\n\n{text.rstrip()}\n"


def _listed(title: str, rows: Sequence[Format]) -> str:
    if not rows:
        return ""
    width, long = max(len(row.name) for row in rows), max(len(row.title) for row in rows)
    lines = [
        f"  {row.name:<{width}}  {row.title:<{long}}  tested on {row.tested_on}"
        + (f"  {row.licence}" if row.licence else "")
        for row in rows
    ]
    return "\n".join([f"{title} ({len(rows)})", *lines, ""]) + "\n"
