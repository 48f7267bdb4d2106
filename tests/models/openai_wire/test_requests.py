from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message, Part, Tool, ToolCall
from skillofmind.core.errors import DataError
from skillofmind.core.plan import Plan
from skillofmind.models.openai_wire import (
    decode_conversation,
    decode_message,
    decode_request,
    encode_conversation,
    encode_message,
    encode_request,
)

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


def extras(*taken: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(TEXT.filter(lambda name: name not in taken), JSON, max_size=3)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    extra = draw(extras("type", "text", "image_url"))
    url = draw(st.none() | TEXT)
    details = draw(st.none() | st.dictionaries(TEXT.filter(lambda name: name != "url"), JSON, min_size=1))
    if details is not None:
        extra["image_url"] = details
    return Part(draw(TEXT), draw(st.none() | TEXT), url, extra)


CALLS = st.builds(ToolCall, TEXT, TEXT, TEXT)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    content=st.none() | TEXT | st.lists(parts(), max_size=3).map(tuple),
    name=st.none() | TEXT,
    tool_calls=st.lists(CALLS, max_size=2).map(tuple),
    tool_call_id=st.none() | TEXT,
    extra=extras("role", "content", "name", "tool_calls", "tool_call_id"),
)
TOOLS = st.builds(Tool, TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=2), st.none() | st.booleans())
CONVERSATIONS = st.builds(
    Conversation,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    tools=st.lists(TOOLS, max_size=2).map(tuple),
    tool_choice=st.none() | TEXT | st.dictionaries(TEXT, JSON, max_size=2),
    response_format=st.none() | st.dictionaries(TEXT, JSON, max_size=2),
    extra=extras("messages", "tools", "tool_choice", "response_format"),
)
HELLO = Conversation(messages=(Message(role="user", content="Hello"),))


@given(CONVERSATIONS)
def test_a_conversation_survives_the_wire(conversation: Conversation) -> None:
    assert decode_conversation(encode_conversation(conversation)) == conversation


@given(MESSAGES)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert decode_message(encode_message(message)) == message


def test_only_set_fields_are_sent() -> None:
    assert encode_request("tiny", HELLO, Sampling(), stream=False) == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_every_field_has_its_place() -> None:
    sampling = Sampling(0.5, 0.9, 7, 2, ("END",), 3, True, 4, extra={"user": "u1", "temperature": 1.0})
    conversation = Conversation(
        HELLO.messages,
        tools=(Tool("find", "Find it", {"type": "object"}, True),),
        tool_choice="auto",
        response_format={"type": "json_object"},
        plan=Plan("I feel for them.", "Empathy", "Empathy"),
        extra={"metadata": {"a": 1}, "stream": False},
    )
    body = encode_request(
        "tiny", conversation, sampling, stream=True, max_tokens_field="max_completion_tokens"
    )
    assert body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "find",
                    "description": "Find it",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            }
        ],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "metadata": {"a": 1},
        "user": "u1",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_completion_tokens": 7,
        "n": 2,
        "stop": ["END"],
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 4,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_of_an_agent_comes_back_equal() -> None:
    body = {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "name": "Ann",
                "content": [
                    {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                    {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
                    {"type": "odd", "text": 3, "image_url": "plain"},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}},
            {"type": "web_search", "depth": 2},
        ],
        "parallel_tool_calls": False,
        "temperature": 0.2,
        "max_tokens": 5,
        "n": 2,
        "stop": ["a", "b"],
        "seed": 1,
        "logprobs": True,
        "top_logprobs": 2,
        "user": "u",
        "stream": True,
        "stream_options": {"include_usage": False},
        "top_k": 40,
    }
    request = decode_request(body)
    assert request.conversation.extra["top_k"] == 40
    assert request.sampling.stop == ("a", "b")
    assert (
        encode_request(request.model, request.conversation, request.sampling, stream=request.stream) == body
    )


def test_a_single_stop_string_and_the_new_token_limit_are_read() -> None:
    request = decode_request({"model": "m", "messages": [], "stop": "END", "max_completion_tokens": 9})
    assert request.sampling == Sampling(stop=("END",), max_tokens=9)
    assert not request.stream


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"model": "m"}, "request.messages is missing; it must be a list"),
        ({"messages": []}, "request.model is missing; it must be a string"),
        ({"model": "m", "messages": ["hi"]}, "request.messages[0] must be an object, but is 'hi'"),
        ({"model": "m", "messages": [{"role": "bard"}]}, "request.messages[0].role must be one of system"),
        (
            {"model": "m", "messages": [{"role": "user", "content": 3}]},
            "messages[0].content must be a string",
        ),
        ({"model": "m", "messages": [], "temperature": "hot"}, "request.temperature must be a number"),
        ({"model": "m", "messages": [], "n": True}, "request.n must be a whole number, but is True"),
        ({"model": "m", "messages": [], "stop": [1]}, "request.stop must be a string or a list of strings"),
        ({"model": "m", "messages": [], "stream": 1}, "request.stream must be true or false"),
        ({"model": "m", "messages": [], "tool_choice": 1}, "request.tool_choice must be"),
        (
            {"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]},
            "request.messages[0].tool_calls[0].function is missing",
        ),
        (
            {
                "model": "m",
                "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}],
            },
            "request.messages[0].tool_calls[0].type 'custom' is not a function call",
        ),
    ],
)
def test_a_wrong_field_is_named(body: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        decode_request(body)
    assert words in str(caught.value)
