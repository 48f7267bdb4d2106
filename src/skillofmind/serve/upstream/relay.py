"""An upstream behind HTTP: bytes there, bytes back.

*Covered*

- The client's keys, cookies and hop-by-hop headers stay here; the upstream's key goes to the named host only,
  redirects are not followed, and proxies of the environment are not used.
- The upstream's key is struck out of whatever it says, also of its headers, should it repeat it.
- A request is sent once. Only where no connection came about, so that nothing can have been sent, is it
  tried again.

*Not covered*

- A key that the upstream repeats in two pieces of a stream.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from skillofmind.core.errors import MalformedResponse, ModelError, ModelUnreachable
from skillofmind.models.http_address import read_address
from skillofmind.models.http_connection import LARGEST_BODY, json_object, read_body
from skillofmind.models.openai_wire.faults import server_message
from skillofmind.serve.upstream.answered import Answered, Asking, Headers

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_STAY_HERE = _HOP_BY_HOP | {
    "host",
    "content-length",
    "expect",
    "authorization",
    "api-key",
    "x-api-key",
    "cookie",
    "origin",
    "referer",
    "forwarded",
    "x-deadline-seconds",
    "x-skillofmind-inject",
}
_STAY_THERE = _HOP_BY_HOP | {"content-length", "set-cookie", "server", "date", "alt-svc"}
_AUTOMATIC = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")

_WAITS = (0.05, 0.2)
"""Seconds before another try, where no connection came about."""

_IDLE = 4.0
"""Seconds that an unused connection is kept; servers commonly close theirs after 5, and a request sent into
a closing connection is lost."""

_MOST_CONNECTIONS = 1000
_LARGE = 2**18


def sent_on(headers: Mapping[str, str], *, plain: bool) -> Headers:
    """Return the headers of a client that go to the upstream.

    Args:
        headers: as the client sent them.
        plain: ask for a body that is not compressed, to put something into it.
    """
    kept = [
        (name, value)
        for name, value in headers.items()
        if (lower := name.lower()) not in _STAY_HERE
        and not lower.startswith(("sec-", "x-forwarded-"))
        and not (plain and lower == "accept-encoding")
    ]
    return [*kept, ("Accept-Encoding", "identity")] if plain else kept


class Relay:
    """One server of the protocol; `start` opens connections for the running event loop."""

    def __init__(self, base_url: str, key: str | None = None, *, connect_timeout: float = 5.0) -> None:
        """Name a server; nothing is sent.

        Raises:
            ConfigurationError: the address cannot be used.
        """
        address = read_address(base_url)
        self._chat = address.url("chat/completions")
        self._list = address.url("models")
        self._authorization = _authorization(key, address.user)
        self._secrets = tuple(filter(None, (key, *address.secrets)))
        self._hidden = tuple(secret.encode() for secret in self._secrets)
        self._connect_timeout = connect_timeout
        self._session: ClientSession | None = None
        self.shown = address.shown

    @property
    def system_role(self) -> bool:
        """Servers of the protocol honour system messages."""
        return True

    @property
    def offline(self) -> bool:
        """A real model answers."""
        return False

    async def start(self) -> None:
        """Open the pool of connections."""
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_MOST_CONNECTIONS, keepalive_timeout=_IDLE),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def ask(self, asking: Asking) -> AsyncIterator[Answered]:
        """Send a request; leaving the block before the end closes the connection.

        Raises:
            ModelError: there is no answer.
        """
        response = await self._sent("POST", self._chat, asking.body, asking.headers)
        try:
            if 300 <= response.status < 400:
                raise ModelError(
                    f"the upstream answered with a redirect ({response.status}), which is not followed.",
                    status=502,
                )
            yield _Response(response, self._hidden)
        finally:
            # A response that was read to its end has given its connection back already.
            response.close()

    async def models(self) -> list[dict[str, object]]:
        """Return what the upstream lists.

        Raises:
            ModelError: it does not.
        """
        response = await self._sent("GET", self._list, None, [("Accept", "application/json")])
        try:
            body = await read_body(response, LARGEST_BODY)
        finally:
            response.close()
        if response.status != 200:
            raise ModelError(
                server_message(body.decode("utf-8", "replace"), self._secrets), status=response.status
            )
        found = json_object(body, "the list of models").get("data")
        return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []

    async def _sent(self, method: str, url: str, body: bytes | None, headers: Headers) -> "ClientResponse":
        import aiohttp

        for wait in (*_WAITS, None):
            try:
                return await self._once(method, url, body, headers)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                # Nothing was sent yet: it can be tried again without asking twice. A connection that is late
                # may also be this process's own fault, with thousands of requests at once.
                if wait is None:
                    raise ModelUnreachable(
                        f"the upstream {self.shown} takes no connections; is it running?", status=502
                    ) from None
                await asyncio.sleep(wait)
            except (aiohttp.ClientError, OSError) as error:
                raise self._cut(error) from None
        raise AssertionError("the last try raises")

    async def _once(self, method: str, url: str, body: bytes | None, headers: Headers) -> "ClientResponse":
        if self._session is None:
            raise ModelUnreachable("the server is not started yet.", status=503)
        sent = [*headers, ("Authorization", self._authorization)] if self._authorization else headers
        # A large body goes out in pieces, so that other requests are not held up.
        data = io.BytesIO(body) if body is not None and len(body) > _LARGE else body
        return await self._session.request(method, url, data=data, headers=sent, allow_redirects=False)

    def _cut(self, error: Exception) -> ModelError:
        said = server_message(str(error) or type(error).__name__, self._secrets)
        return MalformedResponse(f"the upstream gave no proper answer ({said}).", status=502)


def _authorization(key: str | None, user: tuple[str, str] | None) -> str:
    if key:
        return f"Bearer {key}"
    if user is None:
        return ""
    import base64

    return "Basic " + base64.b64encode(":".join(user).encode()).decode()


class _Response:
    """A response of a server, its head read."""

    def __init__(self, response: "ClientResponse", hidden: tuple[bytes, ...]) -> None:
        self._response = response
        self._hidden = hidden
        self.status = response.status

    @property
    def headers(self) -> Headers:
        found = [
            (name, value) for name, value in self._response.headers.items() if name.lower() not in _STAY_THERE
        ]
        return [
            (name, self._clean(value.encode("utf-8", "surrogateescape")).decode("utf-8", "replace"))
            for name, value in found
        ]

    @property
    def streams(self) -> bool:
        return self._response.content_type == "text/event-stream"

    @property
    def plain(self) -> bool:
        return self._response.headers.get("Content-Encoding", "identity") == "identity"

    async def read(self) -> bytes:
        try:
            return self._clean(await read_body(self._response, LARGEST_BODY))
        except _failures() as error:
            raise MalformedResponse(
                f"the upstream's answer was cut off ({type(error).__name__}).", status=502
            ) from None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield self._clean(piece)
        except _failures() as error:
            raise MalformedResponse(
                f"the upstream's stream was cut off ({type(error).__name__}).", status=502
            ) from None

    def _clean(self, data: bytes) -> bytes:
        for secret in self._hidden:
            if secret in data:
                data = data.replace(secret, b"***")
        return data


def _failures() -> tuple[type[Exception], ...]:
    import aiohttp

    return (aiohttp.ClientError, OSError)
