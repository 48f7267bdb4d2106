"""The documentation is true: its Python runs, its `som` lines parse, its links lead somewhere.

A page is one program: its ```python blocks run one after the other in an empty folder. Where a page names a
server at http://localhost:8000/v1 or http://127.0.0.1:8000/v1, a real one that answers "Hello" stands in.
"""

import ast
import contextlib
import importlib
import importlib.util
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skillofmind
from skillofmind.cli.options import parse
from tests.structure.shell_lines import SHELLS, Block, blocks, commands
from tests.structure.source import ROOT
from tests.structure.test_startup import COMMANDS, GROUPS, module_of, options_of
from tests.upstream import Upstream

PAGES = [path for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))) if path.is_file()]
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_SERVER = re.compile(r"http://(?:localhost|127\.0\.0\.1):8000/v1")


@pytest.mark.parametrize("page", NAMES)
def test_the_python_of_a_page_runs(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text("utf-8")
    if missing := not_installed(text):
        pytest.skip(f"{', '.join(missing)} not installed")
    failure = run_python(text, tmp_path)
    assert failure == ""


@pytest.mark.parametrize("page", NAMES)
def test_the_som_lines_of_a_page_parse(page: str) -> None:
    assert wrong_lines((ROOT / page).read_text("utf-8")) == []


@pytest.mark.parametrize("page", NAMES)
def test_the_links_of_a_page_lead_to_files(page: str) -> None:
    here = (ROOT / page).parent
    targets = [link.partition("#")[0] for link in _LINK.findall((ROOT / page).read_text("utf-8"))]
    assert [t for t in targets if t and "://" not in t and not (here / t).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_in_the_help_of_a_command_parse(command: str) -> None:
    epilog = getattr(importlib.import_module(f"skillofmind.cli.{module_of(command)}"), "_EPILOG", "")
    # An example is two spaces in; what explains it stands further to the right.
    lines = [
        re.split(r"\s{3,}", line.strip())[0] for line in epilog.splitlines() if line.startswith("  som ")
    ]
    assert [fault for line in lines for fault in wrong_in(Block("bash", line, 1))] == []


def test_wrong_lines_are_found() -> None:
    page = """
```bash
som skills --lang ko | head
printf 'Ana: hi\\n' | som plan - --planer prompted
pip install skillofmind && som dance
```
```console
$ som plan
usage: som plan --wrong
$ som plan talk.txt \\
    --planner magic > out.jsonl  # a comment
```
"""
    faults = wrong_lines(page)
    assert [fault.partition(":")[0] for fault in faults] == [
        "som plan - --planer prompted",
        "som dance",
        "som plan",
        "som plan talk.txt --planner magic",
    ]


def test_code_that_fails_is_found(tmp_path: Path) -> None:
    page = "```python\nx = 1\n```\n\n```python\nassert x == 2, 'no'\n```\n```text\nnot code\n```\n"
    assert "AssertionError: no" in run_python(page, tmp_path)
    assert run_python(page.replace("== 2", "== 1"), tmp_path) == ""


def test_a_page_that_needs_what_is_not_there_is_told_from_one_that_does_not() -> None:
    page = "```python\nimport json, nothing_of_this_name.deep\nfrom skillofmind import Plan\n```\n"
    assert not_installed(page) == ["nothing_of_this_name"]
    assert not_installed(page.replace("nothing_of_this_name", "os")) == []


def test_code_reaches_a_server_that_stands_in(tmp_path: Path) -> None:
    page = """
```python
import asyncio
from skillofmind import Conversation, HttpModel, Message

async def main():
    async with HttpModel("tiny", "http://localhost:8000/v1") as model:
        return (await model.generate(Conversation((Message("user", "Hi"),)))).text

assert asyncio.run(main()) == "Hello"
```
"""
    assert run_python(page, tmp_path) == ""


def run_python(markdown: str, folder: Path) -> str:
    """Run the Python blocks of a page as one program; return what went wrong, or ""."""
    code = python_of(markdown)
    if not code:
        return ""
    with Upstream(reply=lambda _: "Hello") as server:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", _SERVER.sub(server.base_url, code)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(skillofmind.__file__).parents[1])},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    return done.stderr if done.returncode else ""


def python_of(markdown: str) -> str:
    """Return the Python blocks of a page as one program."""
    return "\n".join(block.text for block in blocks(markdown) if block.kind == "python")


def not_installed(markdown: str) -> list[str]:
    """Return the packages that the Python of a page imports and that are not there."""
    names = set()
    for node in ast.walk(ast.parse(python_of(markdown))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return sorted(name for name in names if importlib.util.find_spec(name) is None)


def wrong_lines(markdown: str) -> list[str]:
    """Return the `som` lines of the shell blocks that the command would refuse, each with the reason."""
    return [fault for block in blocks(markdown) if block.kind in SHELLS for fault in wrong_in(block)]


def wrong_in(block: Block) -> list[str]:
    """Return what is wrong with the `som` lines of one block."""
    found = []
    for words in commands(block):
        if words[:1] == ["som"] and (fault := refusal(words[1:])):
            found.append(f"{' '.join(words)}: {fault}")
    return found


def refusal(words: list[str]) -> str:
    """Return why `som` refuses these words, or ""."""
    if not words or words[0] in ("--help", "--version", "COMMAND"):
        return ""
    if words[0] not in COMMANDS:
        return f"unknown command {words[0]!r}"
    nested = words[1:2] and words[1] in GROUPS.get(words[0], {})
    command = " ".join(words[: 2 if nested else 1])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parse(options_of(command), f"som {command}", "", words[2 if nested else 1 :])
    except SystemExit as stop:
        return said.getvalue() if stop.code else ""
    return ""


def test_generated_parts_of_pages_are_up_to_date() -> None:
    render = [sys.executable, str(ROOT / "docs" / "render.py"), "--check"]
    done = subprocess.run(render, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
