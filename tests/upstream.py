"""A real HTTP server on the loopback that speaks the OpenAI chat protocol, with faults on request.

It runs in a thread of the test's process, so a test scripts the far end with a plain function:

    with Upstream(reply=lambda body: "Hello", faults=[status(500), None]) as server:
        model = HttpModel("tiny", server.base_url)
        ...
    assert server.counts.received == 2

Request number i (counted from 0 in order of arrival) meets `faults[i]`; requests after the last are served
well. `seeded_faults` draws them at given rates instead. `POST .../chat/completions` (streaming and n
included) and `GET .../models` are served, any other path is 404.
"""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import msgspec

from tests.upstream_answers import Reply, chunks, completion

Kind = Literal[
    "status", "hang", "stall", "drip", "cut", "unfinished", "broken_json", "html", "wrong_type", "latency"
]


class Fault(NamedTuple):
    """What goes wrong with one request; made by the functions below."""

    kind: Kind
    code: int = 200
    seconds: float = 0.0
    retry_after: str | None = None
    message: str = "scripted fault"
    headers: tuple[tuple[str, str], ...] = ()


FaultPlan = Sequence[Fault | None] | Callable[[int], Fault | None]
"""Faults in order of arrival, or a function from the number of the request (from 0) to its fault."""


def status(
    code: int,
    *,
    retry_after: float | str | None = None,
    message: str = "scripted fault",
    headers: tuple[tuple[str, str], ...] = (),
) -> Fault:
    """Answer with this status and an error body."""
    wait = None if retry_after is None else str(retry_after)
    return Fault("status", code, retry_after=wait, message=message, headers=headers)


def rate_limit(retry_after: float | str | None = 0) -> Fault:
    """Answer 429 with `Retry-After`."""
    return status(429, retry_after=retry_after, message="too many requests")


def hang() -> Fault:
    """Take the request and never answer."""
    return Fault("hang")


def stall() -> Fault:
    """Send the first half of the answer, then nothing more, the connection open."""
    return Fault("stall")


def drip(seconds: float = 0.01) -> Fault:
    """Send the right answer in pieces with this pause before each: chunks, or tenths of a plain body."""
    return Fault("drip", seconds=seconds)


def cut() -> Fault:
    """Close the connection in the middle of the body (shorter than its declared length) or stream."""
    return Fault("cut")


def unfinished() -> Fault:
    """End cleanly, but without finish reason and `[DONE]` (stream) or without choices (plain)."""
    return Fault("unfinished")


def broken_json() -> Fault:
    """Send a body (or a chunk) that is not JSON."""
    return Fault("broken_json")


def html() -> Fault:
    """Send an HTML page with status 200, as a captive portal or a wrong port does."""
    return Fault("html")


def wrong_type() -> Fault:
    """Send the right body as `text/plain`."""
    return Fault("wrong_type")


def latency(seconds: float) -> Fault:
    """Send the right answer after this time."""
    return Fault("latency", seconds=seconds)


def seeded_faults(rates: Sequence[tuple[float, Fault]], seed: int = 0) -> Callable[[int], Fault | None]:
    """Return a fault plan that gives request i each fault with its probability, the same for one seed."""

    def plan(number: int) -> Fault | None:
        point = random.Random(f"{seed}:{number}").random()
        for rate, fault in rates:
            point -= rate
            if point < 0:
                return fault
        return None

    return plan


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; header names are in lower case, `body` is empty for a GET and for a form."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    form: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Counts:
    """What the server has seen.

    Attributes:
        received: requests read to their end.
        completed: right answers sent to their end.
        faults: faults played, `latency`, `drip` and `wrong_type` (which also complete) included.
        rejected: requests with a wrong key or path.
        disconnects: requests whose client left before the end.
        active: requests being answered now.
        most_active: highest `active` so far.
        prompt_tokens: words of all completed requests.
        completion_tokens: words of all completed answers.
        files: files uploaded to a `BatchUpstream`.
        batches: batches created.
        rows: requests received in the files of batches.
        rows_answered: those with a right answer, which also count as completed.
    """

    received: int = 0
    completed: int = 0
    faults: int = 0
    rejected: int = 0
    disconnects: int = 0
    active: int = 0
    most_active: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    files: int = 0
    batches: int = 0
    rows: int = 0
    rows_answered: int = 0

    def add_answer(self, usage: dict[str, int]) -> None:
        self.completed += 1
        self.prompt_tokens += usage["prompt_tokens"]
        self.completion_tokens += usage["completion_tokens"]


