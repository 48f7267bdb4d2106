"""Child processes for tests of durability: start one, wait for its word, kill it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import skillofmind

_SOURCE = Path(skillofmind.__file__).parents[1]


@contextmanager
def child(code: str, *arguments: object) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """Run Python `code` in a child; it is killed at the end of the block at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(_SOURCE)},
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
