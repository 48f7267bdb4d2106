"""Run `som` in a child process or in this one, and the dialogues and replies that its tests share."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

import skillofmind
from skillofmind.cli.main import main
from skillofmind.cli.plan.rows import PlanRow
from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.mind.taxonomy import load_taxonomy

SOURCE = Path(skillofmind.__file__).parents[1]
SKILLS = load_taxonomy().names()
_NUMBER = re.compile(r"case (\d+):")


class Result(NamedTuple):
    """Exit code and what was written."""

    code: int
    out: str
    err: str

    def rows(self) -> list[PlanRow]:
        return read_rows(self.out.encode())


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1", **more}


def command(*words: object, module: str = "skillofmind") -> list[str]:
    return [sys.executable, "-m", module, *map(str, words)]


def som(
    *words: object, stdin: bytes = b"", cwd: Path | None = None, module: str = "skillofmind", **env: str
) -> Result:
    """Run `som` in a child process, or another module that ends in it."""
    done = subprocess.run(
        command(*words, module=module),
        input=stdin,
        capture_output=True,
        env=environment(**env),
        cwd=cwd,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


class Here:
    """`som` in this process: quick, and open to monkeypatches; has no standard input."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: object) -> Result:
        code = main([str(word) for word in words])
        out, err = self._capsys.readouterr()
        return Result(code, out, err)


@contextmanager
def started(
    *words: object, stdin: bytes = b"", module: str = "skillofmind"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start `som` and let it run; it is killed at the end of the block at the latest."""
    pipe = subprocess.PIPE
    words_of_all = command(*words, module=module)
    process = subprocess.Popen(words_of_all, stdin=pipe, stdout=pipe, stderr=pipe, env=environment())
    assert process.stdin is not None
    # So short an input fits into the pipe.
    process.stdin.write(stdin)
    process.stdin.close()
    process.stdin = None
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def numbered(count: int) -> list[Dialogue]:
    """Dialogues that a scripted server can tell apart: each says its number."""
    return [
        Dialogue(
            turns=(
                Turn("Ana", f"case {number}: I have to tell you something."),
                Turn("Ben", "I am listening."),
                Turn("Ana", "I failed the exam again and I don't know what to do."),
            ),
            context=SocialContext(relationship="flatmates"),
            id=f"case-{number}",
        )
        for number in range(count)
    ]


def write_dialogues(path: Path, dialogues: Sequence[Dialogue]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(dialogue) + b"\n" for dialogue in dialogues))
    return path


def case_of(body: dict[str, Any]) -> int:
    """Return the number of the dialogue that a request is about."""
    asked = "".join(str(message.get("content")) for message in body["messages"])
    found = _NUMBER.search(asked)
    assert found is not None, asked[:200]
    return int(found[1])


def answer(skill: str, explanation: str = "I want to be there for Ana.", *others: str) -> str:
    return msgspec.json.encode(
        {"explanation": explanation, "skill": skill, "alternatives": list(others)}
    ).decode()


def right_answer(body: dict[str, Any]) -> str:
    """Answer case number n with skill number n, so that a mixed-up answer shows."""
    number = case_of(body)
    return answer(SKILLS[number % len(SKILLS)], f"I think of case {number}.")


def read_rows(data: bytes) -> list[PlanRow]:
    decoder: Callable[[bytes], PlanRow] = msgspec.json.Decoder(PlanRow).decode
    return [decoder(line) for line in data.splitlines()]


def prompted(base_url: str) -> list[str]:
    """Return the options of a prompted planner at `base_url`."""
    return ["--planner", "prompted", "--model", "scripted", "--base-url", base_url]


def assert_refused(result: Result, *said: str) -> None:
    """Assert one sentence on standard error, exit code 2, nothing on standard output, no traceback."""
    assert (result.code, result.out) == (2, ""), result
    assert "Traceback" not in result.err
    assert result.err.startswith("som")
    assert result.err.count("\n") == 1, result.err
    for words in said:
        assert words in result.err
