"""Requests of the OpenAI chat protocol: records to JSON and back.

For every conversation `decode_conversation(encode_conversation(c)) == c`, its plan apart, which never leaves.
Unset fields are not sent. Where `extra` names a field that the record sets as well, the record wins.

    >>> hello = Conversation(messages=(Message(role="user", content="Hello"),))
    >>> encode_request("tiny", hello, Sampling(temperature=0.0), stream=False)
    {'model': 'tiny', 'messages': [{'role': 'user', 'content': 'Hello'}], 'temperature': 0.0}
"""

from typing import Any, Literal, NamedTuple, cast, get_args

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message, Part, Role, Tool, ToolCall
from skillofmind.core.errors import DataError
from skillofmind.models.openai_wire.fields import Reader, brief

MaxTokensField = Literal["max_tokens", "max_completion_tokens"]
"""The request field that limits new tokens: newer servers of OpenAI take only the second."""

_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_CONVERSATION = frozenset({"messages", "tools", "tool_choice", "response_format"})
_SAMPLING = frozenset(
    {"temperature", "top_p", "n", "stop", "seed", "logprobs", "top_logprobs", *get_args(MaxTokensField)}
)
_FUNCTION = frozenset({"name", "description", "parameters", "strict"})
_ROLES = get_args(Role)


class Request(NamedTuple):
    """A decoded request body."""

    model: str
    conversation: Conversation
    sampling: Sampling
    stream: bool


def encode_request(
    model: str,
    conversation: Conversation,
    sampling: Sampling,
    *,
    stream: bool,
    max_tokens_field: MaxTokensField = "max_tokens",
) -> dict[str, Any]:
    """Return the request body; a stream also asks for the usage at its end."""
    body = {**sampling.extra, **encode_conversation(conversation)}
    body |= {"model": model, **encode_sampling(sampling, max_tokens_field)}
    ordered = {"model": body.pop("model"), "messages": body.pop("messages"), **body}
    if stream:
        ordered["stream"] = True
        ordered.setdefault("stream_options", {"include_usage": True})
    return ordered


def decode_request(body: dict[str, Any]) -> Request:
    """Take a request body apart; request fields that we do not know go to `conversation.extra`.

    Raises:
        DataError: a field is missing or of the wrong type.
    """
    reader = Reader(body, "request", DataError)
    taken = {*_SAMPLING, "model", "stream"}
    conversation = decode_conversation({name: body[name] for name in body if name not in taken})
    return Request(
        reader.text("model"), conversation, _sampling(reader), reader.maybe_flag("stream") or False
    )


def encode_sampling(sampling: Sampling, max_tokens_field: MaxTokensField = "max_tokens") -> dict[str, Any]:
    """Return the request fields of `sampling`, without its `extra`; only what differs from the default."""
    fields: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        max_tokens_field: sampling.max_tokens,
        "n": sampling.n if sampling.n != 1 else None,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "logprobs": sampling.logprobs or None,
        "top_logprobs": sampling.top_logprobs or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _sampling(reader: Reader) -> Sampling:
    limit = reader.maybe_count("max_completion_tokens")
    samples = reader.maybe_count("n")
    return Sampling(
        temperature=reader.maybe_number("temperature"),
        top_p=reader.maybe_number("top_p"),
        max_tokens=reader.maybe_count("max_tokens") if limit is None else limit,
        n=1 if samples is None else samples,
        stop=_stop(reader),
        seed=reader.maybe_count("seed"),
        logprobs=reader.maybe_flag("logprobs") or False,
        top_logprobs=reader.maybe_count("top_logprobs") or 0,
    )


def _stop(reader: Reader) -> tuple[str, ...]:
    stop = reader.body.get("stop")
    items = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise reader.wrong("stop", "a string or a list of strings")
    return tuple(items)


def encode_conversation(conversation: Conversation) -> dict[str, Any]:
    """Return the request fields of `conversation`; the plan stays behind."""
    body: dict[str, Any] = {**conversation.extra}
    body["messages"] = [encode_message(message) for message in conversation.messages]
    if conversation.tools:
        body["tools"] = [*map(_encode_tool, conversation.tools), *conversation.extra.get("tools", [])]
    if conversation.tool_choice is not None:
        body["tool_choice"] = conversation.tool_choice
    if conversation.response_format is not None:
        body["response_format"] = conversation.response_format
    return body


