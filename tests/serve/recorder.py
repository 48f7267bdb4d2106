"""An upstream that keeps every byte of what it gets and gives back bytes that a test wrote.

with Recorder([json_response(b'{"choices": []}')]) as upstream:
    ...
upstream.heads, upstream.bodies
"""

import asyncio
import re
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole HTTP response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def json_response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole HTTP response with a JSON body."""
    return response(body, "Content-Type: application/json", *headers, status=status)


def sse_response(*pieces: bytes) -> bytes:
    """Return a streamed HTTP response, one HTTP chunk for each piece."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Recorder:
    """The upstream; request i gets `answers[i]`, and the last answer again from then on.

    Attributes:
        heads: head of each request, in order of arrival.
        bodies: body of each request.
        lost: connections that were closed by the other side while an answer was held back.
    """

    def __init__(self, answers: Sequence[bytes | None], close: bool = False) -> None:
        """Give `answers`; `None` holds the answer back. With `close`, hang up after each."""
        self.answers, self.close = list(answers), close
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.lost = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorder", daemon=True)
        self._thread.start()
        self._transports: set[asyncio.Transport] = set()
        listen = self._loop.create_server(lambda: _Line(self), "127.0.0.1", 0, backlog=4096)
        self._server = asyncio.run_coroutine_threadsafe(listen, self._loop).result(5)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _shut(self) -> None:
        self._server.close()
        for transport in list(self._transports):
            transport.abort()
        await asyncio.sleep(0.01)

    @property
    def base_url(self) -> str:
        """Address for a client, `/v1` included."""
        return f"http://127.0.0.1:{self.port}/v1"


class _Line(asyncio.Protocol):
    def __init__(self, server: Recorder) -> None:
        self._server, self._buffer, self._waiting = server, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._transports.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._transports.discard(self._transport)
        self._server.lost += self._waiting

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end + 2)
            stop = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < stop:
                return
            self._take(self._buffer[:end], self._buffer[end + 4 : stop])
            self._buffer = self._buffer[stop:]

    def _take(self, head: bytes, body: bytes) -> None:
        server = self._server
        answer = server.answers[min(len(server.bodies), len(server.answers) - 1)]
        server.heads.append(head)
        server.bodies.append(body)
        if answer is None:
            self._waiting = True
            return
        self._transport.write(answer)
        if server.close:
            self._transport.close()
