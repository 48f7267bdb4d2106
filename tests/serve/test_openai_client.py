"""The official OpenAI client against the server: the same objects as from the upstream, and the plan besides.

Needs the package `openai`, which comes with the extra `dev`; without it these tests are skipped.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.serve.requests import CALLS, PIXEL, TOOLS
from tests.serve.serving import Serving
from tests.serve.test_contract import reply
from tests.upstream import Upstream, rate_limit, status

openai = pytest.importorskip("openai", reason="the package openai is not installed")

USER = [{"role": "user", "content": "I failed the exam again."}]
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {"messages": USER},
    "n": {"messages": USER, "n": 3, "temperature": 0.2, "seed": 3},
    "logprobs": {"messages": USER, "logprobs": True, "top_logprobs": 2},
    "tools": {"messages": USER, "tools": TOOLS[:1], "parallel_tool_calls": False},
    "parallel tools": {"messages": USER, "tools": TOOLS[:2], "tool_choice": "auto"},
    "tool results": {
        "messages": [
            *USER,
            {"role": "assistant", "content": None, "tool_calls": CALLS},
            *({"role": "tool", "tool_call_id": call["id"], "content": "21"} for call in CALLS),
        ],
        "tools": TOOLS[:2],
    },
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            }
        ]
    },
    "response_format": {"messages": USER, "response_format": {"type": "json_object"}},
    "schema": {
        "messages": USER,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}},
        },
    },
    "unknown fields": {"messages": USER, "extra_body": {"top_k": 5, "nested": {"a": [1]}}},
    "developer": {"messages": [{"role": "developer", "content": "Be kind."}, *USER], "stop": ["x"]},
}


class Places(NamedTuple):
    """An upstream that is asked directly, one behind the server, and the server."""

    direct: Upstream
    behind: Upstream
    server: Serving


@pytest.fixture(params=["off", "both"])
def places(request: pytest.FixtureRequest) -> Iterator[Places]:
    with (
        Upstream(reply) as direct,
        Upstream(reply) as behind,
        Serving(behind.base_url, inject=request.param) as server,
    ):
        yield Places(direct, behind, server)


def client(place: Any) -> Any:
    return openai.OpenAI(base_url=place.base_url, api_key="client-key", max_retries=0, timeout=20)


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_is_the_same_object(places: Places, name: str) -> None:
    arguments = {"model": "tiny", **REQUESTS[name]}
    with client(places.direct) as one, client(places.server) as other:
        expected = one.chat.completions.create(**arguments)
        found = other.chat.completions.create(**arguments)
    assert known(found) == known(expected)
    planned = places.server.settings.inject == "both" and name != "tool results"
    assert (getattr(found, "skillofmind", None) is not None) == planned
    if planned:
        assert found.skillofmind["plan"]["skill"]
    assert json.dumps(places.behind.requests[0].body).count("skillofmind") == 0
    for field in set(arguments) - {"messages", "extra_body"}:
        assert places.behind.requests[0].body[field] == arguments[field]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_stream_is_the_same_chunks(places: Places, name: str) -> None:
    arguments = {"model": "tiny", "stream": True, "stream_options": {"include_usage": True}, **REQUESTS[name]}
    with client(places.direct) as one, client(places.server) as other:
        expected = list(one.chat.completions.create(**arguments))
        found = list(other.chat.completions.create(**arguments))
    assert [known(chunk) for chunk in found] == [known(chunk) for chunk in expected]
    assert found[0].choices[0].delta.role == "assistant"
    assert found[-1].usage.completion_tokens == expected[-1].usage.completion_tokens
    assert len({chunk.id for chunk in found}) == 1
    planned = places.server.settings.inject == "both" and name != "tool results"
    assert [getattr(chunk, "skillofmind", None) is not None for chunk in found] == [
        *[False] * (len(found) - 1),
        planned,
    ]


def known(model: Any) -> dict[str, Any]:
    """Return what came, without our field and without the prompt's tokens, which count the plan as well."""
    found: dict[str, Any] = model.model_dump()
    found.pop("skillofmind", None)
    if found.get("usage"):
        found["usage"] = found["usage"]["completion_tokens"]
    return found


