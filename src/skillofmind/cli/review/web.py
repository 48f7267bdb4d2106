"""The review in a browser: one page from this machine, for this machine.

*Covered*

- Only 127.0.0.1 is listened on, and every request needs the random token of the printed address (compared in
  constant time): the page in its query, all else in a header that no other site can send.
- Requests whose `Host` is not this server are refused, so a rebound DNS name gets nowhere; so are writes from
  another `Origin`, writes that are not JSON, and bodies over 64 KiB.
- The page loads nothing from elsewhere; its content security policy allows its own script and style by nonce
  and nothing else. Text from the data travels as JSON and is set as text.
- With `--blind` the teacher's skill is not sent until a choice was taken down.

*Not covered*

- Other users of this machine who can read the terminal or the memory of this process.
"""

import asyncio
import hmac
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any, Literal, TypeVar

import msgspec
from aiohttp import web

from skillofmind.cli.review.cards import card, entry_of, setup
from skillofmind.cli.review.desk import Desk
from skillofmind.core.errors import ConfigurationError, DataError, SkillOfMindError
from skillofmind.core.record import Record
from skillofmind.mind.dataset.review import NONE, Item, census
from skillofmind.mind.dataset.reviewed import agreement
from skillofmind.run.batch import stop_on_interrupt

TOKEN_HEADER = "X-Review-Token"
"""Header with the token, of every request but that of the page."""

MOST_BODY = 64 << 10
"""Largest body of a request, in bytes."""

_MOST_DRAWS = 64
T = TypeVar("T")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Said(Record, frozen=True):
    """A decision as the page posts it.

    Attributes:
        row: id of the row.
        number: of the annotation; -1 for a rejected row.
        verdict: what the reviewer says.
        skill: after an edit; `None` keeps the teacher's.
        explanation: after an edit; `None` keeps the teacher's.
        note: of the reviewer.
    """

    row: str
    number: int
    verdict: Literal["accept", "edit", "reject"]
    skill: str | None = None
    explanation: str | None = None
    note: str = ""


class Chosen(Record, frozen=True):
    """A blind choice as the page posts it: row, number, and a skill or `(none)`."""

    row: str
    number: int
    skill: str


def serve(desk: Desk, skill: str | None, reason: str | None, port: int) -> int:
    """Serve the page until Ctrl-C, and return 0.

    Raises:
        ConfigurationError: nothing fits the draw, or the port is taken.
        DataError: the folder holds no annotation run.
    """
    return asyncio.run(_serve(desk, skill, reason, port))


async def _serve(desk: Desk, skill: str | None, reason: str | None, port: int) -> int:
    token = secrets.token_urlsafe(24)
    runner = web.AppRunner(application(desk, token, skill, reason), access_log=None)
    await runner.setup()
    try:
        place = await _listen(runner, port)
        with stop_on_interrupt() as stop:
            sys.stdout.write(
                f"Open {place}/?token={token}\nThe address is for you alone; Ctrl-C ends the review.\n"
            )
            sys.stdout.flush()
            await stop.wait()
    finally:
        await runner.cleanup()
    sys.stdout.write("Ended; every decision is kept.\n")
    return 0


async def _listen(runner: web.AppRunner, port: int) -> str:
    site = web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1.0)
    try:
        await site.start()
    except OSError as error:
        raise ConfigurationError(f"--port {port} cannot be used ({error.strerror}); leave it out.") from error
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def application(
    desk: Desk, token: str, skill: str | None = None, reason: str | None = None
) -> web.Application:
    """Return the server of one review.

    Raises:
        ConfigurationError: nothing fits the draw.
        DataError: the folder holds no annotation run.
    """
    app = web.Application(client_max_size=MOST_BODY, middlewares=[_guard(token)])
    app.add_routes(_Pages(desk, skill, reason).routes())
    return app


def _guard(token: str) -> Any:
    """Make the middleware that refuses whoever is not the page or its reader."""

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        refusal = _refusal(request, token)
        try:
            # A response is a mapping, and in older aiohttp an empty one is false.
            found = await handler(request) if refusal is None else refusal
        except web.HTTPException as error:
            found = _problem(error.status, error.reason)
        except ConfigurationError as error:
            found = _problem(422, str(error))
        except SkillOfMindError as error:
            found = _problem(507, str(error))
        found.headers.update(_HEADERS)
        return found

    return guard


