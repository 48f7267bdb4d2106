"""The server of one process: from a request to the endpoint that answers it, checked and counted.

*Covered*

- Without keys, only this machine is served: a `Host` that is another name (a rebound DNS name) and an
  `Origin` that is another site are refused, so no web page can ask through a browser on this machine.
- Keys are compared in constant time; health and the page need none, as they hold nothing.
- Requests that two programs could read in two ways (two lengths, a length and chunks) are refused by the
  parser and their connection is closed. Bodies beyond the limit are refused unread.
- Error messages have no words of a request beyond the name of a field, a skill or a model.

*Not covered*

- Encryption (put a balancer with TLS in front), clients that open connections and never send anything, and
  limits on how much one client may ask.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from skillofmind.core.errors import SkillOfMindError, StorageError
from skillofmind.serve import endpoints
from skillofmind.serve.answer import PLAN_HEADER, REQUEST_HEADER, SERVER, Room, answer
from skillofmind.serve.errors import Refused, refusal_of
from skillofmind.serve.keys import Keys
from skillofmind.serve.playground.page import Page
from skillofmind.serve.request import DEADLINE_HEADER, INJECT_HEADER, Asked, read_call
from skillofmind.serve.settings import on_loopback
from skillofmind.serve.watch.metrics import Metrics, Row
from skillofmind.serve.watch.traces import Log, Trace

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_USERS = "/v1/skillofmind/users/"
_MODELS = "/v1/models/"
_OPEN = ("/health", "/playground")
CLIENT_LEFT = 499


class Watch(NamedTuple):
    """Who writes down what happens: log lines, the counters of this process, and those of all."""

    log: Log
    row: Row
    metrics: Metrics


class App:
    """Handles the requests of one process.

    Attributes:
        room: what answering needs.
        log: where its lines go.
        draining: whether the process is about to end.
    """

    def __init__(self, room: Room, keys: Keys, watch: Watch, page: Page) -> None:
        """Serve with `room` for clients with one of `keys`."""
        self.room = room
        self.draining = False
        self.log = watch.log
        self._keys = keys
        self._watch = watch
        self._page = page
        self._get: dict[str, Callable[[], Awaitable[web.StreamResponse]]] = {
            "/health": self._health,
            "/metrics": self._metrics,
            "/v1/models": lambda: endpoints.models(room),
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; nothing but the end of the connection gets out of here."""
        sent = request.headers.get(REQUEST_HEADER, "")
        identity = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
        trace = Trace(identity, _known_path(request.path), self.room.clock())
        self._watch.row.entered()
        try:
            return await self._answered(request, trace)
        except (asyncio.CancelledError, ConnectionError):
            trace.status = CLIENT_LEFT
            raise
        finally:
            self._written(trace)

    async def _answered(self, request: web.BaseRequest, trace: Trace) -> web.StreamResponse:
        try:
            response = await self._routed(request, trace)
        except Refused as error:
            response = self._refusal(error, trace)
        except StorageError as error:
            response = self._refusal(endpoints.storage_refusal(error), trace)
        except SkillOfMindError as error:
            response = self._refusal(refusal_of(error), trace)
        except ConnectionError:
            raise
        except Exception as error:
            self._watch.log.event("fault", request=trace.id, error=_where(error))
            response = self._refusal(Refused(500, "the server made a mistake; its log says more."), trace)
        if not response.prepared:
            response.headers[REQUEST_HEADER] = trace.id
            response.headers[SERVER[0]] = SERVER[1]
            if self.draining:
                response.force_close()
        trace.status = trace.status or response.status
        return response

    def _written(self, trace: Trace) -> None:
        seconds = self.room.clock() - trace.start
        row = self._watch.row
        row.left(trace.status, seconds)
        if trace.reason is not None:
            row.planned(trace.reason, trace.plan_seconds)
            row.tokens(trace.plan, trace.answer)
        if trace.first_byte is not None:
            row.first_byte(trace.first_byte)
        self._watch.log.request(trace, seconds)

    def _refusal(self, error: Refused, trace: Trace) -> web.Response:
        trace.status = error.status
        headers = {"Content-Type": "application/json", **error.headers}
        if trace.reason is not None:
            headers[PLAN_HEADER] = f"unplanned; reason={trace.reason}" if trace.reason else "planned"
        response = web.Response(status=error.status, body=error.body(), headers=headers)
        if error.status == 413:
            response.force_close()
        return response

    async def _routed(self, request: web.BaseRequest, trace: Trace) -> web.StreamResponse:
        path, method = request.path, request.method
        self._admit(request, path)
        if path == "/v1/chat/completions" and method == "POST":
            body = await self._body(request)
            asked = Asked(request.headers.get(INJECT_HEADER), request.headers.get(DEADLINE_HEADER))
            return await answer(self.room, request, read_call(body, asked, self.room.settings), trace)
        if path in self._get and method == "GET":
            return await self._get[path]()
        if path == "/v1/skillofmind/plan" and method == "POST":
            return await endpoints.plan(self.room, await self._body(request), trace)
        if path.startswith(_USERS) and method in ("GET", "DELETE"):
            user = path.removeprefix(_USERS)
            return await (endpoints.export if method == "GET" else endpoints.forget)(self.room, user)
        if path.startswith(_MODELS) and method == "GET":
            return await endpoints.model(self.room, path.removeprefix(_MODELS))
        if path.startswith("/playground") and method == "GET":
            return await self._page.respond(self.room, path)
        raise self._nowhere(method, path)

    def _nowhere(self, method: str, path: str) -> Refused:
        known = path in (*self._get, "/v1/chat/completions", "/v1/skillofmind/plan")
        if known or path.startswith((_USERS, _MODELS, "/playground")):
            return Refused(405, f"{method[:16]} is not for this path.", code="method_not_allowed")
        return Refused(
            404,
            "there is no such path; there are /v1/chat/completions, /v1/models, /v1/skillofmind/plan, "
            "/v1/skillofmind/users/ID, /health, /metrics and /playground/.",
            code="not_found",
        )

    def _admit(self, request: web.BaseRequest, path: str) -> None:
        """Refuse other sites, names that are not ours, and wrong keys."""
        host = request.headers.get("Host", "")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise Refused(403, "requests of other sites are not served.", code="other_origin")
        if not self._keys and not on_loopback(_hostname(host)):
            raise Refused(403, "this server has no keys and serves this machine only.", code="other_host")
        if not path.startswith(_OPEN) and not self._keys.accept(request.headers.get("Authorization")):
            raise Refused(
                401,
                "a key of this server is missing or wrong; send it as Authorization: Bearer KEY.",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )

    async def _body(self, request: web.BaseRequest) -> bytes:
        limit = self.room.settings.body_limit
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise Refused(415, "compressed bodies are not read; send it as it is.", code="content_encoding")
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        await _go_on(request)
        try:
            async with asyncio.timeout(self.room.settings.timeout):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise _too_large(limit) from None
        except TimeoutError:
            raise Refused(408, "the body did not come in time.", code="body_late") from None
        if len(body) > limit:
            raise _too_large(limit)
        return body

    async def _health(self) -> web.StreamResponse:
        return endpoints.health(self.room, draining=self.draining)

    async def _metrics(self) -> web.StreamResponse:
        return web.Response(
            text=self._watch.metrics.text(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body has more than {limit} bytes, the limit of this server.", code="too_large")


async def _go_on(request: web.BaseRequest) -> None:
    """Tell a client that waits for it to send its body."""
    expected = request.headers.get("Expect")
    if expected is None:
        return
    if expected.lower() != "100-continue":
        raise Refused(417, "the only expectation that is met is 100-continue.", code="expectation")
    if request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _known_path(path: str) -> str:
    """Return a path without what clients choose in it, for the log."""
    for known in (_USERS, _MODELS, "/playground"):
        if path.startswith(known):
            return known
    plain = ("/v1/chat/completions", "/v1/models", "/v1/skillofmind/plan", "/health", "/metrics")
    return path if path in plain else "other"


def _where(error: Exception) -> str:
    """Return what kind of error came from which line; its words may be a client's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"


def silent_logger() -> logging.Logger:
    """Return a logger that writes nothing: aiohttp's lines can hold bytes of a request."""
    logger = logging.getLogger("skillofmind.serve.silent")
    logger.propagate = False
    logger.disabled = True
    return logger


def http_server(app: App) -> web.Server:
    """Return the protocol side of `app`, for the running event loop."""
    limit = app.room.settings.body_limit
    loop = asyncio.get_running_loop()

    def request_of(
        message: object, payload: object, protocol: object, writer: object, task: object
    ) -> web.BaseRequest:
        return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=limit + 1)  # type: ignore[arg-type]

    return web.Server(
        app.handle,
        request_factory=request_of,
        handler_cancellation=True,
        access_log=None,
        logger=silent_logger(),
        auto_decompress=False,
        keepalive_timeout=75.0,
    )
