"""A chat model that runs in this process.

    model = LocalModel("models/tiny-chat")
    answer = await model.generate(conversation, Sampling(max_tokens=50, logprobs=True))

All work of the tokenizer and the network is done by one thread, so the event loop stays free. Calls that
arrive while a batch is being written wait, and go into the next batch together (up to `max_batch` rows,
whatever their settings).

Log-probabilities are those of the model itself: temperature 1 and no truncation, whatever the sampling was.
They cover the tokens of the text, not the end token.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self, TypeVar

from skillofmind.core.completion import (
    DEFAULT_SAMPLING,
    Completion,
    Sample,
    Sampling,
    TokenLogprob,
    Usage,
)
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ConfigurationError, RequestRejected
from skillofmind.core.seams import Capabilities
from skillofmind.models.local.loading import end_tokens, find_folder, folder_fingerprint, load
from skillofmind.models.local.prompts import PromptEncoder

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from skillofmind.models.local.decoding import Written

T = TypeVar("T")

_CAPABILITIES = Capabilities(n=True, logprobs=True, seed=True, continue_assistant=True, hidden_states=True)


class _Request:
    """One call; its prompt is encoded once, by the thread that first needs it."""

    def __init__(self, conversation: Conversation, sampling: Sampling) -> None:
        self.conversation = conversation
        self.sampling = sampling
        self._prompt: list[int] | None = None

    def prompt(self, encoder: PromptEncoder) -> list[int]:
        if self._prompt is None:
            self._prompt = encoder.prompt(self.conversation)
        return self._prompt


class _Ticket(NamedTuple):
    """One sample of a request that waits for its place in a batch."""

    request: _Request
    place: int
    future: "Future[Written]"


class LocalModel:
    """A transformers model with a chat template; holds the weights and one thread until `close()`."""

    def __init__(
        self,
        path: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_batch: int = 8,
        allow_download: bool = False,
    ) -> None:
        """Load a model; this takes as long as reading its weights.

        Args:
            path: a folder with `config.json`, safetensors weights and tokenizer; or a hub's id.
            device: a torch device; `auto` takes CUDA, then MPS, then the CPU.
            dtype: a torch type by name; `auto` is float32 on a CPU, else that of the weights.
            max_batch: most rows in one forward pass, at least 1.
            allow_download: whether `path` may be a hub's id that is fetched; else nothing is.

        Raises:
            ConfigurationError: the folder, the device, the type or the chat template is missing.
            MissingExtra: torch or transformers is not installed.
        """
        if max_batch < 1:
            raise ConfigurationError(f"max_batch is {max_batch}, but must be at least 1")
        folder = find_folder(path, allow_download=allow_download)
        self._network, self._tokenizer = load(folder, device=device, dtype=dtype)
        self._encoder = PromptEncoder(self._tokenizer)
        precision = str(self._network.dtype).removeprefix("torch.")
        name = str(path) if allow_download else folder.resolve().name
        self._identity = f"local:{name}@{folder_fingerprint(folder)[:16]}/{precision}"
        self._max_batch = max_batch
        self._config = self._network.config.get_text_config()
        self._ends = end_tokens(self._network, self._tokenizer)
        self._waiting: deque[_Ticket] = deque()
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="local-model")

    def __repr__(self) -> str:
        return f"LocalModel({self._identity!r})"

    @property
    def identity(self) -> str:
        """`local:<name>@<hash of configuration, tokenizer and weights>/<type>`."""
        return self._identity

    @property
    def capabilities(self) -> Capabilities:
        """Samples, log-probabilities, seeds, continued answers and activations; no tools and no streams."""
        return _CAPABILITIES

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what is waiting and end the thread; the model cannot be used afterwards."""
        await asyncio.to_thread(self._thread.shutdown)

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        """Answer the conversation; `max_tokens` is 256 unless set, and ends where the model's context ends.

        Temperature and `top_p` that are not set are those of the model's generation settings, else 1. Sample
        i has the seed `seed + i`. The same seed gives the same text whatever else is in the batch, up to
        rounding of the logits.

        Raises:
            RequestRejected: the request needs what the model lacks, or does not fit its context or memory.
        """
        _check(conversation, sampling)
        request = _Request(conversation, sampling)
        tickets = [_Ticket(request, index, Future()) for index in range(sampling.n)]
        with self._lock:
            self._waiting.extend(tickets)
        for _ in tickets:
            # One round for each ticket is enough for any batching; a round that finds none does nothing.
            self._thread.submit(self._round)
        written = await asyncio.gather(*[asyncio.wrap_future(ticket.future) for ticket in tickets])
        usage = Usage(len(request.prompt(self._encoder)), sum(one.spent for one in written))
        samples = tuple(Sample(one.text, one.stop, tokens=one.tokens) for one in written)
        return Completion(samples, usage, self._identity)

    async def generate_many(
        self, conversations: Sequence[Conversation], sampling: Sampling = DEFAULT_SAMPLING
    ) -> list[Completion]:
        """Answer all conversations, batched; answers in the order of the conversations.

        Raises:
            RequestRejected: as `generate`, for the first that fails.
        """
        calls = [self.generate(conversation, sampling) for conversation in conversations]
        return list(await asyncio.gather(*calls))

    async def score(self, conversation: Conversation, reply: str | Sequence[int]) -> tuple[TokenLogprob, ...]:
        """Return the log-probability of every token of `reply` as the assistant's answer.

        Args:
            conversation: what comes before.
            reply: a text, in which control tokens count as ordinary words; or ids, such as those that
                `generate` returned (a text can have other tokens than those it was sampled with).

        Raises:
            RequestRejected: the conversation cannot be rendered, or does not fit the context.
        """
        from skillofmind.models.local import decoding

        def work() -> tuple[TokenLogprob, ...]:
            prompt = self._encoder.prompt(conversation)
            ids = self._encoder.literal(reply, own=True) if isinstance(reply, str) else list(reply)
            self._room(len(prompt) + len(ids) - 1)
            logprobs = decoding.score(self._network, prompt, ids)
            texts = [self._tokenizer.decode([number]) for number in ids]
            return tuple(map(TokenLogprob, texts, logprobs, ids))

        return await self._run(work)

    async def hidden_states(self, conversation: Conversation, layer: int) -> "NDArray[numpy.float32]":
        """Return the activations over the prompt after `layer` blocks, an array [T, H].

        Layer 0 is the embedding, negative layers count from the end; the last one is after the final norm.

        Raises:
            ConfigurationError: the model has no such layer.
            RequestRejected: the conversation cannot be rendered, or does not fit the context.
        """
        from skillofmind.models.local import decoding

        depth = int(self._config.num_hidden_layers)
        if not -depth - 1 <= layer <= depth:
            raise ConfigurationError(f"layer {layer} is not in {-depth - 1} to {depth}")

        def work() -> "NDArray[numpy.float32]":
            prompt = self._encoder.prompt(conversation)
            self._room(len(prompt) - 1)
            states: NDArray[numpy.float32] = decoding.hidden_states(self._network, prompt, layer)
            return states

        return await self._run(work)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._thread.submit(work))

    def _round(self) -> None:
        """Write one batch of what is waiting; runs in the model's thread."""
        with self._lock:
            count = min(len(self._waiting), self._max_batch)
            tickets = [self._waiting.popleft() for _ in range(count)]
        ready = [ticket for ticket in tickets if not ticket.future.cancelled() and self._prepare(ticket)]
        if not ready:
            return
        try:
            written = self._write(ready)
        except Exception as error:
            for ticket in ready:
                _fail(ticket.future, _explained(error, self._max_batch))
            return
        for ticket, one in zip(ready, written, strict=True):
            with suppress(InvalidStateError):
                ticket.future.set_result(one)

    def _prepare(self, ticket: _Ticket) -> bool:
        """Encode the ticket's prompt; a prompt that cannot be is the failure of its call alone."""
        try:
            self._room(len(ticket.request.prompt(self._encoder)))
        except Exception as error:
            _fail(ticket.future, error)
            return False
        return True

    def _write(self, tickets: Sequence[_Ticket]) -> "list[Written]":
        from skillofmind.models.local import decoding

        jobs = []
        for ticket in tickets:
            prompt = ticket.request.prompt(self._encoder)
            settings = decoding.settings(
                ticket.request.sampling, self._network, self._room(len(prompt)), ticket.place
            )
            jobs.append(decoding.Job(prompt, settings, ticket.future.cancelled))
        written: list[Written] = decoding.write(self._network, self._tokenizer, jobs, self._ends)
        return written

    def _room(self, used: int) -> int:
        """Return how many tokens fit after `used`.

        Raises:
            RequestRejected: none.
        """
        limit = getattr(self._config, "max_position_embeddings", None) or 2**31
        if used >= limit:
            raise RequestRejected(
                f"{used} tokens do not fit the context of {limit}; shorten the conversation"
            )
        return int(limit) - used


def _check(conversation: Conversation, sampling: Sampling) -> None:
    if conversation.tools or conversation.response_format:
        raise RequestRejected("a local model has neither tools nor response_format; leave them out")
    if sampling.n < 1 or (sampling.max_tokens or 0) < 0 or not all(sampling.stop):
        raise RequestRejected(f"n >= 1, max_tokens >= 0 and non-empty stop strings are needed: {sampling!r}")
    if (sampling.temperature or 0) < 0 or not 0 < (1 if sampling.top_p is None else sampling.top_p) <= 1:
        raise RequestRejected(f"temperature >= 0 and top_p in (0, 1] are needed: {sampling!r}")


def _fail(future: "Future[Written]", error: Exception) -> None:
    with suppress(InvalidStateError):
        future.set_exception(error)


def _explained(error: Exception, max_batch: int) -> Exception:
    """Return what to do about a full memory; other failures as they are."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return RequestRejected(f"the device's memory is full at max_batch={max_batch}; lower it")
    return error
