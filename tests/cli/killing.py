"""Kill `som` at a moment of one's choosing."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

from tests.cli.som import started
from tests.upstream import Upstream

MOST_SECONDS = 60.0


def wait_until(reached: Callable[[], bool], process: "subprocess.Popen[bytes]") -> bool:
    """Wait until `reached`; return whether the process was still running then."""
    end = time.monotonic() + MOST_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if reached():
            return True
        time.sleep(0.001)
    assert time.monotonic() < end, "the process came to a halt"
    return False


def kill_when(words: Sequence[object], reached: Callable[[], bool], *, module: str = "skillofmind") -> bool:
    """Start `som` and kill it when `reached`; return whether that was before its end."""
    with started(*words, module=module) as process:
        running = wait_until(reached, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return running


def some_moment(draw: random.Random, server: Upstream, most: int, seconds: float = 0.4) -> Callable[[], bool]:
    """Return when to kill: up to `seconds` after now, or after so many more requests, `most` on average."""
    if draw.random() < 0.2:
        end = time.monotonic() + draw.uniform(0.02, seconds)
        return lambda: time.monotonic() >= end
    wanted = server.counts.received + draw.randint(1, 2 * most - 1)
    return lambda: server.counts.received >= wanted
