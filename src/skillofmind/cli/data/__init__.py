"""`som data`: look at, check, count and convert dialogues; each subcommand is a file of this folder."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from skillofmind.cli.main import unknown
from skillofmind.cli.options import argument, parse

COMMANDS = {
    "formats": "list the formats that can be read",
    "show": "show dialogues, readable",
    "validate": "name what is wrong, with file and line",
    "stats": "count dialogues, turns, words, labels; with histograms",
    "convert": "write dialogues in another format",
    "select": "choose the turns to plan for or to learn from",
    "split": "divide dialogues into train, validation and test",
    "sample": "draw dialogues at random",
    "audit": "check an annotated corpus: labels, copies, leaks, diversity, people",
}
"""Subcommand -> what it does."""

_DESCRIPTION = (
    "Look at, check, count, convert, select, split, sample and audit dialogues.\n\nsubcommands:\n"
    + "\n".join(f"  {name:<9} {what}" for name, what in COMMANDS.items())
)
_EPILOG = """\
Each takes files, folders, patterns and - for standard input, plain or compressed (.gz, .zst), and tells their
format by itself. `som data SUBCOMMAND --help` explains one.

"""


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Options of `som data`."""

    subcommand: str = argument("SUBCOMMAND", "one of those above")


def run(argv: Sequence[str]) -> int:
    """Run `som data`."""
    if argv and argv[0] in COMMANDS:
        return int(importlib.import_module(f"skillofmind.cli.data.{argv[0]}").run(argv[1:]))
    options = parse(DataOptions, "som data", _DESCRIPTION, argv[:1] or ["--help"], epilog=_EPILOG)
    return unknown("subcommand", options.subcommand, COMMANDS)