def decode_conversation(body: dict[str, Any]) -> Conversation:
    """Read the conversation in a request body; every field that is not part of it goes to `extra`.

    Tools that are not plain functions (a provider's built-in tools) stay verbatim in `extra["tools"]`, and
    `encode_conversation` sends them after the others.

    Raises:
        DataError: a field is missing or of the wrong type.
    """
    reader = Reader(body, "request", DataError)
    if not isinstance(body.get("messages"), list):
        raise reader.wrong("messages", "a list")
    tools = [(raw.body, _decode_tool(raw)) for raw in reader.children("tools")]
    extra = reader.rest(_CONVERSATION)
    if others := [raw for raw, tool in tools if tool is None]:
        extra["tools"] = others
    return Conversation(
        messages=tuple(_message(raw) for raw in reader.children("messages")),
        tools=tuple(tool for _, tool in tools if tool is not None),
        tool_choice=_tool_choice(reader),
        response_format=None if (shape := reader.maybe_child("response_format")) is None else shape.body,
        extra=extra,
    )


def _tool_choice(reader: Reader) -> str | dict[str, Any] | None:
    choice = reader.body.get("tool_choice")
    if choice is None or isinstance(choice, str | dict):
        return choice
    raise reader.wrong("tool_choice", "a string or an object")


def _encode_tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _decode_tool(reader: Reader) -> Tool | None:
    """Return the tool, or `None` where a `Tool` cannot hold everything that was sent."""
    function = reader.body.get("function")
    plain = reader.body.get("type") == "function" and set(reader.body) == {"type", "function"}
    if not plain or not isinstance(function, dict) or not _FUNCTION.issuperset(function):
        return None
    inner = reader.child("function")
    parameters = inner.maybe_child("parameters")
    return Tool(
        name=inner.text("name"),
        description=inner.maybe_text("description") or "",
        parameters={} if parameters is None else parameters.body,
        strict=inner.maybe_flag("strict"),
    )


def encode_message(message: Message) -> dict[str, Any]:
    """Return the JSON value of one message."""
    body: dict[str, Any] = {**message.extra, "role": message.role, "content": message.content}
    if isinstance(message.content, tuple):
        body["content"] = [_encode_part(part) for part in message.content]
    if message.name is not None:
        body["name"] = message.name
    if message.tool_calls:
        body["tool_calls"] = [_encode_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    return body


def decode_message(body: dict[str, Any]) -> Message:
    """Read one message of a request.

    Raises:
        DataError: a field is missing or of the wrong type.
    """
    return _message(Reader(body, "message", DataError))


def _message(reader: Reader) -> Message:
    role = reader.text("role")
    if role not in _ROLES:
        raise reader.wrong("role", f"one of {', '.join(_ROLES)}")
    return Message(
        role=cast(Role, role),
        content=_content(reader),
        name=reader.maybe_text("name"),
        tool_calls=tuple(decode_call(call) for call in reader.children("tool_calls")),
        tool_call_id=reader.maybe_text("tool_call_id"),
        extra=reader.rest(_MESSAGE),
    )


def _content(reader: Reader) -> str | tuple[Part, ...] | None:
    content = reader.body.get("content")
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise reader.wrong("content", "a string, a list of parts or null")
    return tuple(_decode_part(part) for part in reader.children("content"))


def _encode_part(part: Part) -> dict[str, Any]:
    body: dict[str, Any] = {"type": part.type, **part.extra}
    if part.text is not None:
        body["text"] = part.text
    if part.image_url is not None:
        body["image_url"] = {**part.extra.get("image_url", {}), "url": part.image_url}
    return body


def _decode_part(reader: Reader) -> Part:
    """Read a part; whatever does not fit the record (an image's `detail`, another shape) stays in `extra`."""
    kind, extra = reader.text("type"), reader.rest({"type"})
    text = extra.pop("text") if isinstance(extra.get("text"), str) else None
    image, url = extra.get("image_url"), None
    if isinstance(image, dict) and isinstance(image.get("url"), str):
        url = image["url"]
        extra["image_url"] = {name: value for name, value in image.items() if name != "url"}
        if not extra["image_url"]:
            del extra["image_url"]
    return Part(type=kind, text=text, image_url=url, extra=extra)


def _encode_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def decode_call(reader: Reader) -> ToolCall:
    """Read one tool call of a message.

    Raises:
        DataError, MalformedResponse: a field is missing or of the wrong type; which, the reader says.
    """
    if reader.body.get("type", "function") != "function":
        raise reader.fault(f"{reader.where}.type {brief(reader.body['type'])} is not a function call")
    function = reader.child("function")
    return ToolCall(reader.text("id"), function.text("name"), function.text("arguments"))