_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _refusal(request: web.Request, token: str) -> web.Response | None:
    address = request.get_extra_info("sockname") or ("", 0)
    hosts = {f"127.0.0.1:{address[1]}", f"localhost:{address[1]}"}
    if request.host not in hosts:
        return _problem(403, "This name is not the name of the review; open the printed address.")
    given = request.query.get("token", "") if request.path == "/" else request.headers.get(TOKEN_HEADER, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        return _problem(403, "The token is missing or wrong; open the address that `som review` printed.")
    if request.method == "GET":
        return None
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return _problem(403, "The request comes from another page.")
    if request.content_type != "application/json":
        return _problem(415, "Send application/json.")
    return None


def _problem(status: int, message: str) -> web.Response:
    return _json({"error": message}, status)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


class _Pages:
    """The answers of the server."""

    def __init__(self, desk: Desk, skill: str | None, reason: str | None) -> None:
        self._desk = desk
        self._first = (skill, reason)
        self._items: dict[tuple[str, int], Item] = {}
        self._draws: dict[tuple[str | None, str | None], tuple[Item, ...]] = {}
        self._census = census(desk.drawing.folder)
        self._lock = asyncio.Lock()
        self._remember(self._first, desk.drawing.items(skill, reason))

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.page),
            web.get("/api/setup", self.setup),
            web.get("/api/items", self.items),
            web.get("/api/card", self.card),
            web.get("/api/agreement", self.agreement),
            web.post("/api/choice", self.choice),
            web.post("/api/decision", self.decision),
        ]

    async def page(self, request: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return web.Response(
            text=_page(nonce), content_type="text/html", headers={"Content-Security-Policy": policy}
        )

    async def setup(self, request: web.Request) -> web.Response:
        skill, reason = self._first
        return _json(setup(self._desk, self._census, skill, reason))

    async def items(self, request: web.Request) -> web.Response:
        drawn = await self._drawn(request.query.get("skill") or None, request.query.get("reason") or None)
        return _json([entry_of(self._desk, item) for item in drawn])

    async def card(self, request: web.Request) -> web.Response:
        item = self._item(request.query.get("row", ""), request.query.get("number", ""))
        return _json(card(self._desk, item))

    async def agreement(self, request: web.Request) -> web.Response:
        found = await asyncio.to_thread(agreement, self._desk.drawing.folder)
        return _json(found)

    async def choice(self, request: web.Request) -> web.Response:
        said = await _body(request, Chosen)
        item = self._item(said.row, said.number)
        if said.skill != NONE and self._desk.definition(said.skill) is None:
            raise ConfigurationError(f"{said.skill!r} is no skill of the taxonomy.")
        self._desk.choose(item, said.skill)
        return _json(card(self._desk, item))

    async def decision(self, request: web.Request) -> web.Response:
        said = await _body(request, Said)
        item = self._item(said.row, said.number)
        if self._desk.is_hidden(item):
            raise ConfigurationError("Choose a skill first.")
        if said.skill not in (None, item.label) and self._desk.definition(said.skill or "") is None:
            raise ConfigurationError(f"{said.skill!r} is no skill of the taxonomy.")
        async with self._lock:
            await asyncio.to_thread(
                self._desk.decide, item, said.verdict,
                skill=said.skill, explanation=said.explanation, note=said.note,
            )  # fmt: skip
        return _json(card(self._desk, item))

    async def _drawn(self, skill: str | None, reason: str | None) -> tuple[Item, ...]:
        if self._desk.blind and skill != self._first[0]:
            raise ConfigurationError("A draw by skill would tell the skill; blind reviews see all skills.")
        if (skill, reason) not in self._draws:
            if len(self._draws) >= _MOST_DRAWS:
                raise ConfigurationError("Too many draws at once; start the review again.")
            found = await asyncio.to_thread(self._desk.drawing.items, skill, reason)
            self._remember((skill, reason), found)
        return self._draws[(skill, reason)]

    def _remember(self, draw: tuple[str | None, str | None], items: tuple[Item, ...]) -> None:
        self._draws[draw] = items
        self._items.update({(item.row.id, item.number): item for item in items})

    def _item(self, row: str, number: int | str) -> Item:
        try:
            return self._items[(row, int(number))]
        except (KeyError, ValueError):
            raise web.HTTPNotFound(reason="There is no such card.") from None


async def _body(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"The request is not understood: {error}.") from error


def _page(nonce: str) -> str:
    """Return the page with its style and script inside."""
    found = resources.files("skillofmind.cli.review") / "assets"
    parts: Mapping[str, str] = {
        "{{style}}": (found / "page.css").read_text("utf-8"),
        "{{script}}": (found / "page.js").read_text("utf-8"),
    }
    text = (found / "page.html").read_text("utf-8").replace("{{nonce}}", nonce)
    for mark, part in parts.items():
        text = text.replace(mark, part)
    return text
