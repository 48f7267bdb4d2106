"""Without its library an adapter says what to install, and nothing else of the package needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

import skillofmind

SOURCE = str(Path(skillofmind.__file__).parents[1])


@pytest.mark.parametrize(
    ("adapter", "library", "command"),
    [
        ("openai_client", "openai", "pip install 'openai>="),
        ("langchain", "langchain", "pip install 'langchain>="),
        ("smolagents", "smolagents", "pip install 'smolagents>="),
    ],
)
def test_the_message_has_the_command(adapter: str, library: str, command: str) -> None:
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        "import skillofmind.adapters.callables, skillofmind.adapters.planning\n"
        f"import skillofmind.adapters.{adapter}"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True
    )
    assert found.stderr.splitlines()[-1].startswith("skillofmind.core.errors.MissingExtra: planning")
    assert command in found.stderr


def test_a_function_needs_no_library() -> None:
    program = (
        "import sys, skillofmind.adapters.callables\n"
        "assert not {'openai', 'langchain', 'smolagents'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": SOURCE}).returncode == 0
