"""The far end of the annotation benchmark: a chat server that costs less than any client and counts.

Every row of the benchmark carries `(case N)` in its dialogue. The server finds N in the bytes of a request
and answers with an annotation made for it, without reading the JSON; it runs in a process of its own and is
told through a pipe when a run begins and asked afterwards what it saw. `capacity` says how fast it is, with
a client that does nothing but send bytes.
"""

import asyncio
import hashlib
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

MODEL = "tiny"
_MARK = b"(case "
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_SKILLS = ("Empathy", "Clarification", "Active Listening", "Recommendation", "Persuasion", "Confirmation")
_MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()


class Begin(NamedTuple):
    """A run begins.

    Attributes:
        rows: cases 0 to `rows - 1` will be asked.
        latency: seconds before each answer.
        keep: also read each request, so that `Seen.digest` is there.
    """

    rows: int
    latency: float = 0.0
    keep: bool = False


class Seen(NamedTuple):
    """What the server saw since the run began.

    Attributes:
        requests: chat requests.
        asked_once: cases with exactly one request.
        cpu: CPU seconds of the server.
        digest: SHA-256 of all messages and sampling fields, whatever their order; "" where not kept.
    """

    requests: int
    asked_once: int
    cpu: float
    digest: str


def mark(case: int) -> str:
    """Return what the dialogue of a case has to contain."""
    return f"(case {case})"


def skill(case: int) -> str:
    """Return the skill that the server names for a case."""
    return _SKILLS[case % len(_SKILLS)]


def answer(case: int) -> str:
    """Return the text of the answer for a case: one annotation that no filter of ours rejects."""
    explanation = (
        f"I notice how much hangs on this for them, and in my case {case} I would rather slow down, hear "
        "what is behind it, and only then say what I can do about it."
    )
    words = (
        "penguins",
        "violins",
        "glaciers",
        "pottery",
        "volcanoes",
        "lighthouses",
        "marmalade",
        "zeppelins",
    )
    found = {
        "skill": skill(case),
        "explanation": explanation,
        "counterfactual response": " ".join(words[(case + step) % len(words)] for step in range(8)),
    }
    return json.dumps([found])


def response(case: int) -> bytes:
    """Return the whole HTTP response for a case."""
    choice = {"index": 0, "message": {"role": "assistant", "content": answer(case)}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 600, "completion_tokens": 60, "total_tokens": 660}
    head = {"id": f"chatcmpl-{case}", "object": "chat.completion", "created": 1, "model": MODEL}
    return _http(json.dumps({**head, "choices": [choice], "usage": usage}).encode())


