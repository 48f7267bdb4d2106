"""`som train`: train planners and response models; each subcommand is a file of this folder."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from skillofmind.cli.main import unknown
from skillofmind.cli.options import argument, parse
from skillofmind.cli.train.telling import follows
from skillofmind.core.errors import SkillOfMindError

COMMANDS = {
    "sft": "learn answers: a planner's explanation and skill, or any chat",
    "dpo": "learn preferences: one answer over another",
    "show-masks": "show which tokens would be trained, in colour",
    "export": "merge, compare and write the trained model as a folder",
}
"""Subcommand -> what it does."""

_DESCRIPTION = "Train planners and response models.\n\nsubcommands:\n" + "\n".join(
    f"  {name:<11} {what}" for name, what in COMMANDS.items()
)
_EPILOG = """\
Start with `som train sft --out runs/first`: it trains a tiny planner from nothing on the dialogues of the
package. `som train SUBCOMMAND --help` explains one. Needs the extra `train`: pip install 'skillofmind[train]'

"""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Options of `som train`."""

    subcommand: str = argument("SUBCOMMAND", "one of those above")


def run(argv: Sequence[str]) -> int:
    """Run `som train`."""
    if argv and argv[0] in COMMANDS:
        module = argv[0].replace("-", "_")
        return _run(module, argv[1:])
    options = parse(TrainOptions, "som train", _DESCRIPTION, argv[:1] or ["--help"], epilog=_EPILOG)
    return unknown("subcommand", options.subcommand, COMMANDS)


def _run(module: str, argv: Sequence[str]) -> int:
    try:
        return int(importlib.import_module(f"skillofmind.cli.train.{module}").run(argv))
    except SkillOfMindError:
        if follows():
            return 2
        raise
