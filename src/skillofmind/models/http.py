"""Models behind an OpenAI-compatible HTTP server: `POST /chat/completions`, plain and streamed.

    async with HttpModel("llama-3", "http://localhost:8000/v1") as model:
        answer = await model.generate(conversation, Sampling(max_tokens=100))

One request is one attempt: retries, limits and caches are other models that wrap this one. Redirects are not
followed and proxies of the environment are not used, so the key goes to the named host only. The key appears
in no message, name or `repr`.
"""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import (
    ConfigurationError,
    MalformedResponse,
    ModelError,
    ModelTimeout,
    ModelUnreachable,
    RequestRejected,
)
from skillofmind.core.record import Record
from skillofmind.core.seams import Capabilities
from skillofmind.models.http_address import read_address
from skillofmind.models.openai_wire import (
    MaxTokensField,
    decode_chunk,
    decode_completion,
    encode_request,
    error_from_status,
    sse_events,
)
from skillofmind.models.openai_wire.faults import server_message
from skillofmind.models.sampled_apart import generate_apart, stream_apart

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

LARGEST_BODY = 64 * 2**20
"""Bytes of one response, or of one event of a stream, beyond which it is refused."""

# A server closes its stream right after `[DONE]`; waiting this long keeps the connection for the next call.
_LINGER = 0.1

SERVER_CAPABILITIES = Capabilities(
    logprobs=True, seed=True, tools=True, stream=True, json_schema=True, images=True
)
"""What common servers of the protocol can do; several samples in one request is not part of it."""


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


