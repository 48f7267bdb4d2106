"""The planner inside LangChain: middleware for agents, a runnable for a chat model by itself.

    agent = create_agent("openai:gpt-5", tools, middleware=[PlannerMiddleware(EmbeddedPlanner())])
    reply = agent.invoke({"messages": [("user", "I failed again.")]})["messages"][-1]
    reply.response_metadata["skillofmind"]["plan"]["skill"]

The plan is one more message of a single call to the model; the state of the agent does not hold it. What came
of planning stays with the reply, in its `response_metadata`.
"""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, Unpack

from skillofmind.adapters.planning import FIELD, Forethought, Settings, Thought
from skillofmind.core.errors import MissingExtra
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import plan_place

try:
    from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        convert_to_messages,
    )
    from langchain_core.prompt_values import PromptValue
    from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda
except ImportError as error:
    raise MissingExtra("planning in LangChain needs it; pip install 'langchain>=1.4,<2'.") from error

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function"}


class PlannerMiddleware(AgentMiddleware):
    """Plans before the model of an agent answers a user; sees to it that the plan travels with the reply."""

    def __init__(self, planner: Planner, **settings: Unpack[Settings]) -> None:
        """Plan with `planner`; see `Settings`."""
        super().__init__()
        self._forethought = Forethought(planner, **settings)

    def wrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]
    ) -> ModelResponse:
        """Plan, then let the model answer with the plan at hand."""
        thought = self._forethought.think(_asked(request))
        return _answered(handler(self._shown(request, thought)), thought)

    async def awrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Plan, then let the model answer with the plan at hand."""
        thought = await self._forethought.think_async(_asked(request))
        return _answered(await handler(self._shown(request, thought)), thought)

    def _shown(self, request: ModelRequest, thought: Thought) -> ModelRequest:
        if thought.block is None:
            return request
        messages = _with_block(request.messages, thought.block, self._forethought.system_role)
        return request.override(messages=messages)


def planned_chat(
    model: Runnable[Any, Any], planner: Planner, **settings: Unpack[Settings]
) -> Runnable[Any, Any]:
    """Return a runnable like the chat model `model` that plans first; streams and batches as `model` does.

    Args:
        model: a chat model, also one with tools bound to it.
        planner: whatever plans.
        settings: see `Settings`.
    """
    forethought = Forethought(planner, **settings)

    def think(asked: Any) -> Runnable[Any, Any]:
        messages = _messages(asked)
        return _answering(model, messages, forethought.think(_read(messages)), forethought.system_role)

    async def think_async(asked: Any) -> Runnable[Any, Any]:
        messages = _messages(asked)
        thought = await forethought.think_async(_read(messages))
        return _answering(model, messages, thought, forethought.system_role)

    return RunnableLambda(think, think_async, name="planned_chat")


def _answering(
    model: Runnable[Any, Any], messages: list[BaseMessage], thought: Thought, system_role: bool
) -> Runnable[Any, Any]:
    shown = messages if thought.block is None else _with_block(messages, thought.block, system_role)

    def mark(pieces: Iterator[BaseMessage]) -> Iterator[BaseMessage]:
        for place, piece in enumerate(pieces):
            yield piece if place else _marked(piece, thought)

    async def mark_async(pieces: AsyncIterator[BaseMessage]) -> AsyncIterator[BaseMessage]:
        first = True
        async for piece in pieces:
            yield _marked(piece, thought) if first else piece
            first = False

    return RunnableLambda(lambda _: shown) | model | RunnableGenerator(mark, mark_async)


def _messages(asked: Any) -> list[BaseMessage]:
    """Return the messages in what a chat model can be asked."""
    if isinstance(asked, PromptValue):
        asked = asked.to_messages()
    return [HumanMessage(asked)] if isinstance(asked, str) else list(convert_to_messages(asked))


def _asked(request: ModelRequest) -> list[dict[str, Any]]:
    first = [] if request.system_message is None else [request.system_message]
    return _read([*first, *request.messages])


def _read(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    return [{"role": _ROLES.get(message.type), "content": str(message.text)} for message in messages]


def _with_block(messages: Sequence[BaseMessage], block: str, system_role: bool) -> list[Any]:
    place = plan_place([_ROLES.get(message.type) for message in messages])
    if system_role:
        return [*messages[:place], SystemMessage(block), *messages[place:]]
    return [*messages[:place], _preceded(messages[place], block), *messages[place + 1 :]]


def _preceded(message: BaseMessage, block: str) -> BaseMessage:
    content = message.content
    if isinstance(content, str):
        return message.model_copy(update={"content": f"{block}\n\n{content}"})
    return message.model_copy(update={"content": [{"type": "text", "text": block}, *content]})


def _answered(response: ModelResponse, thought: Thought) -> ModelResponse:
    result = [_marked(m, thought) if isinstance(m, AIMessage) else m for m in response.result]
    return dataclasses.replace(response, result=result)


def _marked(message: BaseMessage, thought: Thought) -> BaseMessage:
    metadata = {**message.response_metadata, FIELD: thought.planning.to_json()}
    return message.model_copy(update={"response_metadata": metadata})