def echo(body: dict[str, Any]) -> str:
    """Reply with the text of the last message."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


@dataclass
class Upstream:
    """The server; a context manager that listens on a free port while it is entered.

    Attributes:
        reply: the scripted far end.
        faults: what goes wrong and when.
        key: the API key that requests must carry; `None` takes any.
        model: the name the server reports.
        latency: seconds before every answer.
        counts: what happened so far.
        requests: chat requests in order of arrival, those that met a fault or a wrong key included.
        failures: exceptions of `reply`, each answered with status 500.
    """

    reply: Reply = echo
    faults: FaultPlan = ()
    key: str | None = None
    model: str = "scripted"
    latency: float = 0.0
    counts: Counts = field(default_factory=Counts)
    requests: list[Received] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="upstream", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)

    async def _shut(self) -> None:
        self._server.close()
        tasks = [connection.task for connection in self._connections if connection.task is not None]
        for connection in list(self._connections):
            connection.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    @property
    def base_url(self) -> str:
        """Address for a client, `/v1` included."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def reached(self, wanted: Callable[[Counts], bool], seconds: float = 1.0) -> bool:
        """Wait until the counts are as `wanted`; say whether they were in time."""
        end = time.monotonic() + seconds
        while not wanted(self.counts):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.002)
        return True

    def answer_apart(
        self, request: Received, transport: asyncio.Transport
    ) -> Coroutine[Any, Any, bytes | None] | None:
        """Return what answers a request that is none of chat or models; for `BatchUpstream`."""
        return None

    def fault(self, number: int) -> Fault | None:
        """Return the fault of request `number`."""
        if callable(self.faults):
            return self.faults(number)
        return self.faults[number] if number < len(self.faults) else None


