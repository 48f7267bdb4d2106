"""Structured conversations with a model: roles, parts, tool calls; never one flat string.

The records follow the OpenAI chat format in meaning, so that a request can travel through the library
and out again without loss; fields that we do not know stay in `extra`.
"""

from typing import Any, Literal

from skillofmind.core.plan import Plan
from skillofmind.core.record import Record

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Part(Record, frozen=True):
    """One piece of a message's content.

    Attributes:
        type: `text`, `image_url`, or whatever else the sender wrote.
        text: the text of a `text` part.
        image_url: the address (or data URI) of an `image_url` part.
        extra: the part's other fields, verbatim.
    """

    type: str
    text: str | None = None
    image_url: str | None = None
    extra: dict[str, Any] = {}


class ToolCall(Record, frozen=True):
    """A call that the model asks for; `arguments` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


class Tool(Record, frozen=True):
    """A tool that the model may call; `parameters` is a JSON schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool | None = None


class Message(Record, frozen=True):
    """One message.

    Attributes:
        role: who speaks.
        content: text, parts, or nothing (an assistant message that only calls tools).
        name: name of the participant, where given.
        tool_calls: calls that an assistant message asks for.
        tool_call_id: the call that a tool message answers.
        extra: other fields, verbatim.
    """

    role: Role
    content: str | tuple[Part, ...] | None = None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    extra: dict[str, Any] = {}

    def text(self) -> str:
        """Return the text of the message, text parts joined by newlines."""
        if isinstance(self.content, tuple):
            return "\n".join(part.text for part in self.content if part.text is not None)
        return self.content or ""


class Conversation(Record, frozen=True):
    """What a model is asked to continue.

    Attributes:
        messages: in order.
        tools: tools on offer.
        tool_choice: as in the OpenAI format; `None` leaves the default.
        response_format: as in the OpenAI format (`json_object`, `json_schema`).
        plan: the plan for the reply, where one was made; it never goes over the wire by itself.
        extra: request fields that we pass on verbatim.
    """

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    plan: Plan | None = None
    extra: dict[str, Any] = {}
