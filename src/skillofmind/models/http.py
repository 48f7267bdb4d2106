"""Models behind an OpenAI-compatible HTTP server: `POST /chat/completions`, plain and streamed.

    async with HttpModel("llama-3", "http://localhost:8000/v1") as model:
        answer = await model.generate(conversation, Sampling(max_tokens=100))

One request is one attempt: retries, limits and caches are other models that wrap this one. Addresses, keys,
time-outs and errors are those of `http_connection`. The key appears in no message, name or `repr`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from skillofmind.core.completion import DEFAULT_SAMPLING, Completion, Delta, Sampling
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import MalformedResponse, RequestRejected
from skillofmind.core.seams import Capabilities
from skillofmind.models.http_connection import (
    LARGEST_BODY,
    HttpConnection,
    Timeouts,
    json_bytes,
    json_object,
    read_body,
)
from skillofmind.models.openai_wire import (
    MaxTokensField,
    decode_chunk,
    decode_completion,
    encode_request,
    sse_events,
)
from skillofmind.models.sampled_apart import generate_apart, stream_apart

if TYPE_CHECKING:
    from aiohttp import ClientResponse

__all__ = ["SERVER_CAPABILITIES", "HttpModel", "Timeouts"]

# A server closes its stream right after `[DONE]`; waiting this long keeps the connection for the next call.
_LINGER = 0.1

SERVER_CAPABILITIES = Capabilities(
    logprobs=True, seed=True, tools=True, stream=True, json_schema=True, images=True
)
"""What common servers of the protocol can do; several samples in one request is not part of it."""


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
        self._connection = HttpConnection(
            f"http:{model}", base_url, api_key, timeout=timeout, headers=headers
        )
        self._model = model
        self._capabilities = capabilities
        self._max_tokens_field: MaxTokensField = max_tokens_field

    def __repr__(self) -> str:
        return f"HttpModel({self._model!r}, {self._connection.shown!r})"

    @property
    def identity(self) -> str:
        """`http:<model>@<base URL without credentials and query>`."""
        return self._connection.identity

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
        await self._connection.close()

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
        async with self._connection.open("GET", "models") as response:
            body = json_object(await read_body(response, LARGEST_BODY), "the list of models")
        entries = body.get("data")
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise MalformedResponse(f"{self._connection.shown}/models has no list of objects in 'data'")
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
        return json_bytes(body, f"the request for {self.identity}")

    async def _generate(self, conversation: Conversation, sampling: Sampling) -> Completion:
        body = self._body(conversation, sampling, stream=False)
        async with self._connection.open("POST", "chat/completions", body) as response:
            return decode_completion(json_object(await read_body(response, LARGEST_BODY), "the answer"))

    async def _stream(self, conversation: Conversation, sampling: Sampling) -> AsyncGenerator[Delta, None]:
        body, ended = self._body(conversation, sampling, stream=True), set[int]()
        silence = self._connection.timeout.first_byte
        async with self._connection.open("POST", "chat/completions", body, silence=silence) as response:
            async for data in _events(response):
                if data == "[DONE]":
                    await _drain(response)
                    return
                for delta in decode_chunk(json_object(data.encode(), "a chunk of the stream")):
                    if delta.stop is not None:
                        ended.add(delta.index)
                    yield delta
            if len(ended) < sampling.n:
                kind = response.content_type
                raise MalformedResponse(f"the stream ({kind}) ended without a finish reason or [DONE]")


def _has_images(conversation: Conversation) -> bool:
    parts = [part for message in conversation.messages for part in message.content or () if part]
    return any(not isinstance(part, str) and part.type == "image_url" for part in parts)


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
