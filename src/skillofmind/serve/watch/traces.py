"""One JSON line for each request: how it went, never what was said in it.

*Covered*

- A line has no words of a conversation, no key, no header of a client, no address, no profile id; the model
  is the one that the server was told, or a shortened name.
- A line is written with one call, so lines of several processes in one file do not mix.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.inject import Reason

_MODEL_CHARS = 64


class Trace:
    """What is known of one request at its end; filled in on the way."""

    __slots__ = (
        "answer",
        "cut",
        "first_byte",
        "id",
        "model",
        "path",
        "plan",
        "plan_seconds",
        "reason",
        "skill",
        "start",
        "status",
        "stream",
    )

    def __init__(self, identity: str, path: str, start: float) -> None:
        self.id = identity
        self.path = path
        self.start = start
        self.status = 0
        self.model = ""
        self.stream = False
        self.reason: Reason | None = None
        self.skill = ""
        self.plan_seconds: float | None = None
        self.first_byte: float | None = None
        self.cut = ""
        self.plan = Usage()
        self.answer = Usage()

    def line(self, moment: float, seconds: float, worker: int) -> dict[str, Any]:
        """Return what is written: Unix time, id, status, seconds, and what came of planning."""
        found: dict[str, Any] = {
            "time": round(moment, 3),
            "request": self.id,
            "path": self.path,
            "status": self.status,
            "seconds": round(seconds, 6),
            "worker": worker,
        }
        if self.reason is not None:
            found |= self._chat()
        return found | ({"cut": self.cut} if self.cut else {})

    def _chat(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "model": "".join(c if c.isprintable() else "?" for c in self.model[:_MODEL_CHARS]),
            "stream": self.stream,
            "planned": not self.reason,
            "reason": self.reason,
            "tokens": {
                "plan": [self.plan.prompt_tokens, self.plan.completion_tokens],
                "answer": [self.answer.prompt_tokens, self.answer.completion_tokens],
            },
        }
        optional = {"skill": self.skill, "plan_seconds": self.plan_seconds, "first_byte": self.first_byte}
        return found | {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in optional.items()
            if value not in ("", None)
        }


class Log:
    """Where lines go: a file, standard error, or nowhere."""

    def __init__(self, place: str, worker: int = 0, clock: Callable[[], float] = time.time) -> None:
        """Open `place`: a path, "-" for standard error, "" for nowhere.

        Raises:
            ConfigurationError: the file cannot be written to.
        """
        self._worker = worker
        self._clock = clock
        self._file = _opened(place)

    def request(self, trace: Trace, seconds: float) -> None:
        """Write the line of a request."""
        self._write(trace.line(self._clock(), seconds, self._worker))

    def event(self, name: str, **fields: Any) -> None:
        """Write a line about the server itself."""
        self._write({"time": round(self._clock(), 3), "event": name, "worker": self._worker, **fields})

    def close(self) -> None:
        """Close the file."""
        if self._file > 2:
            os.close(self._file)
        self._file = -1

    def _write(self, fields: dict[str, Any]) -> None:
        if self._file < 0:
            return
        try:
            os.write(self._file, msgspec.json.encode(fields) + b"\n")
        except OSError:
            # A full disk or a closed pipe costs lines, not answers.
            return


def _opened(place: str) -> int:
    if not place:
        return -1
    if place == "-":
        return sys.__stderr__.fileno() if sys.__stderr__ is not None else -1
    try:
        return os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"--log {place!r} cannot be written ({error.strerror}); name a file."
        ) from error