def digest_of(body: dict[str, Any]) -> bytes:
    """Return a digest of what a request asks: messages and sampling, not the order or number of its keys."""
    messages = [(message["role"], _text(message["content"])) for message in body["messages"]]
    tokens = body.get("max_tokens", body.get("max_completion_tokens"))
    asked = [messages, body["model"], body["temperature"], body["top_p"], tokens]
    return hashlib.sha256(json.dumps(asked).encode()).digest()


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _http(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Server:
    """One running server, as the benchmark sees it."""

    def __init__(self, pipe: Connection, base_url: str) -> None:
        self.base_url = base_url
        self._pipe = pipe

    def begin(self, begin: Begin) -> None:
        """Forget what was and begin a run."""
        self._pipe.send(begin)
        self._pipe.recv()

    def seen(self) -> Seen:
        """Return what came in since the run began."""
        self._pipe.send(None)
        found: Seen = self._pipe.recv()
        return found


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server in a process of its own for the length of the block."""
    near, far = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(far,), daemon=True)
    process.start()
    try:
        yield Server(near, near.recv())
    finally:
        near.send("stop")
        process.join(10)


class _State:
    """What a run has seen so far."""

    def __init__(self, begin: Begin) -> None:
        self.latency, self.keep = begin.latency, begin.keep
        self.counts = bytearray(begin.rows)
        self.requests = 0
        self.digests: list[bytes] = []
        self.cpu = time.process_time()
        # Made ahead, so that short runs meet a server that only copies bytes.
        self.ready = [response(case) for case in range(begin.rows)] if begin.rows <= 20_000 else []

    def take(self, body: bytes) -> bytes:
        start = body.index(_MARK) + len(_MARK)
        case = int(body[start : body.index(b")", start)])
        self.requests += 1
        self.counts[case] = min(2, self.counts[case] + 1)
        if self.keep:
            self.digests.append(digest_of(json.loads(body)))
        return self.ready[case] if self.ready else response(case)

    def seen(self) -> Seen:
        whole = hashlib.sha256(b"".join(sorted(self.digests))).hexdigest() if self.keep else ""
        return Seen(self.requests, self.counts.count(1), time.process_time() - self.cpu, whole)


class _Held:
    """Holds the state, which each run replaces."""

    def __init__(self) -> None:
        self.state = _State(Begin(0))


class _Connection(asyncio.Protocol):
    def __init__(self, held: _Held, loop: asyncio.AbstractEventLoop) -> None:
        self._held, self._loop, self._buffer = held, loop, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end + 2)
            stop = end + 4 + (int(found[1]) if found else 0)
            if len(self._buffer) < stop:
                return
            request, self._buffer = self._buffer[:stop], self._buffer[stop:]
            self._answer(request, end + 4)

    def _answer(self, request: bytes, start: int) -> None:
        state = self._held.state
        if request.startswith(b"GET"):
            self._transport.write(_http(_MODELS))
            return
        ready = state.take(request[start:])
        if state.latency:
            self._loop.call_later(state.latency, self._transport.write, ready)
        else:
            self._transport.write(ready)


def _serve(pipe: Connection) -> None:
    asyncio.run(_serving(pipe))


async def _serving(pipe: Connection) -> None:
    loop, held, ended = asyncio.get_running_loop(), _Held(), asyncio.Event()

    def told() -> None:
        asked = pipe.recv()
        if asked is None:
            pipe.send(held.state.seen())
        elif isinstance(asked, Begin):
            held.state = _State(asked)
            pipe.send(True)
        else:
            ended.set()

    server = await loop.create_server(lambda: _Connection(held, loop), "127.0.0.1", 0, backlog=1024)
    loop.add_reader(pipe.fileno(), told)
    pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    await ended.wait()


class _Sender(asyncio.Protocol):
    """Sends ready-made requests one after the other and counts the answers by their known lengths."""

    def __init__(self, cases: Iterator[int], bodies: list[bytes], done: asyncio.Future[None]) -> None:
        self._cases, self._bodies, self._done, self._left = cases, bodies, done, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left <= 0:
            self._send()

    def _send(self) -> None:
        case = next(self._cases, None)
        if case is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._left = len(response(case % len(self._bodies)))
        self._transport.write(self._bodies[case % len(self._bodies)])


async def _flood(port: int, requests: int, connections: int, bodies: list[bytes]) -> float:
    loop, cases = asyncio.get_running_loop(), iter(range(requests))
    ends = [loop.create_future() for _ in range(connections)]
    start = time.perf_counter()
    for end in ends:
        await loop.create_connection(lambda end=end: _Sender(cases, bodies, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return time.perf_counter() - start


def capacity(server: Server, prompts: list[bytes], requests: int = 30_000) -> dict[str, float]:
    """Return what the server sustains without latency: requests a second and its CPU for each.

    Args:
        server: a running one.
        prompts: bodies of the requests of case 0, 1, ...
        requests: how many to send over 64 connections.
    """
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n"
    bodies = [head.format(len(body)).encode() + body for body in prompts]
    server.begin(Begin(len(bodies)))
    port = int(server.base_url.rpartition(":")[2].partition("/")[0])
    wall = asyncio.run(_flood(port, requests, 64, bodies))
    seen = server.seen()
    return {
        "requests_per_s_with_a_plain_sender": round(requests / wall),
        "cpu_ms_per_request": round(seen.cpu / requests * 1000, 4),
        "requests_per_cpu_s": round(requests / seen.cpu),
    }