class _Connection(asyncio.Protocol):
    """One client connection: reads requests, answers them one after the other."""

    def __init__(self, server: Upstream) -> None:
        self.server = server
        self.task: asyncio.Task[None] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server._connections.discard(self)
        if self.task is not None:
            self.server.counts.disconnects += 1
            self.task.cancel()

    def abort(self) -> None:
        if self.task is not None:
            self.task.cancel()
        self.task = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._serve()

    def _serve(self) -> None:
        while self.task is None and not self.transport.is_closing():
            request, self._buffer = _parse(self._buffer)
            if request is None:
                return
            self._answer(request)

    def _answer(self, request: Received) -> None:
        counts, number = self.server.counts, self.server.counts.received
        apart = self.server.answer_apart(request, self.transport)
        if apart is not None:
            self.task = self.server._loop.create_task(self._apart(apart))
            return
        refused = _refusal(self.server, request)
        if request.method == "GET" and refused is None:
            self.transport.write(plain_response(_models(self.server.model)))
            return
        self.server.requests.append(request)
        counts.received += 1
        if refused is not None:
            counts.rejected += 1
            self.transport.write(refused)
            return
        fault = self.server.fault(number)
        counts.faults += fault is not None
        counts.active += 1
        counts.most_active = max(counts.most_active, counts.active)
        if fault is None and not self.server.latency and not request.body.get("stream"):
            self._finish(self._whole(request.body, number))
        else:
            self.task = self.server._loop.create_task(self._slowly(request.body, number, fault))

    async def _apart(self, answer: Coroutine[Any, Any, bytes | None]) -> None:
        """Send what `answer` gives, or hang up where that is nothing."""
        try:
            last = await answer
        except Exception as error:
            self.server.failures.append(error)
            last = error_response(status(500, message=f"the server failed: {error!r}"))
        self.task = None
        if last is None:
            self.transport.close()
        else:
            self.transport.write(last)
        self._serve()

    def _right_answer(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        return completion(self.server.reply, self.server.model, body, number)

    def _whole(self, body: dict[str, Any], number: int) -> bytes:
        """Return the response to a plain request."""
        try:
            answer = self._right_answer(body, number)
        except Exception as error:
            self.server.failures.append(error)
            return error_response(status(500, message=f"the reply function failed: {error!r}"))
        self.server.counts.add_answer(answer["usage"])
        return plain_response(msgspec.json.encode(answer))

    def _finish(self, last: bytes) -> None:
        self.server.counts.active -= 1
        self.transport.write(last)

    async def _slowly(self, body: dict[str, Any], number: int, fault: Fault | None) -> None:
        last = b""
        try:
            await asyncio.sleep(self.server.latency + (fault.seconds if fault else 0.0))
            if fault is not None and fault.kind in ("status", "hang", "html"):
                last = await _before_the_answer(fault)
            elif body.get("stream"):
                await self._stream(body, number, fault)
            else:
                last = await self._body(body, number, fault)
        except Exception as error:
            self.server.failures.append(error)
            last = error_response(status(500, message=f"the reply function failed: {error!r}"))
        finally:
            self._finish(last)
            if asyncio.current_task() is self.task:
                self.task = None
        self._serve()

    async def _body(self, body: dict[str, Any], number: int, fault: Fault | None) -> bytes:
        """Return a plain response, spoilt by `fault`."""
        kind = "" if fault is None else fault.kind
        if kind in ("broken_json", "unfinished"):
            return plain_response(
                b'{"choices": [' if kind == "broken_json" else b'{"object": "chat.completion"}'
            )
        if kind in ("cut", "stall"):
            whole = plain_response(msgspec.json.encode(self._right_answer(body, number)))
            self.transport.write(whole[: -len(whole) // 4])
            if kind == "stall":
                await asyncio.Event().wait()
            self.task = None
            self.transport.close()
            return b""
        whole = self._whole(body, number)
        if kind == "wrong_type":
            return whole.replace(b"application/json", b"text/plain", 1)
        if fault is not None and kind == "drip":
            tenth = len(whole) // 10 + 1
            for start in range(0, len(whole), tenth):
                self.transport.write(whole[start : start + tenth])
                await asyncio.sleep(fault.seconds)
            return b""
        return whole

    async def _stream(self, body: dict[str, Any], number: int, fault: Fault | None) -> None:
        """Send a stream, spoilt by `fault`."""
        kind = "" if fault is None else fault.kind
        media = b"text/plain" if kind == "wrong_type" else b"text/event-stream"
        answer = self._right_answer(body, number)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % media
        self.transport.write(head)
        pieces = list(chunks(answer, body))
        async for chunk in _spoilt(pieces, kind, 0.0 if fault is None else fault.seconds):
            self._event(chunk)
        if kind == "cut":
            self.task = None
            self.transport.close()
            return
        if kind not in ("unfinished", "broken_json"):
            self._event(b"[DONE]")
            self.server.counts.add_answer(answer["usage"])
        self.transport.write(b"0\r\n\r\n")

    def _event(self, data: bytes) -> None:
        event = b"data: %s\n\n" % data
        self.transport.write(b"%x\r\n%s\r\n" % (len(event), event))


async def _before_the_answer(fault: Fault) -> bytes:
    """Return the response of a fault that has nothing to do with the answer."""
    if fault.kind == "hang":
        await asyncio.Event().wait()
    return (
        error_response(fault)
        if fault.kind == "status"
        else plain_response(b"<html>Sign in</html>", media="text/html")
    )


async def _spoilt(chunks: list[dict[str, Any]], kind: str, seconds: float) -> AsyncIterator[bytes]:
    """Yield the chunks as JSON; faults that end a stream early do so in its middle."""
    early = kind in ("cut", "stall", "unfinished", "broken_json")
    for chunk in chunks[: max(1, len(chunks) // 2)] if early else chunks:
        yield msgspec.json.encode(chunk)
        if seconds and kind == "drip":
            await asyncio.sleep(seconds)
    if kind == "broken_json":
        yield b'{"choices": ['
    if kind == "stall":
        await asyncio.Event().wait()


def _parse(buffer: bytes) -> tuple[Received | None, bytes]:
    """Take one whole request off the buffer; `None` where it is not all there."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None, buffer
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    stop = end + 4 + int(headers.get("content-length", "0"))
    if len(buffer) < stop:
        return None, buffer
    method, path, _ = first.split(" ", 2)
    content = buffer[end + 4 : stop]
    if headers.get("content-type", "").startswith("multipart/"):
        return Received(method, path, headers, {}, content), buffer[stop:]
    body = msgspec.json.decode(content) if content else {}
    return Received(method, path, headers, body), buffer[stop:]


def wrong_key(server: Upstream, request: Received) -> bytes | None:
    sent = request.headers.get("authorization", "")
    if server.key is None or sent == f"Bearer {server.key}":
        return None
    return error_response(status(401, message=f"Incorrect API key provided: {sent.removeprefix('Bearer ')}"))


def _refusal(server: Upstream, request: Received) -> bytes | None:
    path = request.path.partition("?")[0]
    known = path.endswith("/models" if request.method == "GET" else "/chat/completions")
    missing = None if known else error_response(status(404, message=f"no such path {path}"))
    return wrong_key(server, request) or missing


def plain_response(body: bytes, code: int = 200, media: str = "application/json", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {code} X\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def error_response(fault: Fault) -> bytes:
    error = {"message": fault.message, "type": "scripted", "param": None, "code": None}
    headers = "".join(f"{name}: {value}\r\n" for name, value in fault.headers)
    if fault.retry_after is not None:
        headers += f"Retry-After: {fault.retry_after}\r\n"
    return plain_response(msgspec.json.encode({"error": error}), fault.code, headers=headers)


def _models(model: str) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [{"id": model, "object": "model"}]})
