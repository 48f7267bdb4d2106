"""`som` as a real process without its start-up: a server that has torch in memory and forks on demand.

Starting Python with torch costs seconds; a fork of a process that has imported everything costs nothing, and
is a process of its own that can be killed. `python forking.py` is the server; `Forks` talks to it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cli.som import Result, environment

SOURCE = Path(__file__).parents[3]
MOST_SECONDS = 120.0


class Child:
    """One `som`; `wait` has to be called once."""

    def __init__(self, forks: "Forks", pid: int, folder: Path) -> None:
        self.pid = pid
        self._forks, self._folder = forks, folder
        self._code: int | None = None

    def running(self) -> bool:
        if self._code is None:
            self._code = self._forks.ask(poll=self.pid)
        return self._code is None

    def signal(self, number: int) -> None:
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds: float = MOST_SECONDS) -> Result:
        """Return how it ended: the exit code is negative where a signal ended it."""
        end = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > end:
                self.signal(signal.SIGKILL)
                raise AssertionError(f"it did not end: {self.err()}")
            time.sleep(0.005)
        assert self._code is not None
        return Result(self._code, (self._folder / "out").read_text(), self.err())

    def err(self) -> str:
        return (self._folder / "err").read_text()

    def kill_when(self, reached: Callable[[], bool]) -> bool:
        """Kill it as soon as `reached`; return whether that was before its end."""
        end = time.monotonic() + MOST_SECONDS
        while self.running() and not reached():
            assert time.monotonic() < end, self.err()
            time.sleep(0.001)
        self.signal(signal.SIGKILL)
        return self.wait().code == -signal.SIGKILL


class Forks:
    """The server, as a context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="som-forks-")
        self._count = 0

    def __enter__(self) -> Self:
        path = os.pathsep.join([environment()["PYTHONPATH"], str(SOURCE)])
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment() | {"PYTHONPATH": path},
            cwd=SOURCE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.communicate()
        self._folder.cleanup()

    def __call__(self, *words: object, **env: str) -> Result:
        """Run `som` to its end."""
        return self.start(*words, **env).wait()

    def start(self, *words: object, **env: str) -> Child:
        self._count += 1
        folder = Path(self._folder.name) / str(self._count)
        folder.mkdir()
        return Child(self, self.ask(start=[str(word) for word in words], env=env, folder=str(folder)), folder)

    def start_ranks(self, *words: Sequence[object]) -> list[Child]:
        """Start as many processes as there are command lines, as torchrun would."""
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        place = {"WORLD_SIZE": str(len(words)), "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        return [
            self.start(*one, **place, RANK=str(rank), LOCAL_RANK=str(rank)) for rank, one in enumerate(words)
        ]

    def ask(self, **question: Any) -> Any:
        stdin, stdout = self._server.stdin, self._server.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(question).encode() + b"\n")
        stdin.flush()
        line = stdout.readline()
        assert line, "the server of forks has ended"
        return json.loads(line)


def _serve() -> None:
    """Answer questions until standard input ends; then kill what is left."""
    _import_everything()
    codes: dict[int, int | None] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "start" in question:
            answer: int | None = _fork(question)
            codes[answer] = None  # type: ignore[index]
        else:
            answer = _polled(question["poll"], codes)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid, code in codes.items():
        if code is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _polled(pid: int, codes: dict[int, int | None]) -> int | None:
    if codes[pid] is None:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            codes[pid] = os.waitstatus_to_exitcode(status)
    return codes[pid]


def _import_everything() -> None:
    """Import what training uses, and start no thread."""
    import peft
    import torch
    import torch.distributed.fsdp
    import torch.utils.tensorboard
    import transformers

    import skillofmind.cli.train.export
    import skillofmind.cli.train.start
    import skillofmind.train.recipe
    import skillofmind.train.weights.export
    import skillofmind.train.weights.scratch

    torch.set_num_threads(1)
    # What transformers imports when it is asked for.
    assert transformers.LlamaForCausalLM
    assert transformers.GPT2LMHeadModel
    assert transformers.AutoTokenizer
    assert transformers.PreTrainedTokenizerFast
    assert transformers.AutoModelForCausalLM
    assert peft.LoraConfig
    assert skillofmind.cli.train.start
    assert skillofmind.cli.train.export
    assert skillofmind.train.recipe
    assert skillofmind.train.weights.export
    assert skillofmind.train.weights.scratch


def _fork(question: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        folder = Path(question["folder"])
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        for name, number in (("out", 1), ("err", 2)):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
        os.environ.update(question["env"])
        from skillofmind.cli.main import main

        code = main(question["start"])
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
