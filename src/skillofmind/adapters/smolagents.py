"""The planner inside agents of smolagents: a model around a model.

    model = PlannedModel(OpenAIModel("gpt-5"), EmbeddedPlanner())
    agent = ToolCallingAgent(tools=[...], model=model)
    agent.memory.steps[1].model_output_message.skillofmind["plan"]["skill"]

Everything but the messages reaches the wrapped model as it came: tools, stop sequences, response format. What
came of planning is the attribute `skillofmind` of the message, or of the first piece of a stream.

smolagents joins neighbours of one role and can do so only where their content is a list of parts. Where a
system message with plain text stands right before the last user message, the plan goes before that message's
words.
"""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, Unpack, runtime_checkable

from skillofmind.adapters.planning import FIELD, Forethought, Settings, Thought
from skillofmind.core.errors import MissingExtra
from skillofmind.core.seams import Planner
from skillofmind.mind.inject import plan_place

try:
    from smolagents import ChatMessage, ChatMessageStreamDelta, MessageRole, Model
    from smolagents.models import ChatMessageToolCallFunction, ChatMessageToolCallStreamDelta
except ImportError as error:
    raise MissingExtra("planning in smolagents needs it; pip install 'smolagents>=1.26,<2'.") from error

_ROLES = {MessageRole.TOOL_RESPONSE.value: "tool"}


@runtime_checkable
class _Streaming(Protocol):
    def generate_stream(self, messages: list[Any], **asked: Any) -> Iterator[Any]: ...


class PlannedModel(Model):
    """A model of smolagents that plans before it answers.

    Attributes:
        model: the model that answers.
    """

    def __init__(self, model: Model, planner: Planner, **settings: Unpack[Settings]) -> None:
        """Answer with `model` after `planner` has planned; see `Settings`."""
        super().__init__(
            flatten_messages_as_text=model.flatten_messages_as_text,
            tool_name_key=model.tool_name_key,
            tool_arguments_key=model.tool_arguments_key,
            model_id=model.model_id,
        )
        self.model = model
        self._forethought = Forethought(planner, **settings)

    def generate(self, messages: list[Any], *rest: Any, **asked: Any) -> ChatMessage:
        """Plan, then answer with the plan at hand."""
        thought = self._think(messages)
        answer = self.model.generate(self._shown(messages, thought), *rest, **asked)
        return _marked(answer, thought)

    def generate_stream(self, messages: list[Any], *rest: Any, **asked: Any) -> Iterator[Any]:
        """Plan, then yield the answer in pieces; in one piece where the wrapped model cannot stream."""
        thought = self._think(messages)
        shown = self._shown(messages, thought)
        if isinstance(self.model, _Streaming):
            pieces = iter(self.model.generate_stream(shown, *rest, **asked))
        else:
            pieces = iter([_in_one_piece(self.model.generate(shown, *rest, **asked))])
        for place, piece in enumerate(pieces):
            yield piece if place else _marked(piece, thought)

    def parse_tool_calls(self, message: ChatMessage) -> ChatMessage:
        """Read tool calls from the text of an answer, the way the wrapped model does."""
        return self.model.parse_tool_calls(message)

    def _think(self, messages: Sequence[Any]) -> Thought:
        return self._forethought.think([_plain(message) for message in messages])

    def _shown(self, messages: list[Any], thought: Thought) -> list[Any]:
        if thought.block is None:
            return messages
        return _with_block(messages, thought.block, self._forethought.system_role)


def _plain(message: Any) -> dict[str, Any]:
    """Return role and content of a message, which is a `ChatMessage` or a dictionary."""
    fields = message if isinstance(message, dict) else vars(message)
    role = str(getattr(fields["role"], "value", fields["role"]))
    return {"role": _ROLES.get(role, role), "content": fields.get("content")}


def _with_block(messages: list[Any], block: str, system_role: bool) -> list[Any]:
    plain = [_plain(message) for message in messages]
    place = plan_place([message["role"] for message in plain])
    before = plain[place - 1] if place else {}
    clash = before.get("role") == "system" and isinstance(before.get("content"), str)
    if system_role and not clash:
        shown = ChatMessage(MessageRole.SYSTEM, [{"type": "text", "text": block}])
        return [*messages[:place], shown, *messages[place:]]
    return [*messages[:place], _preceded(messages[place], block), *messages[place + 1 :]]


def _preceded(message: Any, block: str) -> Any:
    content = _plain(message)["content"]
    if isinstance(content, str):
        shown: Any = f"{block}\n\n{content}"
    elif content[0].get("type") == "text":
        # One part, because models that take plain text are given the first part only.
        shown = [{**content[0], "text": f"{block}\n\n{content[0]['text']}"}, *content[1:]]
    else:
        shown = [{"type": "text", "text": block}, *content]
    if isinstance(message, dict):
        return {**message, "content": shown}
    return dataclasses.replace(message, content=shown)


def _in_one_piece(answer: ChatMessage) -> ChatMessageStreamDelta:
    calls = [
        ChatMessageToolCallStreamDelta(
            index=place, id=call.id, type=call.type, function=_written(call.function)
        )
        for place, call in enumerate(answer.tool_calls or ())
    ]
    content = answer.content if isinstance(answer.content, str) else None
    return ChatMessageStreamDelta(content=content, tool_calls=calls or None, token_usage=answer.token_usage)


def _written(function: ChatMessageToolCallFunction) -> ChatMessageToolCallFunction:
    """Return a call whose arguments are text, as they are in a stream."""
    arguments = function.arguments
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ChatMessageToolCallFunction(text, function.name, function.description)


def _marked(answer: Any, thought: Thought) -> Any:
    setattr(answer, FIELD, thought.planning.to_json())
    return answer
