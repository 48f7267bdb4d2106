"""A server under test: start it, know when it answers, ask what all its processes took, end it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_TICK = os.sysconf("SC_CLK_TCK")
_LONGEST_START = 240.0


class Memory(NamedTuple):
    """Highest resident memory of the largest process, and of all together; millions of bytes."""

    largest_mb: float
    together_mb: float


class Running:
    """A command with all processes that it started; Linux only.

    Attributes:
        port: that it listens on.
        start_cpu: CPU seconds until it gave its first answer.
        start_wall: seconds until then.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.port = port
        self.start_cpu = self.start_wall = 0.0
        self._process = process

    def cpu(self) -> float:
        """Return the user and system seconds of all its processes so far."""
        return sum(_cpu(pid) for pid in self._pids())

    def memory(self) -> Memory:
        """Return the peaks of its processes so far; their sum counts shared pages in each."""
        peaks = [_peak(pid) for pid in self._pids()]
        return Memory(max(peaks), sum(peaks))

    def ended(self) -> bool:
        """Say whether the command has ended by itself."""
        return self._process.poll() is not None

    def _pids(self) -> list[int]:
        return [self._process.pid, *descendants(self._process.pid)]


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    parents: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parents.setdefault(int(_stat(int(name))[1]), []).append(int(name))
    found, open_ = [], [pid]
    while open_:
        more = parents.get(open_.pop(), [])
        found += more
        open_ += more
    return found


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def _cpu(pid: int) -> float:
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    # User and system time of the process, and of its children that have ended.
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / _TICK


def _peak(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def post(port: int, body: bytes, timeout: float = 60.0) -> tuple[int, bytes]:
    """Send a chat request to a server on this machine; return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@contextlib.contextmanager
def running(
    command: Sequence[str], env: Mapping[str, str], folder: Path, port: int, body: bytes
) -> Iterator[Running]:
    """Run a server for the length of the block, which begins with its first answer to `body`.

    Args:
        command: words of the command.
        env: its whole environment.
        folder: to run in; what it says goes to a file there.
        port: that it is told to listen on.
        body: of a chat request that it can answer.

    Raises:
        RuntimeError: it ended, or gives no answer; the message ends with what it said.
    """
    said = folder / f"said-{port}.txt"
    with said.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stdout=out, stderr=out, start_new_session=True
        )
        found = Running(process, port)
        try:
            _await_answer(found, body, start + _LONGEST_START, said)
            found.start_cpu, found.start_wall = found.cpu(), time.perf_counter() - start
            yield found
        finally:
            _end(process)


def _await_answer(found: Running, body: bytes, end: float, said: Path) -> None:
    status = 0
    while not found.ended() and time.perf_counter() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            status, _ = post(found.port, body)
            if status == 200:
                return
        time.sleep(0.05)
    words = said.read_text("utf-8", "replace")[-2000:]
    raise RuntimeError(f"the server on port {found.port} gave no answer (status {status}): {words}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
