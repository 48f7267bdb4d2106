"""A whole server for tests: one process's worth on a free port, in a thread of its own.

with Upstream(reply=lambda body: "Hello") as upstream, Serving(upstream.base_url) as server:
    status, headers, body = post(server, {"messages": [...]})
"""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
from aiohttp import web

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Planner
from skillofmind.serve.app import http_server
from skillofmind.serve.keys import Keys
from skillofmind.serve.opening import Service, open_upstream, opened
from skillofmind.serve.settings import Settings
from skillofmind.serve.thinking.planners import Opened, open_planner
from skillofmind.serve.upstream.answered import Upstream
from skillofmind.serve.watch.metrics import Metrics

EMPATHY = Plan(
    explanation="They are hurt, so I want to be with them.",
    skill="Empathy",
    skill_raw="Empathy",
    valid=True,
    planner="fixed",
    responder="Assistant",
)


class FixedPlanner:
    """Gives one plan, after a while, or raises; and remembers what it was shown."""

    identity = "fixed"

    def __init__(self, plan: Plan = EMPATHY, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.plan_given, self.seconds, self.error = plan, seconds, error
        self.seen: list[Dialogue] = []

    async def plan(self, dialogue: Dialogue) -> Plan:
        self.seen.append(dialogue)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.plan_given


class Serving:
    """A server on a free port while it is entered."""

    def __init__(
        self,
        upstream_url: str = "",
        *,
        planner: Planner | None = None,
        keys: Sequence[str] = (),
        upstream_key: str | None = None,
        upstream: Upstream | None = None,
        settings: Settings | None = None,
        log: Path | None = None,
        **changes: Any,
    ) -> None:
        settings = settings or Settings(log="" if log is None else str(log))
        self.settings = msgspec.structs.replace(settings, upstream=upstream_url, **changes)
        self._planner = planner
        self._keys = tuple(keys)
        self._upstream_key = upstream_key
        self._upstream = upstream
        self.metrics = Metrics()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serving", daemon=True)
        self._thread.start()
        self._stop = asyncio.Event()
        self._ended = asyncio.run_coroutine_threadsafe(self._run(started := threading.Event()), self._loop)
        while not started.wait(0.01):
            if self._ended.done():
                self._ended.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._ended.result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _run(self, started: threading.Event) -> None:
        upstream = self._upstream or open_upstream(self.settings, self._upstream_key)
        opened_planner = Opened(self._planner) if self._planner else None
        planner = opened_planner or open_planner(self.settings, self._upstream_key)
        service = Service(self.settings, planner, upstream, Keys(self._keys))
        async with opened(service, self.metrics, 0) as app:
            runner = web.ServerRunner(http_server(app), shutdown_timeout=1.0)
            await runner.setup()
            listening = socket.create_server(("127.0.0.1", 0))
            self.port: int = listening.getsockname()[1]
            await web.SockSite(runner, listening, backlog=2048).start()
            started.set()
            await self._stop.wait()
            await runner.cleanup()

    @property
    def base_url(self) -> str:
        """Address for a client, `/v1` included."""
        return f"http://127.0.0.1:{self.port}/v1"


class Got(NamedTuple):
    """A response: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON values."""
        return json.loads(self.body)

    def events(self) -> list[bytes]:
        """Return the data of the events of a stream."""
        return [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]

    def chunks(self) -> list[dict[str, Any]]:
        """Return the chunks of a stream, `[DONE]` left out."""
        return [json.loads(event) for event in self.events() if event != b"[DONE]"]


def ask(
    server: Any,
    path: str,
    body: Any = None,
    *,
    method: str | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 20.0,
) -> Got:
    """Send one request to a server with a `port`; a body that is not bytes goes as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", **(headers or {})}
    try:
        connection.request(method or ("GET" if data is None else "POST"), path, data, sent)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Got(response.status, found, response.read())
    finally:
        connection.close()


def chat(server: Any, body: Any, headers: dict[str, str] | None = None, timeout: float = 20.0) -> Got:
    """Send one chat request."""
    return ask(server, "/v1/chat/completions", body, headers=headers, timeout=timeout)


def said(text: str = "I failed the exam again.") -> list[dict[str, str]]:
    """Return messages with one of the user."""
    return [{"role": "user", "content": text}]
