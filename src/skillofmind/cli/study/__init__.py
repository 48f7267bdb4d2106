"""`som study`: ask people which reply is better, or how good one is; each subcommand is a file here."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from skillofmind.cli.main import unknown
from skillofmind.cli.options import argument, parse

COMMANDS = {
    "plan": "how many items and raters it takes, and what effect can be seen",
    "new": "build a study from the replies or plans of several systems",
    "serve": "let raters answer, each at an address of their own",
    "results": "win rates, ratings, agreement, checks and position bias",
    "export": "write all answers, with the systems named, as JSONL or CSV",
}
"""Subcommand -> what it does."""

_DESCRIPTION = "Ask people which reply is better, or how good one is.\n\nsubcommands:\n" + "\n".join(
    f"  {name:<9} {what}" for name, what in COMMANDS.items()
)
_EPILOG = """\
In this order: plan, new, serve, results, export. `som study SUBCOMMAND --help` explains one.

"""


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """Options of `som study`."""

    subcommand: str = argument("SUBCOMMAND", "one of those above")


def run(argv: Sequence[str]) -> int:
    """Run `som study`."""
    if argv and argv[0] in COMMANDS:
        return int(importlib.import_module(f"skillofmind.cli.study.{argv[0]}").run(argv[1:]))
    options = parse(StudyOptions, "som study", _DESCRIPTION, argv[:1] or ["--help"], epilog=_EPILOG)
    return unknown("subcommand", options.subcommand, COMMANDS)
