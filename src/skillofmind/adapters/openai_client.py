"""The planner before every chat completion of an `openai` client.

    client = plan_first(OpenAI(), EmbeddedPlanner(), context="Ana and her flatmate Ben.")
    answer = client.chat.completions.create(model="gpt-5", messages=messages)
    answer.skillofmind["plan"]["skill"]

`plan_first` returns a copy of the client, of the same class and with the same connections; the client itself
stays as it is. Only `POST /chat/completions` of the copy is planned. There `create`, `parse`, `stream` and
their raw variants all come together, once for each call however often it is retried. What comes back is what
comes back without the planner, with one more field: on a completion, or on the first chunk of a stream.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeVar, Unpack, cast

from skillofmind.adapters.planning import FIELD, Forethought, Settings, Thought
from skillofmind.core.errors import MissingExtra
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import insert_plan

try:
    from openai import AsyncOpenAI, AsyncStream, BaseModel, OpenAI, Stream
    from openai.types.chat import ChatCompletionChunk
except ImportError as error:
    raise MissingExtra("planning for an openai client needs it; pip install 'openai>=2.54,<4'.") from error

Client = TypeVar("Client", bound=OpenAI | AsyncOpenAI)

_PATH = "/chat/completions"


def plan_first(client: Client, planner: Planner, **settings: Unpack[Settings]) -> Client:
    """Return a copy of `client` that plans before it asks for a chat completion.

    Args:
        client: `OpenAI`, `AsyncOpenAI`, or a client made from one of them, such as `AzureOpenAI`.
        planner: whatever plans.
        settings: see `Settings`.
    """
    return _planning(cast(Client, client.copy()), Forethought(planner, **settings))


def _planning(client: Client, forethought: Forethought) -> Client:
    """Return `client`, which is ours alone, with its requests and its own copies planned."""
    copy = cast(Callable[..., Client], client.copy)

    def copied(**options: Any) -> Client:
        return _planning(copy(**options), forethought)

    wrap = _async_post if isinstance(client, AsyncOpenAI) else _post
    vars(client).update(post=wrap(client.post, forethought), copy=copied, with_options=copied)
    return client


def _post(post: Callable[..., Any], forethought: Forethought) -> Callable[..., Any]:
    def planned_post(path: str, **request: Any) -> Any:
        if not _is_chat(path, request):
            return post(path, **request)
        thought = forethought.think(request["body"]["messages"])
        return post(path, **_carrying(request, thought, PlannedStream, forethought.system_role))

    return planned_post


def _async_post(post: Callable[..., Any], forethought: Forethought) -> Callable[..., Any]:
    async def planned_post(path: str, **request: Any) -> Any:
        if not _is_chat(path, request):
            return await post(path, **request)
        thought = await forethought.think_async(request["body"]["messages"])
        return await post(path, **_carrying(request, thought, AsyncPlannedStream, forethought.system_role))

    return planned_post


def _is_chat(path: str, request: Mapping[str, Any]) -> bool:
    """Say whether a request has messages that can be read; the server judges those that cannot."""
    body = request.get("body")
    messages = body.get("messages") if path == _PATH and isinstance(body, Mapping) else None
    return isinstance(messages, list) and all(isinstance(message, Mapping) for message in messages)


def _carrying(
    request: Mapping[str, Any], thought: Thought, stream: type[Any], system_role: bool
) -> dict[str, Any]:
    """Return `request` with the plan shown, and with the planning put on whatever its response is read as."""
    options = request.get("options", {})
    parse, planning = options.get("post_parser"), thought.planning.to_json()

    def parsed(answer: Any) -> Any:
        answer = parse(answer) if callable(parse) else answer
        # A raw response can also be read as text or bytes, which hold nothing more.
        if isinstance(answer, BaseModel | PlannedStream | AsyncPlannedStream):
            setattr(answer, FIELD, planning)
        return answer

    changed = {**request, "options": {**options, "post_parser": parsed}}
    if request.get("stream_cls") is not None:
        changed["stream_cls"] = stream
    if thought.block is not None:
        messages = insert_plan(request["body"]["messages"], thought.block, system_role=system_role)
        changed["body"] = {**request["body"], "messages": messages}
    return changed


class PlannedStream(Stream[ChatCompletionChunk]):
    """A stream whose first chunk carries the planning, as the stream itself does."""

    def __next__(self) -> ChatCompletionChunk:
        """Return the next chunk."""
        return _marked(self, super().__next__())

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        """Yield the chunks."""
        for chunk in super().__iter__():
            yield _marked(self, chunk)


class AsyncPlannedStream(AsyncStream[ChatCompletionChunk]):
    """The same for `AsyncOpenAI`."""

    async def __anext__(self) -> ChatCompletionChunk:
        """Return the next chunk."""
        return _marked(self, await super().__anext__())

    async def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        """Yield the chunks."""
        async for chunk in super().__aiter__():
            yield _marked(self, chunk)


def _marked(stream: Any, chunk: ChatCompletionChunk) -> ChatCompletionChunk:
    if not vars(stream).get("_begun"):
        stream._begun = True
        setattr(chunk, FIELD, vars(stream)[FIELD])
    return chunk
