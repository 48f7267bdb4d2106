"""The committed page is what its source builds to, and the source passes its own checks.

Needs Node and `playground/node_modules` (`npm ci` in playground/); skips, with the reason, without.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.serve.playground.test_page import built
from tests.structure.source import ROOT

SOURCE = ROOT / "playground"
MODULES = SOURCE / "node_modules"


def node(program: str, *words: str) -> str:
    """Run a program of `node_modules` in the folder of the source; return what it says."""
    if shutil.which("node") is None:
        pytest.skip("no node on the path")
    if not (MODULES / program).is_file():
        pytest.skip(f"no {program} in playground/node_modules; `npm ci` in playground/ brings it")
    command = ["node", str(MODULES / program), *words]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_building_again_gives_the_committed_bytes(tmp_path: Path) -> None:
    node("vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--emptyOutDir")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == built()


@pytest.mark.slow
def test_the_types_hold() -> None:
    assert node("typescript/bin/tsc", "--noEmit") == ""


@pytest.mark.slow
def test_the_unit_tests_of_the_page_pass() -> None:
    assert "4 passed" in node("vitest/vitest.mjs", "run", "--no-color")
