"""Ctrl-C while `som data` writes: what was there stays, and nothing half-written is left."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from skillofmind.data.jsonl import write_jsonl
from tests.cli.data.corpus import dialogues
from tests.cli.som import command, environment


@pytest.mark.parametrize("to", ["jsonl", "openai", "sharegpt", "convokit"])
def test_an_interrupted_conversion_leaves_everything_as_it_was(tmp_path: Path, to: str) -> None:
    out = tmp_path / "out"
    if to != "convokit":
        out.write_text("before")
    words = command("data", "convert", "-", "--format", "jsonl", "--to", to, "--out", out)
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(write_jsonl(dialogues(50))))
        process.stdin.flush()
        wait_for_a_temporary(tmp_path)
        process.send_signal(signal.SIGINT)
        # The input is still open: only the signal can have ended it.
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert b"interrupted" in process.stderr.read()
    assert [path.name for path in tmp_path.iterdir()] == ([] if to == "convokit" else ["out"])
    assert to == "convokit" or out.read_text() == "before"


def wait_for_a_temporary(folder: Path) -> None:
    end = time.monotonic() + 30
    while not list(folder.glob(".*.tmp")):
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.01)
