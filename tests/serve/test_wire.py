"""Answers of a model in this process as JSON, read back by the decoders of the client side."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import (
    DEFAULT_SAMPLING,
    Completion,
    Delta,
    Sample,
    Sampling,
    StopReason,
    TokenLogprob,
    Usage,
)
from skillofmind.core.conversation import Conversation, ToolCall
from skillofmind.core.errors import ModelBusy, RateLimited
from skillofmind.core.seams import Capabilities
from skillofmind.models.openai_wire import assemble, decode_chunk, decode_completion, sse_events
from skillofmind.models.scripted import ScriptedModel
from skillofmind.serve.upstream.in_process import InProcess, deltas_of
from skillofmind.serve.upstream.wire import ChunkHead, encode_completion
from tests.serve.serving import FixedPlanner, Serving, ask, chat, said

_TEXT = st.text(max_size=40)
_STOPS: list[StopReason] = ["stop", "length", "tool_calls", "content_filter"]
_CALLS = st.builds(
    ToolCall, id=st.text(min_size=1, max_size=8), name=st.text(min_size=1, max_size=8), arguments=_TEXT
)
_TOKENS = st.builds(
    TokenLogprob,
    token=_TEXT,
    logprob=st.floats(-50, 0),
    top=st.lists(st.tuples(_TEXT, st.floats(-50, 0)), max_size=2).map(tuple),
)
_SAMPLES = st.builds(
    Sample,
    text=_TEXT,
    stop=st.sampled_from(_STOPS),
    tool_calls=st.lists(_CALLS, max_size=2).map(tuple),
    tokens=st.none() | st.lists(_TOKENS, max_size=3).map(tuple),
    extra=st.dictionaries(st.sampled_from(["refusal", "reasoning_content"]), _TEXT, max_size=1),
)
_COMPLETIONS = st.builds(
    Completion,
    samples=st.lists(_SAMPLES, min_size=1, max_size=3).map(tuple),
    usage=st.builds(Usage, st.integers(0, 9999), st.integers(0, 9999)),
    id=st.text(min_size=1, max_size=10),
)


@given(_COMPLETIONS)
def test_a_completion_comes_back_as_it_was(completion: Completion) -> None:
    body = msgspec.json.decode(msgspec.json.encode(encode_completion(completion, "x", 7, "tiny")))
    assert (body["object"], body["created"]) == ("chat.completion", 7)
    found = msgspec.structs.replace(decode_completion(body), extra={})
    assert found == msgspec.structs.replace(completion, model="tiny")


@given(_COMPLETIONS)
def test_a_stream_comes_back_as_it_was(completion: Completion) -> None:
    plain = [Sample(s.text, s.stop, s.tool_calls) for s in completion.samples]
    completion = Completion(tuple(plain), completion.usage)
    head = ChunkHead("x", 7, "tiny")
    chunks = [chunk for delta in deltas_of(completion) if (chunk := head.delta(delta)) is not None]
    chunks.append(head.usage(completion.usage))
    found = assemble(delta for chunk in chunks for delta in decode_chunk(chunk))
    assert (found.samples, found.usage, found.model, found.id) == (
        completion.samples,
        completion.usage,
        "tiny",
        "x",
    )


class StreamingScript:
    """A model that streams what it was given."""

    identity = "streaming"
    capabilities = Capabilities(stream=True, tools=True)

    def __init__(self, deltas: list[Delta]) -> None:
        self.deltas = deltas
        self.closed = False

    async def generate(self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING) -> Completion:
        return assemble(self.deltas)

    async def stream(
        self, conversation: Conversation, sampling: Sampling = DEFAULT_SAMPLING
    ) -> AsyncIterator[Delta]:
        try:
            for delta in self.deltas:
                await asyncio.sleep(0)
                yield delta
        finally:
            self.closed = True


def test_a_model_that_streams_streams() -> None:
    deltas = [
        Delta("Look"),
        Delta(" here."),
        Delta(tool_call=(0, "c1", "look", "")),
        Delta(tool_call=(0, "", "", '{"x":')),
        Delta(tool_call=(0, "", "", "1}")),
        Delta(stop="tool_calls"),
        Delta(usage=Usage(5, 6)),
    ]
    model = StreamingScript(deltas)
    with Serving(upstream=InProcess(model, "tiny"), planner=FixedPlanner()) as server:
        got = chat(server, {"messages": said(), "stream": True, "stream_options": {"include_usage": True}})
        bare = chat(server, {"messages": said(), "stream": True})
    events, rest = sse_events(got.body)
    assert (rest, events[-1]) == (b"", "[DONE]")
    chunks = [json.loads(event) for event in events[:-1]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert len({chunk["id"] for chunk in chunks}) == 1
    found = assemble(delta for chunk in chunks for delta in decode_chunk(chunk))
    assert found.samples[0] == Sample("Look here.", "tool_calls", (ToolCall("c1", "look", '{"x":1}'),))
    assert found.usage == Usage(5, 6)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["skillofmind"]["planned"] is True
    assert all(chunk["choices"] for chunk in bare.chunks())
    assert model.closed


def test_a_model_in_this_process_is_shown_the_plan() -> None:
    model = ScriptedModel(["Fine."])
    with Serving(upstream=InProcess(model, "tiny"), planner=FixedPlanner()) as server:
        got = chat(server, {"messages": said(), "temperature": 0.5})
    assert (got.json()["choices"][0]["message"]["content"], got.json()["model"]) == ("Fine.", "tiny")
    conversation, sampling = model.calls[0]
    assert [message.role for message in conversation.messages] == ["system", "user"]
    assert (conversation.plan is not None, sampling.temperature) == (True, 0.5)


def test_errors_of_a_model_in_this_process_keep_their_status() -> None:
    model = ScriptedModel(
        [RateLimited("slow down", status=429, retry_after=3.0), ModelBusy("busy", status=503)]
    )
    with Serving(upstream=InProcess(model, "tiny"), planner=FixedPlanner()) as server:
        limited = chat(server, {"messages": said()})
        busy = chat(server, {"messages": said(), "stream": True})
        wrong = chat(server, {"messages": 3})
    assert (limited.status, limited.headers["retry-after"]) == (429, "3")
    assert limited.json()["error"]["type"] == "rate_limit_error"
    assert busy.status == 503
    assert wrong.status == 400


def test_without_an_upstream_stored_replies_answer_and_say_so() -> None:
    with Serving() as server:
        got = chat(server, {"messages": said(), "n": 2})
        streamed = chat(server, {"messages": said(), "stream": True})
        health = ask(server, "/health").json()
        info = ask(server, "/playground/api/info").json()
    texts = [choice["message"]["content"] for choice in got.json()["choices"]]
    assert len(set(texts)) == 2
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in streamed.chunks()) == texts[0]
    assert (health["offline"], info["offline"]) == (True, True)
    assert got.json()["skillofmind"]["planned"] is True
