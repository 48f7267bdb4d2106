"""`som eval`: measure planners and agents so that a reviewer would believe it; each subcommand is a file."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillofmind.cli.main import unknown
from skillofmind.cli.options import argument, parse

COMMANDS = {
    "tasks": "list the tasks, and whether their data are here",
    "plans": "ask a planner the items of planner tasks, and score it",
    "replies": "ask an agent for replies, with and without a plan, and score them",
    "audit": "ask again with one thing changed: names, noise, languages",
    "latency": "measure how long a planner takes",
    "show": "print the numbers of runs, side by side, and single cases",
    "report": "write one HTML page about runs",
    "power": "plan a study: how many items, and what effect can be seen",
}
"""Subcommand -> what it does."""

_DESCRIPTION = "Measure planners and agents.\n\nsubcommands:\n" + "\n".join(
    f"  {name:<8} {what}" for name, what in COMMANDS.items()
)
_EPILOG = """\
`som eval RUN...` with folders of runs is `som eval show RUN...`. Start with `som eval tasks --data FOLDER`.
`som eval SUBCOMMAND --help` explains one. Needs the extra `eval`: pip install 'skillofmind[eval]'

"""


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """Options of `som eval`."""

    subcommand: tuple[str, ...] = argument("SUBCOMMAND", "one of those above, or folders of runs to show")


def run(argv: Sequence[str]) -> int:
    """Run `som eval`."""
    if argv and argv[0] in COMMANDS:
        return int(importlib.import_module(f"skillofmind.cli.eval.{argv[0]}").run(argv[1:]))
    if argv and not argv[0].startswith("-") and Path(argv[0]).is_dir():
        return int(importlib.import_module("skillofmind.cli.eval.show").run(argv))
    options = parse(EvalOptions, "som eval", _DESCRIPTION, argv[:1] or ["--help"], epilog=_EPILOG)
    return unknown("subcommand", options.subcommand[0], (*COMMANDS, "and folders of runs"))
