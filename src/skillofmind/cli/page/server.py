"""The server of a local page: who may ask, how it is asked, and one document that needs nothing else.

*Covered*

- Every request needs a random token (compared in constant time): the page in its query, all else in a header
  that no other site can send. A token stands for one person.
- Requests whose `Host` is not this server are refused, so a rebound DNS name gets nowhere; so are writes from
  another `Origin`, writes that are not JSON, and bodies over 64 KiB.
- The document loads nothing from elsewhere; its content security policy allows its own script and style by
  nonce and nothing else. Text from the data travels as JSON and is set as text.

*Not covered*

- Who reads the token from a terminal, a file or an unencrypted network. Only 127.0.0.1 is listened on unless
  another address is given; behind one, encryption is the work of a proxy.
"""

import hmac
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from skillofmind.core.errors import ConfigurationError, DataError, SkillOfMindError
from skillofmind.run.batch import stop_on_interrupt

TOKEN_HEADER = "X-Page-Token"
"""Header with the token, of every request but that of the page."""

MOST_BODY = 64 << 10
"""Largest body of a request, in bytes."""

LOOPBACK = "127.0.0.1"
"""The address that only this machine reaches."""

T = TypeVar("T")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Door(NamedTuple):
    """Who is let in.

    Attributes:
        tokens: token -> the person it stands for.
        what: what the page is, such as `review`, for the sentences of refusals.
        command: the command that printed the address.
        public: address of a proxy in front, such as `https://study.example.org`; "" for none.
    """

    tokens: Mapping[str, str]
    what: str
    command: str
    public: str = ""

    def asker(self, request: web.Request) -> str:
        """Return who asks; the request was let in."""
        return self.person(request.headers[TOKEN_HEADER]) or ""

    def person(self, token: str) -> str | None:
        """Return whom the token stands for; takes as long for a wrong one as for a right one."""
        given = token.encode("utf-8", "replace")
        found = [who for one, who in self.tokens.items() if hmac.compare_digest(given, one.encode())]
        return found[0] if found else None


class Place(NamedTuple):
    """Where a page is served.

    Attributes:
        port: to listen on; 0 takes a free one.
        host: address to listen on.
    """

    port: int = 0
    host: str = LOOPBACK


def application(door: Door, routes: list[web.RouteDef]) -> web.Application:
    """Return the server of a page."""
    app = web.Application(client_max_size=MOST_BODY, middlewares=[_guard(door)])
    app.add_routes(routes)
    return app


async def serve(app: web.Application, place: Place, announce: Callable[[str], str]) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        app: the server.
        place: where.
        announce: address -> what to print once it answers.

    Raises:
        ConfigurationError: the address or the port cannot be used.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        address = await _listen(runner, place)
        with stop_on_interrupt() as stop:
            sys.stdout.write(announce(address))
            sys.stdout.flush()
            await stop.wait()
    finally:
        await runner.cleanup()


def reply(value: Any, status: int = 200) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def body(request: web.Request, kind: type[T]) -> T:
    """Return the body as a record.

    Raises:
        DataError: it is none.
    """
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"The request is not understood: {error}.") from error


def document(package: str) -> web.Response:
    """Return `assets/page.html` of a package with style and script inside, those of all pages first."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    text = _asset(package, "page.html").replace("{{nonce}}", nonce)
    for mark, base, own in (("{{style}}", "base.css", "page.css"), ("{{script}}", "base.js", "page.js")):
        text = text.replace(mark, _asset(__package__, base) + _asset(package, own))
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})


def _asset(package: str, name: str) -> str:
    return (resources.files(package) / "assets" / name).read_text("utf-8")


async def _listen(runner: web.AppRunner, place: Place) -> str:
    site = web.TCPSite(runner, place.host, place.port)
    try:
        await site.start()
    except OSError as error:
        wrong = (
            f"--port {place.port}" if place.host == LOOPBACK else f"--host {place.host} --port {place.port}"
        )
        raise ConfigurationError(f"{wrong} cannot be used ({error.strerror}); leave it out.") from error
    return f"http://{_named(place.host, runner.addresses[0][1])}"


def _named(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _guard(door: Door) -> Any:
    """Make the middleware that refuses whoever is not the page or its reader."""

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        refusal = _refusal(request, door)
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


def _refusal(request: web.Request, door: Door) -> web.Response | None:
    hosts, origins = _own_names(request, door)
    if request.host not in hosts:
        return _problem(403, f"This name is not the name of the {door.what}; open the printed address.")
    given = request.query.get("token", "") if request.path == "/" else request.headers.get(TOKEN_HEADER, "")
    person = door.person(given)
    if person is None:
        return _problem(
            403, f"The token is missing or wrong; open the address that `{door.command}` printed."
        )
    if request.method == "GET":
        return None
    origin = request.headers.get("Origin")
    if origin is not None and origin not in origins:
        return _problem(403, "The request comes from another page.")
    if request.content_type != "application/json":
        return _problem(415, "Send application/json.")
    return None


def _own_names(request: web.Request, door: Door) -> tuple[set[str], set[str]]:
    """Return the hosts under which the server is asked, and the origins of its page.

    The address that the connection came in on is a number, which no foreign name can be made to look like.
    """
    here, port = (request.get_extra_info("sockname") or ("", 0))[:2]
    hosts = {_named(here, port)} | ({f"localhost:{port}"} if here in (LOOPBACK, "::1") else set())
    origins = {f"http://{host}" for host in hosts}
    if door.public:
        public = urlsplit(door.public)
        hosts.add(public.netloc)
        origins.add(f"{public.scheme}://{public.netloc}")
    return hosts, origins


def _problem(status: int, message: str) -> web.Response:
    return reply({"error": message}, status)