class HttpModel:
    """One model of one server; holds open connections until `close()`, one pool for each event loop."""

    def __init__(
        self,
        model: str,
        base_url: str,
        api_key: str | None = None,
        *,
        capabilities: Capabilities = SERVER_CAPABILITIES,
        timeout: Timeouts = Timeouts(),  # noqa: B008 - immutable
        headers: Mapping[str, str] | None = None,
        max_tokens_field: MaxTokensField = "max_tokens",
    ) -> None:
        """Name a model; no connection is made before the first call.

        Args:
            model: the server's name for the model.
            base_url: like `http://localhost:8000/v1`; user name and password in it become basic
                authentication, its query goes with every request.
            api_key: sent as bearer token; `None` sends none.
            capabilities: what the server can do; several samples are asked for one by one where it lacks
                `n`, and a seed is sent only where it has `seed`.
            timeout: longest waits.
            headers: further headers of every request.
            max_tokens_field: the server's name for the limit on new tokens.

        Raises:
            ConfigurationError: the URL, the key or a header cannot be used.
        """
        self._address = read_address(base_url)
        self._model = model
        self._capabilities = capabilities
        self._timeout = timeout
        self._headers = _headers(headers or {}, api_key, self._address.user)
        values = [value for value in (headers or {}).values() if len(value) >= 8]
        self._secrets = (*self._address.secrets, *values, *([api_key] if api_key else []))
        self._max_tokens_field: MaxTokensField = max_tokens_field
        self._sessions: dict[asyncio.AbstractEventLoop, ClientSession] = {}

    def __repr__(self) -> str:
        return f"HttpModel({self._model!r}, {self._address.shown!r})"

    @property
    def identity(self) -> str:
        """`http:<model>@<base URL without credentials and query>`."""
        return f"http:{self._model}@{self._address.shown}"

    @property
    def capabilities(self) -> Capabilities:
        """What the server was said to be able to do, and several samples, which are emulated."""
        return msgspec.structs.replace(self._capabilities, n=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections of the running event loop; a later call opens new ones."""
        running = asyncio.get_running_loop()
        for loop in [loop for loop in self._sessions if loop is running or loop.is_closed()]:
            await self._sessions.pop(loop).close()

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Answer the conversation with one request, or one for each sample where the server lacks `n`.

        Raises:
            RequestRejected: the request needs something that the server lacks; nothing was sent.
            ModelError: the call failed; of several parallel requests the first failure ends all.
        """
        self._check(conversation, sampling)
        if sampling.n > 1 and not self._capabilities.n:
            return await generate_apart(lambda single: self._generate(conversation, single), sampling)
        return await self._generate(conversation, sampling)

    async def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        """Yield the answer as it comes; closing the iterator closes the connection.

        Raises:
            RequestRejected: the request needs something that the server lacks; nothing was sent.
            MalformedResponse: the stream ended before the answer did.
            ModelError: the call failed.
        """
        self._check(conversation, sampling)
        if not self._capabilities.stream:
            raise RequestRejected(f"{self.identity} does not stream; use generate")
        if sampling.n > 1 and not self._capabilities.n:
            pieces = stream_apart(lambda single: self._stream(conversation, single), sampling)
        else:
            pieces = self._stream(conversation, sampling)
        # Without this, closing the outer iterator would leave the inner one, and its connection, open.
        async with aclosing(pieces):
            async for delta in pieces:
                yield delta

    async def list_models(self) -> tuple[str, ...]:
        """Return the names of the models that the server has (`GET /models`).

        Raises:
            ModelError: the call failed.
        """
        async with self._open("GET", "models") as response:
            body = _json_object(await _read(response), "the list of models")
        entries = body.get("data")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise MalformedResponse(f"{self._address.shown}/models has no list of objects in 'data'")
        return tuple(str(entry.get("id", "")) for entry in entries)

    def _check(self, conversation: Conversation, sampling: Sampling) -> None:
        can = self._capabilities
        shape = (conversation.response_format or {}).get("type")
        lacks = {
            "tools": bool(conversation.tools) and not can.tools,
            "logprobs": sampling.logprobs and not can.logprobs,
            "json_schema": shape == "json_schema" and not can.json_schema,
            "images": not can.images and _has_images(conversation),
        }
        missing = [name for name, lacking in lacks.items() if lacking]
        if missing:
            raise RequestRejected(f"{self.identity} lacks {', '.join(missing)}, which the request needs")
        if sampling.n < 1:
            raise RequestRejected(f"n is {sampling.n}, but must be at least 1")

    def _body(self, conversation: Conversation, sampling: Sampling, *, stream: bool) -> bytes:
        if not self._capabilities.seed:
            sampling = msgspec.structs.replace(sampling, seed=None)
        field = self._max_tokens_field
        body = encode_request(self._model, conversation, sampling, stream=stream, max_tokens_field=field)
        try:
            return msgspec.json.encode(body)
        except (TypeError, ValueError) as error:
            raise RequestRejected(f"the request for {self.identity} is not JSON: {error}") from None

    async def _generate(self, conversation: Conversation, sampling: Sampling) -> Completion:
        body = self._body(conversation, sampling, stream=False)
        async with self._open("POST", "chat/completions", body) as response:
            return decode_completion(_json_object(await _read(response), "the answer"))

    async def _stream(self, conversation: Conversation, sampling: Sampling) -> AsyncGenerator[Delta, None]:
        body, ended = self._body(conversation, sampling, stream=True), set[int]()
        async with self._open("POST", "chat/completions", body, silence=self._timeout.first_byte) as response:
            async for data in _events(response):
                if data == "[DONE]":
                    await _drain(response)
                    return
                for delta in decode_chunk(_json_object(data.encode(), "a chunk of the stream")):
                    if delta.stop is not None:
                        ended.add(delta.index)
                    yield delta
            if len(ended) < sampling.n:
                kind = response.content_type
                raise MalformedResponse(f"the stream ({kind}) ended without a finish reason or [DONE]")

    @asynccontextmanager
    async def _open(
        self, method: str, endpoint: str, body: bytes | None = None, *, silence: float | None = None
    ) -> "AsyncIterator[ClientResponse]":
        """Send one request and yield the response if it is a success.

        On the way out a finished connection goes back to the pool and an unfinished one is closed at once.
        """
        import aiohttp

        wait = self._timeout
        limits = aiohttp.ClientTimeout(total=wait.total, connect=wait.connect, sock_read=silence)
        url = self._address.url(endpoint)
        try:
            session = await self._session()
            async with session.request(
                method, url, data=body, headers=self._headers, timeout=limits, allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise await self._error(response)
                yield response
        except ModelError as error:
            raise self._redacted(error) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # A TimeoutError is aiohttp's own: one that a caller set arrives as a cancellation.
            raise self._translated(error) from error

    async def _error(self, response: "ClientResponse") -> ModelError:
        text = (await _read(response)).decode("utf-8", "replace")
        return error_from_status(
            response.status, response.headers, text, secrets=self._secrets, now=time.time()
        )

    def _redacted(self, error: ModelError) -> ModelError:
        """Return the error without secrets: a server can repeat them anywhere in what it sends."""
        message = str(error)
        for secret in self._secrets:
            message = message.replace(secret, "***")
        if message == str(error):
            return error
        return type(error)(message, status=error.status, retry_after=error.retry_after)

    def _translated(self, error: Exception) -> ModelError:
        import aiohttp

        said = server_message(str(error) or type(error).__name__, self._secrets)
        place = self.identity
        if isinstance(error, aiohttp.ClientPayloadError):
            return MalformedResponse(f"the answer of {place} was cut off ({said}); try again")
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            wait = self._timeout.connect
            return ModelUnreachable(f"{place} took no connection within {wait:g} s; is the server running?")
        if isinstance(error, aiohttp.SocketTimeoutError):
            wait = self._timeout.first_byte
            return ModelTimeout(f"{place} was silent for {wait:g} s; raise the first_byte timeout")
        if isinstance(error, TimeoutError):
            wait = self._timeout.total
            return ModelTimeout(f"{place} did not answer within {wait:g} s; raise the total timeout")
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


def _has_images(conversation: Conversation) -> bool:
    parts = [part for message in conversation.messages for part in message.content or () if part]
    return any(not isinstance(part, str) and part.type == "image_url" for part in parts)


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


async def _read(response: "ClientResponse") -> bytes:
    data = bytearray()
    async for piece in response.content.iter_any():
        data += piece
        if len(data) > LARGEST_BODY:
            raise MalformedResponse(f"the answer is larger than {LARGEST_BODY} bytes")
    return bytes(data)


async def _events(response: "ClientResponse") -> AsyncIterator[str]:
    rest = b""
    async for piece in response.content.iter_any():
        events, rest = sse_events(rest + piece)
        if max(map(len, (rest, *events))) > LARGEST_BODY:
            raise MalformedResponse(f"an event of the stream is larger than {LARGEST_BODY} bytes")
        for event in events:
            yield event


async def _drain(response: "ClientResponse") -> None:
    """Read the end of a finished stream, so that its connection can serve the next call."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            await response.content.readany()


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict):
        shown = server_message(data[:300].decode("utf-8", "replace"))
        raise MalformedResponse(f"{what} is not a JSON object but {shown!r}; is base_url right?")
    return body
