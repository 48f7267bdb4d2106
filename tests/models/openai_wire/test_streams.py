from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Completion, Delta, Sample, TokenLogprob, Usage
from skillofmind.core.conversation import ToolCall
from skillofmind.core.errors import MalformedResponse, ModelBusy
from skillofmind.models.openai_wire import assemble, decode_chunk, sse_events

LINES = st.sampled_from(
    ["data: a", "data:b", "data:  c", "data", "data: ü€😀", ": ping", "event: x", "id: 1", "", "", "junk"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    lines = draw(st.lists(st.tuples(LINES, ENDS), max_size=12))
    stream = "".join(line + end for line, end in lines).encode()
    cuts = draw(st.lists(st.integers(0, len(stream)), max_size=len(stream)))
    return stream, sorted({0, *cuts, len(stream)})


@given(cut_streams())
def test_any_chunking_gives_the_same_events(case: tuple[bytes, list[int]]) -> None:
    stream, cuts = case
    whole, _ = sse_events(stream)
    events, rest = [], b""
    for start, end in pairwise(cuts):
        new, rest = sse_events(rest + stream[start:end])
        events += new
    assert events == whole


def test_events_are_read_as_the_standard_says() -> None:
    stream = (
        b"\xef\xbb\xbfdata: 1\r\n\r\n: ping\n\nevent: x\ndata: 2\ndata:  3\n\ndata:\n\ndata: 4\r\rdata: cut"
    )
    assert sse_events(stream) == (["1", "2\n 3", "", "4"], b"data: cut")


def test_an_event_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(MalformedResponse, match="not UTF-8"):
        sse_events(b"data: \xff\n\n")


def chunk(*choices: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "object": "chat.completion.chunk",
        "model": "tiny",
        "choices": list(choices),
        **fields,
    }


def piece(index: int = 0, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": reason}


def call(position: int, identity: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    return {"index": position, "id": identity, "function": {"name": name, "arguments": arguments}}


STREAM = [
    chunk(piece(0, role="assistant", content=""), piece(1, role="assistant")),
    chunk({**piece(0, content="Hel"), "logprobs": {"content": [{"token": "Hel", "logprob": -1.0}]}}),
    chunk(piece(1, content="Two", reasoning="first ")),
    chunk({**piece(0, content="lo"), "logprobs": {"content": [{"token": "lo", "logprob": -2.0}]}}),
    chunk(piece(1, reasoning="then", tool_calls=[call(0, "c0", "f", '{"a'), call(1, "c1", "g", "")])),
    chunk(piece(1, "tool_calls", tool_calls=[call(0, None, None, '":1}'), call(1, "", "", "{}")])),
    chunk(piece(0, "stop")),
    chunk(usage={"prompt_tokens": 3, "completion_tokens": 4}, created=9),
]


def test_a_stream_is_put_together() -> None:
    deltas = [delta for body in STREAM for delta in decode_chunk(body)]
    assert assemble(deltas) == Completion(
        samples=(
            Sample("Hello", "stop", tokens=(TokenLogprob("Hel", -1.0), TokenLogprob("lo", -2.0))),
            Sample(
                "Two",
                "tool_calls",
                (ToolCall("c0", "f", '{"a":1}'), ToolCall("c1", "g", "{}")),
                extra={"reasoning": "first then"},
            ),
        ),
        usage=Usage(3, 4),
        model="tiny",
        id="r1",
        extra={"created": 9},
    )


def test_every_chunk_is_passed_on_exactly_once() -> None:
    deltas = [delta for body in STREAM for delta in decode_chunk(body)]
    assert [delta.raw for delta in deltas if delta.raw] == STREAM


def test_deltas_without_raw_chunks_are_put_together() -> None:
    deltas = [Delta("a "), Delta("x", index=1), Delta("b", stop="stop"), Delta(index=1, stop="length")]
    assert assemble(deltas).samples == (Sample("a b", "stop"), Sample("x", "length"))


def test_an_empty_stream_is_refused() -> None:
    with pytest.raises(MalformedResponse, match="without any piece"):
        assemble([])
    with pytest.raises(MalformedResponse, match="without any piece"):
        assemble(decode_chunk(chunk(usage={"prompt_tokens": 1})))


def test_a_tool_call_without_id_is_refused() -> None:
    deltas = decode_chunk(chunk(piece(0, tool_calls=[call(0, None, "f", "{}")])))
    with pytest.raises(MalformedResponse, match="id '' and name 'f'"):
        assemble(deltas)


def test_an_error_in_the_stream_is_raised() -> None:
    with pytest.raises(ModelBusy, match="no room"):
        decode_chunk({"error": {"message": "no room"}})


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (chunk(piece(content=1)), "chunk.choices[0].delta.content must be a string, but is 1"),
        ({"choices": 1}, "chunk.choices must be a list"),
        (chunk(usage=3), "chunk.usage must be an object"),
    ],
)
def test_a_wrong_field_of_a_chunk_is_named(body: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        decode_chunk(body)
    assert words in str(caught.value)
