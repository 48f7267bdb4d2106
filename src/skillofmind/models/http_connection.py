"""One HTTP server as its clients see it: address, headers, secrets, time-outs, open connections, errors.

    connection = HttpConnection("http:tiny", "http://localhost:8000/v1", api_key)
    async with connection.open("GET", "models") as response:
        body = json_object(await read_body(response, LARGEST_BODY), "the list of models")

One request is one attempt. Redirects are not followed and proxies of the environment are not used, so the key
goes to the named host only. Whatever goes wrong is a `ModelError` whose message holds no secret.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from skillofmind.core.errors import (
    ConfigurationError,
    MalformedResponse,
    ModelError,
    ModelTimeout,
    ModelUnreachable,
    RequestRejected,
    StorageError,
)
from skillofmind.core.record import Record
from skillofmind.models.http_address import read_address
from skillofmind.models.openai_wire import error_from_status
from skillofmind.models.openai_wire.faults import server_message

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, FormData

LARGEST_BODY = 64 * 2**20
"""Bytes of one response, or of one event of a stream, beyond which it is refused."""


class Timeouts(Record, frozen=True):
    """Longest waits in seconds.

    Attributes:
        connect: until the connection stands, name look-up included.
        first_byte: silence in a stream, before its first byte and between two pieces. A plain answer comes
            as a whole when it is complete, so this does not limit it.
        total: the whole request.
    """

    connect: float = 5.0
    first_byte: float = 60.0
    total: float = 300.0


class HttpConnection:
    """Requests to one server; holds open connections until `close()`, one pool for each event loop.

    Attributes:
        identity: `<name>@<base URL without credentials and query>`.
        shown: the base URL without credentials and query.
        timeout: longest waits.
        secrets: strings that must not appear in any message.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: Timeouts = Timeouts(),  # noqa: B008 - immutable
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Name a server; no connection is made before the first request.

        Args:
            name: what messages call the client.
            base_url: like `http://localhost:8000/v1`; user name and password in it become basic
                authentication, its query goes with every request.
            api_key: sent as bearer token; `None` sends none.
            timeout: longest waits.
            headers: further headers of every request.

        Raises:
            ConfigurationError: the URL, the key or a header cannot be used.
        """
        self._address = read_address(base_url)
        self._headers = _headers(headers or {}, api_key, self._address.user)
        self._sessions: dict[asyncio.AbstractEventLoop, ClientSession] = {}
        values = [value for value in (headers or {}).values() if len(value) >= 8]
        self.secrets = (*self._address.secrets, *values, *([api_key] if api_key else []))
        self.shown = self._address.shown
        self.identity = f"{name}@{self.shown}"
        self.timeout = timeout

    async def close(self) -> None:
        """Close the connections of the running event loop; a later request opens new ones."""
        running = asyncio.get_running_loop()
        for loop in [loop for loop in self._sessions if loop is running or loop.is_closed()]:
            await self._sessions.pop(loop).close()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        endpoint: str,
        body: "bytes | FormData | None" = None,
        *,
        query: Mapping[str, str] | None = None,
        silence: float | None = None,
        more_time: float = 0.0,
    ) -> "AsyncIterator[ClientResponse]":
        """Send one request and yield the response if its status is 200.

        On the way out a finished connection goes back to the pool and an unfinished one is closed at once.

        Args:
            method: of HTTP.
            endpoint: path below the base URL.
            body: JSON, or a form.
            query: further parameters of the address.
            silence: most seconds between two pieces of the response; `None` is no limit.
            more_time: seconds on top of the total time-out, for a transfer whose size is known.

        Raises:
            ModelError: the request failed, or the block raised it; without secrets.
        """
        import aiohttp

        total = self.timeout.total + more_time
        limits = aiohttp.ClientTimeout(total=total, connect=self.timeout.connect, sock_read=silence)
        url = self._address.url(endpoint)
        try:
            session = await self._session()
            async with session.request(
                method,
                url,
                data=body,
                params=query,
                headers=self._headers if not isinstance(body, aiohttp.FormData) else _untyped(self._headers),
                timeout=limits,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise await self._error(response)
                yield response
        except ModelError as error:
            raise self._redacted(error) from None
        except StorageError:
            # An `OSError` too, but of the block's own disk and not of the network.
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # A TimeoutError is aiohttp's own: one that a caller set arrives as a cancellation.
            raise self._translated(error, total) from error

    async def _error(self, response: "ClientResponse") -> ModelError:
        text = (await read_body(response, LARGEST_BODY)).decode("utf-8", "replace")
        return error_from_status(
            response.status, response.headers, text, secrets=self.secrets, now=time.time()
        )

    def _redacted(self, error: ModelError) -> ModelError:
        """Return the error without secrets: a server can repeat them anywhere in what it sends."""
        message = str(error)
        for secret in self.secrets:
            message = message.replace(secret, "***")
        if message == str(error):
            return error
        return type(error)(message, status=error.status, retry_after=error.retry_after)

    def _translated(self, error: Exception, total: float) -> ModelError:
        import aiohttp

        said = server_message(str(error) or type(error).__name__, self.secrets)
        place, wait = self.identity, self.timeout
        if isinstance(error, aiohttp.ClientPayloadError):
            return MalformedResponse(f"the answer of {place} was cut off ({said}); try again")
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return ModelUnreachable(
                f"{place} took no connection within {wait.connect:g} s; is the server running?"
            )
        if isinstance(error, aiohttp.SocketTimeoutError):
            return ModelTimeout(f"{place} was silent for {wait.first_byte:g} s; raise the first_byte timeout")
        if isinstance(error, TimeoutError):
            return ModelTimeout(f"{place} did not answer within {total:g} s; raise the total timeout")
        return ModelUnreachable(f"{place} cannot be reached ({said}); is the server running?")

    async def _session(self) -> "ClientSession":
        """Return the pool of the running event loop; those of closed loops go."""
        import aiohttp

        running = asyncio.get_running_loop()
        if running not in self._sessions:
            for loop in [loop for loop in self._sessions if loop.is_closed()]:
                await self._sessions.pop(loop).close()
            # How many calls run at a time is for the caller to limit, not for the pool.
            self._sessions[running] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._sessions[running]


def _headers(headers: Mapping[str, str], api_key: str | None, user: tuple[str, str] | None) -> dict[str, str]:
    """Return the headers of every request; values stay out of the messages, since they may be secret."""
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
    for name, value in sent.items():
        if not (name.isascii() and value.isprintable() and value.isascii()) or not name.strip():
            raise ConfigurationError(f"header {name!r} has characters that no header can have")
    if api_key and user is not None:
        raise ConfigurationError("give either an API key or a user name in base_url, not both")
    if api_key:
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ConfigurationError("the API key has white space or other characters that no key has")
        sent["Authorization"] = f"Bearer {api_key}"
    if user is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    return sent


def _untyped(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers for a form, whose content type names its boundary."""
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}


async def read_body(response: "ClientResponse", most: int) -> bytes:
    """Return the whole body.

    Raises:
        MalformedResponse: it is larger than `most` bytes.
    """
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > most:
            raise MalformedResponse(f"the answer is larger than {most} bytes")
    return bytes(data)


def json_object(data: bytes, what: str, advice: str = "is base_url right?") -> dict[str, Any]:
    """Return a body that must be a JSON object.

    Raises:
        MalformedResponse: it is not; the message calls it `what` and ends with `advice`.
    """
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        shown = server_message(data[:300].decode("utf-8", "replace"))
        raise MalformedResponse(f"{what} is not a JSON object but {shown!r}; {advice}")
    return body


def json_bytes(body: dict[str, Any], what: str) -> bytes:
    """Return the JSON of a request, on one line.

    Raises:
        RequestRejected: a value of `body` is not JSON; the message calls it `what`.
    """
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError) as error:
        raise RequestRejected(f"{what} is not JSON: {error}") from None
