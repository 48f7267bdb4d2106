"""What a command takes with all processes that it starts: CPU, wall time and memory.

A small launcher stands between: Linux starts the peak of a process at that of the process that starts it,
and the launcher adopts what the command leaves behind, so that no CPU second is lost. Memory of the whole
tree is the sum of the proportional set sizes, looked at four times a second.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Took(NamedTuple):
    """What a command took.

    Attributes:
        cpu: user and system seconds of all processes.
        wall: seconds.
        largest_mb: highest resident memory of its largest process, in millions of bytes.
        together_mb: highest memory of all processes at one moment, shared pages counted once; 0 where the
            system does not say.
    """

    cpu: float
    wall: float
    largest_mb: float
    together_mb: float


_LAUNCHER = """
import ctypes, json, os, resource, subprocess, sys, threading, time

if sys.platform == "linux":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # adopt grandchildren

def descendants(pid):
    found, parents = [], {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
            except OSError:
                continue
    open_ = [pid]
    while open_:
        open_ += (more := parents.get(open_.pop(), []))
        found += more
    return found

def together(pid):
    total = 0
    for child in descendants(pid):
        try:
            with open(f"/proc/{child}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            continue
    return total

most, ended = [0], threading.Event()

def look():
    while not ended.wait(0.25):
        most[0] = max(most[0], together(os.getpid()))

begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
said = []
reading = threading.Thread(target=lambda: said.append(process.stderr.read()))
reading.start()
if sys.platform == "linux":
    threading.Thread(target=look, daemon=True).start()
code = process.wait()
wall = time.perf_counter() - begun
ended.set()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
reading.join(5)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
text = b"".join(said)[-3000:].decode("utf-8", "replace")
json.dump([code, used.ru_utime + used.ru_stime, wall, used.ru_maxrss, most[0], text], sys.stdout)
"""


def took(command: Sequence[str], env: Mapping[str, str], folder: Path) -> Took:
    """Run a command in `folder` to its end, and wait for all that it started.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    launched = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command],
        env=dict(env),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    code, cpu, wall, largest, together, said = json.loads(launched.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command[:6])} ended with {code}: {said}")
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return Took(cpu, wall, largest * unit / 1e6, together * 1024 / 1e6)
