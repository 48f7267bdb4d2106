"""The plan on a stream, wherever the bytes are cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.serve.reply import PlanStream, Report, attach, usage_in
from skillofmind.serve.thinking.planning import Thought
from tests.serve.serving import EMPATHY

REPORT = Report(Thought(EMPATHY, "block", seconds=0.5, usage=Usage(10, 1)), "both")


def chunk(**fields: object) -> bytes:
    return b"data: " + json.dumps({"id": "a", **fields}).encode() + b"\n\n"


WORD = chunk(
    choices=[{"delta": {"content": 'say "finish_reason": "stop" \\"choices\\":[]'}, "finish_reason": None}]
)
LAST = chunk(choices=[{"delta": {}, "finish_reason": "stop"}])
USAGE = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
DONE = b"data: [DONE]\n\n"
STREAMS = [
    [WORD, LAST, DONE],
    [WORD, LAST, USAGE, DONE],
    [b": ping\n\n", WORD, LAST, LAST, DONE],
    [WORD, DONE],
    [DONE],
    [LAST, USAGE],
    [WORD, b"data: {broken\n\n", LAST, DONE],
    [WORD.replace(b"\n\n", b"\r\n\r\n"), LAST.replace(b"\n\n", b"\r\n\r\n"), b"data: [DONE]\r\n\r\n"],
    [WORD, LAST, b"id: 3\ndata: [DONE]\n\n"],
]


@pytest.mark.parametrize("events", STREAMS)
@given(data=st.data())
def test_cuts_make_no_difference(events: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert through(pieces) == through([whole])


def through(pieces: list[bytes]) -> bytes:
    stream = PlanStream(REPORT, "x", 1, "tiny")
    return b"".join(stream.feed(piece, 2.0) for piece in pieces) + stream.finish(2.0)


@pytest.mark.parametrize("events", STREAMS)
def test_the_plan_is_on_exactly_one_chunk_and_all_else_is_untouched(events: list[bytes]) -> None:
    out = through([b"".join(events)])
    lines = [line for line in out.replace(b"\r\n", b"\n").split(b"\n\n") if line]
    holding = [place for place, line in enumerate(lines) if b'"skillofmind"' in line]
    assert len(holding) == 1
    before = [event.strip() for event in events]
    rest = [line for place, line in enumerate(lines) if place != holding[0]]
    assert [line for line in rest if line not in before] == []
    assert len(rest) in (len(before), len(before) - 1)
    carrier = json.loads(lines[holding[0]].removeprefix(b"data: "))
    assert carrier["skillofmind"]["seconds"] == {"plan": 0.5, "answer": 2.0}
    if "usage" in carrier:
        assert carrier["usage"] == {"prompt_tokens": 13, "completion_tokens": 5, "total_tokens": 18}


def test_words_are_not_held_back() -> None:
    stream = PlanStream(REPORT, "x", 1, "tiny")
    assert stream.feed(WORD, 1.0) == WORD
    assert stream.feed(WORD[:9], 1.0) == b""
    assert stream.feed(WORD[9:] + LAST, 1.0) == WORD


def test_what_is_no_stream_of_events_is_not_collected() -> None:
    stream = PlanStream(REPORT, "x", 1, "tiny")
    piece = b"x" * 300_000
    out = [stream.feed(piece, 1.0) for _ in range(8)]
    assert b"".join(out) + stream.finish(1.0) == piece * 8
    assert sum(map(bool, out)) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"3"])
def test_what_is_no_object_stays_as_it_is(body: bytes) -> None:
    assert attach(body, REPORT, 1.0) == body
    assert usage_in(body) == Usage()


@pytest.mark.parametrize("usage", [b"null", b"3", b'{"prompt_tokens":"x"}', b"[]"])
def test_usage_that_is_none_is_left_alone(usage: bytes) -> None:
    found = attach(b'{"usage":' + usage + b"}", REPORT, 1.0)
    assert b'"usage":' + usage + b"," in found
