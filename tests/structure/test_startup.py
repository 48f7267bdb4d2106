"""What starting up loads, as sets of modules: timings are for benchmarks/startup.py."""

import ast
import dataclasses
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import skillofmind
from skillofmind import __version__
from skillofmind.cli.data import COMMANDS as DATA
from skillofmind.cli.eval import COMMANDS as EVAL
from skillofmind.cli.main import COMMANDS as TOP
from skillofmind.cli.study import COMMANDS as STUDY
from skillofmind.cli.train import COMMANDS as TRAIN
from tests.structure.source import Module, modules

GROUPS = {"data": DATA, "train": TRAIN, "eval": EVAL, "study": STUDY}
COMMANDS = [*TOP, *(f"{group} {name}" for group, names in GROUPS.items() for name in names)]
HEAVY = {"torch", "transformers", "aiohttp", "numpy", "rich"}
NOT_AT_ALL = {*HEAVY, "msgspec", "asyncio"}
_CHILD = """
import json, sys
from io import StringIO
out, sys.stdout = sys.stdout, StringIO()
code = 0
try:
    {action}
except SystemExit as stop:
    code = stop.code or 0
text, sys.stdout = sys.stdout.getvalue(), out
json.dump([code, text, sorted(sys.modules)], out)
"""


def test_importing_the_package_loads_nothing_heavy() -> None:
    _, _, loaded = run("import skillofmind; code = len(skillofmind.__all__)")
    assert loaded & NOT_AT_ALL == set()
    assert "skillofmind" in loaded


def test_help_loads_nothing_heavy() -> None:
    code, text, loaded = run_som("--help")
    assert (code, loaded & NOT_AT_ALL) == (0, set())
    assert text.startswith("usage: som COMMAND")
    assert [name for name in TOP if f"\n  {name} " not in text] == []


def test_the_version_needs_no_more() -> None:
    code, text, loaded = run_som("--version")
    assert (code, text, loaded & NOT_AT_ALL) == (0, f"som {__version__}\n", set())


def test_the_check_sees_what_is_loaded() -> None:
    assert {"numpy", "asyncio"} <= run("import numpy, asyncio")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_is_complete_and_light(command: str) -> None:
    code, text, loaded = run_som(*command.split(), "--help")
    assert (code, loaded & HEAVY) == (0, set())
    words = " ".join(text.split())
    kind = options_of(command)
    assert [name for name in map(shown_as, dataclasses.fields(kind)) if name not in words] == []
    helps = [" ".join(field.metadata["help"].split()) for field in dataclasses.fields(kind)]
    assert [line for line in helps if line not in words.replace("- ", "-") and line not in words] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_few_options(command: str) -> None:
    named = [f for f in dataclasses.fields(options_of(command)) if not f.metadata.get("positional")]
    assert len(named) <= 15


def test_every_command_is_one_file() -> None:
    def is_command(source: Module) -> bool:
        return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in source.tree.body)

    room = "skillofmind.cli."
    files = {s.name.removeprefix(room) for s in modules() if s.name.startswith(room) and is_command(s)}
    assert files == {module_of(command) for command in COMMANDS}


def module_of(command: str) -> str:
    """Return the module of a command below `skillofmind.cli`."""
    return command.replace(" ", ".").replace("-", "_")


def options_of(command: str) -> Any:
    """Return the options dataclass of a command: the one in its module."""
    name = module_of(command)
    found = vars(importlib.import_module(f"skillofmind.cli.{name}"))
    kinds = [
        kind
        for title, kind in found.items()
        if title.endswith("Options") and dataclasses.is_dataclass(kind) and kind.__module__.endswith(name)
    ]
    assert len(kinds) == 1, f"{command} has {len(kinds)} options dataclasses"
    return kinds[0]


def shown_as(field: "dataclasses.Field[Any]") -> str:
    """Return how a field appears in the help text."""
    if field.metadata.get("positional"):
        return str(field.metadata["value"])
    return field.metadata.get("flag") or "--" + field.name.replace("_", "-")


def run_som(*words: str) -> tuple[int, str, set[str]]:
    """Run `som` in a fresh process: exit code, output, names of what it loaded."""
    return run(f"from skillofmind.cli.main import main; code = main({list(words)!r})")


def run(action: str) -> tuple[int, str, set[str]]:
    """Run one line of Python in a fresh process; return its `code`, output, and top-level modules loaded."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD.format(action=action)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(skillofmind.__file__).parents[1])},
    )
    code, text, loaded = json.loads(done.stdout)
    return code, text, {name.partition(".")[0] for name in loaded}
