"""A load generator that costs little: raw asyncio connections in a process of its own, each in a closed loop.

A client sends one request after the other, each as soon as the answer to the one before is there. It
keeps its connection where the server does, and opens another where the server closes it, as some do after
each answer; that time is then part of the request. Of an answer it looks at the status and at where it ends.
"""

import asyncio
import itertools
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")
_CLOSES = re.compile(rb"(?i)^HTTP/1\.0 |\r\nconnection: *close")
_END = b"0\r\n\r\n"
_IN_CHUNKS, _TO_THE_END = -2, -1
_LONGEST = 120.0


class Load(NamedTuple):
    """What to send.

    Attributes:
        port: on this machine.
        bodies: of the requests, JSON; each client sends them in turn, and begins at another one.
        clients: how many send at once.
        seconds: after which no further request begins.
        warm: let every client send one request first that is not counted.
    """

    port: int
    bodies: tuple[bytes, ...]
    clients: int
    seconds: float
    warm: bool = True


class Done(NamedTuple):
    """What came of it.

    Attributes:
        failed: answers whose status was not 200, or that were cut.
        wall: seconds from the first request to the last answer.
        cpu: CPU seconds of the generator.
        taken: seconds of each request, to the end of its answer.
        first: seconds of each request, to the first byte of the body.
    """

    failed: int
    wall: float
    cpu: float
    taken: list[float]
    first: list[float]


class Generator:
    """A running generator."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def ready(self, load: Load) -> None:
        """Open the connections and warm them."""
        self._pipe.send(load)
        self._pipe.recv()

    def go(self) -> Done:
        """Send what `ready` was told."""
        self._pipe.send(True)
        found: Done = self._pipe.recv()
        return found


@contextmanager
def generating() -> Iterator[Generator]:
    """Run a generator in a process of its own for the length of the block."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_generate, args=(far,), daemon=True)
    process.start()
    # Only the process holds this end now, so that its death ends a wait for its words.
    far.close()
    try:
        yield Generator(near)
    finally:
        with suppress(OSError):
            near.send(None)
        process.join(10)


def _generate(pipe: Connection) -> None:
    while (load := pipe.recv()) is not None:
        asyncio.run(_run(load, pipe))


async def _run(load: Load, pipe: Connection) -> None:
    clients = [_Client(load, number) for number in range(load.clients)]
    await asyncio.gather(*(client.connect() for client in clients))
    if load.warm:
        await _all_until(clients, 0.0)
    for client in clients:
        client.forget()
    pipe.send(True)
    pipe.recv()
    start, cpu = time.perf_counter(), time.process_time()
    await _all_until(clients, start + load.seconds)
    wall, spent = time.perf_counter() - start, time.process_time() - cpu
    for client in clients:
        client.close()
    pipe.send(
        Done(
            sum(client.failed for client in clients),
            wall,
            spent,
            [one for client in clients for one in client.taken],
            [one for client in clients for one in client.first],
        )
    )


async def _all_until(clients: list["_Client"], end: float) -> None:
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in clients]
    for client, future in zip(clients, ends, strict=True):
        client.begin(end, future)
    async with asyncio.timeout(_LONGEST):
        await asyncio.gather(*ends)


def request(port: int, body: bytes) -> bytes:
    """Return a chat request as it goes over the wire."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer none\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Client:
    """One client: a loop of requests, over one connection as long as the server keeps it."""

    def __init__(self, load: Load, number: int) -> None:
        first = number * len(load.bodies) // load.clients
        ordered = (*load.bodies[first:], *load.bodies[:first])
        self._requests = itertools.cycle([request(load.port, body) for body in ordered])
        self._port = load.port
        self._wire: _Wire | None = None
        self._opening: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] | None = None
        self._end = self._start = 0.0
        self._request = b""
        self.forget()

    def forget(self) -> None:
        """Forget what was counted."""
        self.taken: list[float] = []
        self.first: list[float] = []
        self.failed = 0

    async def connect(self) -> None:
        """Open a connection."""
        loop = asyncio.get_running_loop()
        _, self._wire = await loop.create_connection(lambda: _Wire(self), "127.0.0.1", self._port)

    def close(self) -> None:
        """Drop the connection."""
        if self._wire is not None:
            self._wire.drop()

    def begin(self, end: float, ended: "asyncio.Future[None]") -> None:
        """Send requests until `end`, at least one."""
        self._end, self._ended = end, ended
        self._send()

    def _send(self) -> None:
        self._request = next(self._requests)
        self._start = time.perf_counter()
        if self._wire is not None:
            self._wire.send(self._request)
        else:
            self._opening = asyncio.ensure_future(self._reopen())

    async def _reopen(self) -> None:
        await self.connect()
        if self._wire is not None:
            self._wire.send(self._request)

    def answered(self, first: float, *, failed: bool) -> None:
        """Count an answer, whose body began at `first`, and go on."""
        now = time.perf_counter()
        self.failed += failed
        self.taken.append(now - self._start)
        self.first.append(first - self._start)
        if now < self._end:
            self._send()
        elif self._ended is not None:
            self._ended.set_result(None)
            self._ended = None

    def lost(self, *, asked: bool) -> None:
        """Go on without the connection; with `asked`, the request that it was sent goes out again."""
        self._wire = None
        if asked:
            self._opening = asyncio.ensure_future(self._reopen())


class _Wire(asyncio.Protocol):
    """One connection, which reads one answer after the other."""

    def __init__(self, client: _Client) -> None:
        self._client: _Client | None = client
        self._asked = False
        self._clear()

    def _clear(self) -> None:
        self._buffer, self._body, self._length, self._closes = b"", -1, _TO_THE_END, False
        self._first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._clear()
        self._asked = True
        self._transport.write(request)

    def drop(self) -> None:
        """Close the connection and tell nobody."""
        self._client = None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self._body < 0 and not self._read_head():
            return
        if not self._first and len(self._buffer) > self._body:
            self._first = time.perf_counter()
        if self._length >= 0:
            whole = len(self._buffer) >= self._body + self._length
        else:
            whole = self._length == _IN_CHUNKS and self._buffer.endswith(_END)
        if whole:
            self._done(cut=False)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        found = _LENGTH.search(self._buffer, 0, end + 2)
        chunked = _CHUNKED.search(self._buffer, 0, end + 2)
        self._length = int(found[1]) if found else _IN_CHUNKS if chunked else _TO_THE_END
        self._closes = _CLOSES.search(self._buffer, 0, end + 2) is not None
        self._body = end + 4
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._client is None:
            return
        if self._asked and self._buffer:
            # Without a length, the end of the connection is the end of the answer.
            self._closes = True
            self._done(cut=self._length != _TO_THE_END or self._body < 0)
        else:
            # An idle connection that was closed as a request went out: the request takes another one.
            self._client.lost(asked=self._asked)

    def _done(self, *, cut: bool) -> None:
        client, self._asked = self._client, False
        failed = cut or b" 200 " not in self._buffer[:16]
        if client is not None:
            if self._closes:
                client.lost(asked=False)
                self.drop()
            client.answered(self._first or time.perf_counter(), failed=failed)
