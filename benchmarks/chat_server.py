"""A chat server for benchmarks that costs less than any client: raw asyncio in a process of its own.

What it answers is a script: a record whose `reply` gives, for the bytes of a request, what to write and how
many seconds after the request. `Fixed` always says the same, whole or as a stream of 16 events.
"""

import asyncio
import functools
import json
import multiprocessing
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

MODEL = "tiny"
EVENTS = 16
TEXT = " ".join(
    f"{word} it sounds as if this week asked more of you than it gave back;"
    for word in ("Honestly", "truly", "indeed", "well")
)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_STREAM = re.compile(rb'"stream": ?true')
_MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)
Timed = Sequence[tuple[float, bytes]]
"""What to write, and how many seconds after the request."""


class Script(Protocol):
    """What a server answers."""

    def reply(self, body: bytes) -> Timed:
        """Return what is written for the body of a chat request."""


class Fixed(NamedTuple):
    """The same answer for everybody, after `delay` seconds."""

    delay: float = 0.0

    def reply(self, body: bytes) -> Timed:
        """Return the answer, as a stream where one is asked for."""
        if not wants_stream(body):
            return ((self.delay, whole()),)
        return [(self.delay, piece) for piece in streamed()]


class Seen(NamedTuple):
    """Chat requests since the server was asked last, and its CPU seconds for them."""

    requests: int
    cpu: float


def wants_stream(body: bytes) -> bool:
    """Say whether a request asks for a stream."""
    return _STREAM.search(body) is not None


def http(body: bytes) -> bytes:
    """Return a whole response with a JSON body."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body; nothing ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def completion(text: str, tokens: tuple[int, int]) -> bytes:
    """Return the JSON of a chat completion."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps(_head("chat.completion", [choice]) | {"usage": usage(tokens)}).encode()


def event(delta: dict[str, Any], reason: str | None = None, tokens: tuple[int, int] | None = None) -> bytes:
    """Return one event of a stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    counted = {} if tokens is None else {"usage": usage(tokens)}
    return b"data: " + json.dumps(_head("chat.completion.chunk", [choice]) | counted).encode() + b"\n\n"


def usage(tokens: tuple[int, int]) -> dict[str, int]:
    """Return tokens in and out as the protocol writes them."""
    return {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}


def _head(kind: str, choices: list[Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": MODEL, "choices": choices}


@functools.cache
def whole() -> bytes:
    """Return the whole response of `Fixed`."""
    return http(completion(TEXT, (200, 60)))


@functools.cache
def streamed() -> tuple[bytes, ...]:
    """Return the stream of `Fixed`: the head with the first event, the other events, the end."""
    size = -(-len(TEXT) // (EVENTS - 2))
    parts = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    events = [
        event({"role": "assistant", "content": ""}),
        *(event({"content": part}) for part in parts),
        event({}, "stop", (200, 60)),
    ]
    chunks = [chunk(one) for one in events]
    return (STREAM_HEAD + chunks[0], *chunks[1:], chunk(b"data: [DONE]\n\n") + chunk(b""))


class Server:
    """One running server, as a benchmark sees it."""

    def __init__(self, pipe: Connection, port: int) -> None:
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self._pipe = pipe

    def use(self, script: Script) -> None:
        """Answer by `script` from now on."""
        self._pipe.send(script)
        self._pipe.recv()

    def seen(self) -> Seen:
        """Return what came in since this was asked last."""
        self._pipe.send(None)
        found: Seen = self._pipe.recv()
        return found


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    """Run a server in a process of its own for the length of the block."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(far, script), daemon=True)
    process.start()
    # Only the process holds this end now, so that its death ends a wait for its words.
    far.close()
    try:
        yield Server(near, near.recv())
    finally:
        with suppress(OSError):
            near.send("stop")
        process.join(10)


class _Held:
    def __init__(self, script: Script) -> None:
        self.script, self.requests, self.cpu = script, 0, time.process_time()

    def seen(self) -> Seen:
        now = time.process_time()
        found = Seen(self.requests, now - self.cpu)
        self.requests, self.cpu = 0, now
        return found


class _Connection(asyncio.Protocol):
    def __init__(self, held: _Held, loop: asyncio.AbstractEventLoop) -> None:
        self._held, self._loop, self._buffer = held, loop, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            stop = self._stop(end)
            if stop < 0 or len(self._buffer) < stop:
                return
            request, self._buffer = self._buffer[:stop], self._buffer[stop:]
            self._answer(request, end + 4)

    def _stop(self, end: int) -> int:
        """Return where the request ends whose head ends at `end`; -1 where that is not known yet."""
        found = _LENGTH.search(self._buffer, 0, end + 2)
        if found is None and _CHUNKED.search(self._buffer, 0, end + 2):
            last = self._buffer.find(b"0\r\n\r\n", end + 2)
            return last + 5 if last >= 0 else -1
        return end + 4 + (int(found[1]) if found else 0)

    def _answer(self, request: bytes, start: int) -> None:
        if request.startswith(b"GET"):
            self._transport.write(http(_MODELS))
            return
        self._held.requests += 1
        for seconds, data in self._held.script.reply(request[start:]):
            if seconds:
                self._loop.call_later(seconds, self._transport.write, data)
            else:
                self._transport.write(data)


def _serve(pipe: Connection, script: Script) -> None:
    asyncio.run(_serving(pipe, script))


async def _serving(pipe: Connection, script: Script) -> None:
    loop, held, ended = asyncio.get_running_loop(), _Held(script), asyncio.Event()

    def told() -> None:
        asked = pipe.recv()
        if asked is None:
            pipe.send(held.seen())
        elif asked == "stop":
            ended.set()
        else:
            held.script = asked
            pipe.send(True)

    server = await loop.create_server(lambda: _Connection(held, loop), "127.0.0.1", 0, backlog=1024)
    loop.add_reader(pipe.fileno(), told)
    pipe.send(server.sockets[0].getsockname()[1])
    await ended.wait()
