"""Ctrl-C while `som data` writes: what was read is written whole, and nothing half-written is left."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.formats import read_any
from skillofmind.data.jsonl import write_jsonl
from tests.cli.data.corpus import dialogues
from tests.cli.som import command, environment


@pytest.mark.parametrize("to", ["jsonl", "openai", "sharegpt", "convokit"])
def test_an_interrupted_conversion_keeps_what_was_read_whole(tmp_path: Path, to: str) -> None:
    out, given = tmp_path / "out", dialogues(50)
    words = command("data", "convert", "-", "--format", "jsonl", "--to", to, "--out", out)
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(write_jsonl(given)))
        process.stdin.flush()
        wait_for_a_temporary(tmp_path)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        # The input is still open: only the signal can have ended it.
        assert process.wait(30) == 130
        assert process.stderr is not None
        said = process.stderr.read().decode()
    count = int(re.findall(r"interrupted; the first (\d+) dialogues are done", said)[0])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [row for row in read_any([out], to) if isinstance(row, Dialogue)] == given[:count]
    assert count >= 1


def wait_for_a_temporary(folder: Path) -> None:
    end = time.monotonic() + 30
    while not list(folder.glob(".*.tmp")):
        assert time.monotonic() < end, "nothing was written"
        time.sleep(0.01)
