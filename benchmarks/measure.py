"""Time, CPU and what is reported with them.

CPU seconds (user and system) are what a busy machine does not distort; wall time stands beside them.
"""

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Json = dict[str, Any]
T = TypeVar("T")


class Spent(NamedTuple):
    """Seconds of CPU and of wall time."""

    cpu: float
    wall: float


def spent(work: Callable[[], object]) -> Spent:
    """Run `work` once in this process and return what it took."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return Spent(time.process_time() - cpu, time.perf_counter() - wall)


def spent_by_process(command: Sequence[str], env: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end and return what it took, its own children included.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=None if env is None else dict(env))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, time.perf_counter() - wall)


def interleaved(arms: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Measure every arm once a round, in turn, so that a slow minute of the machine meets all of them.

    Every second round goes backwards. One round before the first is not counted.
    """
    names = list(arms)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(-1, rounds):
        for name in names if number % 2 else reversed(names):
            taken = arms[name]()
            if number >= 0:
                found[name].append(taken)
    return found


def summary(values: Sequence[float], digits: int = 4) -> Json:
    """Return median, quartiles and number of the values."""
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {
        "median": round(middle, digits),
        "q1": round(low, digits),
        "q3": round(high, digits),
        "n": len(values),
    }


def both(found: Sequence[Spent], digits: int = 4) -> Json:
    """Return the summaries of CPU and wall seconds."""
    return {
        "cpu_s": summary([one.cpu for one in found], digits),
        "wall_s": summary([one.wall for one in found], digits),
    }


def machine() -> Json:
    """Return what a reader needs to judge the numbers, and nothing that names the machine."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def parser(text: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows the module's docstring and knows `--out`."""
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--out", type=Path, metavar="FILE", help="also write the result here")
    return made


def report(result: Json, out: Path | None) -> None:
    """Print the result as one JSON object, and write it where asked."""
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, "utf-8")


def add_target(folder: Path | None) -> None:
    """Make packages importable that were installed apart with `pip install --target FOLDER`."""
    if folder is not None:
        sys.path.insert(0, str(folder))