async def test_the_asynchronous_client_gets_the_same(places: Places) -> None:
    def asking(place: Any) -> Any:
        return openai.AsyncOpenAI(base_url=place.base_url, api_key="client-key", max_retries=0)

    async with asking(places.direct) as one, asking(places.server) as other:
        expected = await one.chat.completions.create(model="tiny", messages=USER)
        found = await asyncio.gather(
            *(other.chat.completions.create(model="tiny", messages=USER) for _ in range(20))
        )
        chunks = [
            c async for c in await other.chat.completions.create(model="tiny", messages=USER, stream=True)
        ]
    texts = {completion.choices[0].message.content for completion in found}
    assert texts == {expected.choices[0].message.content}
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == expected.choices[0].message.content


def test_streamed_tool_calls_come_together(places: Places) -> None:
    with client(places.server) as other:
        events = other.chat.completions.create(model="tiny", messages=USER, tools=TOOLS[:2], stream=True)
        calls: dict[int, list[str]] = {}
        for chunk in events:
            for call in chunk.choices[0].delta.tool_calls or []:
                found = calls.setdefault(call.index, ["", "", ""])
                found[0] += call.id or ""
                found[1] += call.function.name or ""
                found[2] += call.function.arguments or ""
    expected = [[c["id"], c["function"]["name"], c["function"]["arguments"]] for c in CALLS]
    assert list(calls.values()) == expected


def test_the_stream_helper_takes_a_plan_that_comes_first() -> None:
    with Upstream(reply) as upstream, Serving(upstream.base_url) as server, client(server) as other:
        extra = {"skillofmind": {"stream_plan": True, "context": {"relationship": "old friends"}}}
        with other.chat.completions.stream(model="tiny", messages=USER, extra_body=extra) as stream:
            for _ in stream:
                continue
            final = stream.get_final_completion()
    assert final.choices[0].message.content == reply({"messages": USER})


def test_errors_raise_what_the_upstreams_errors_raise() -> None:
    faults = [rate_limit(1), status(500), status(404), status(400), status(400)]
    with Upstream(faults=faults) as upstream, Serving(upstream.base_url) as server, client(server) as other:
        for kind in (
            openai.RateLimitError,
            openai.InternalServerError,
            openai.NotFoundError,
            openai.BadRequestError,
        ):
            with pytest.raises(kind) as caught:
                other.chat.completions.create(model="tiny", messages=USER)
            assert "fault" in str(caught.value) or "too many" in str(caught.value)


def test_errors_of_the_server_raise_as_well() -> None:
    with Upstream() as upstream, Serving(upstream.base_url, keys=["server-key-1"]) as server:
        with client(server) as other, pytest.raises(openai.AuthenticationError):
            other.chat.completions.create(model="tiny", messages=USER)
        right = openai.OpenAI(base_url=server.base_url, api_key="server-key-1", max_retries=0)
        with right as other:
            assert [model.id for model in other.models.list()] == ["scripted"]
            assert other.models.retrieve("scripted").id == "scripted"
            with pytest.raises(openai.NotFoundError):
                other.models.retrieve("none")
            with pytest.raises(openai.APITimeoutError):
                slow(upstream, other)


def slow(upstream: Upstream, other: Any) -> None:
    upstream.latency = 5.0
    other.chat.completions.create(model="tiny", messages=USER, timeout=0.2)


def test_raw_responses_show_the_headers() -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server, client(server) as other:
        raw = other.chat.completions.with_raw_response.create(model="tiny", messages=USER)
    assert raw.headers["x-skillofmind"].startswith("planned; skill=")
    assert raw.request_id == raw.headers["x-request-id"]
