"""A LangChain agent works through the server as it does with the upstream itself."""

from typing import Any

import pytest

from tests.serve.serving import FixedPlanner, Serving
from tests.upstream import Upstream

pytest.importorskip("langchain", reason="langchain is not installed")
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")

from tests.adapters.test_langchain import agent, essence, model, run, task


@pytest.mark.parametrize("inject", ["both", "off"])
@pytest.mark.parametrize("kind", ["sync", "async", "stream"])
def test_an_agent_finishes_its_task(kind: str, inject: Any) -> None:
    with (
        Upstream(reply=task) as near,
        Upstream(reply=task) as far,
        Serving(far.base_url, planner=FixedPlanner(), inject=inject) as server,
    ):
        direct = run(near, None, kind)
        served = run(server, None, kind)  # type: ignore[arg-type]
    assert essence(served) == essence(direct)
    assert [message.tool_call_id for message in served if message.type == "tool"] == [
        "call_weather_1",
        "call_clock_1",
        "call_book_1",
    ]
    shown = [len(request.body["messages"]) for request in far.requests]
    bare = [len(request.body["messages"]) for request in near.requests]
    assert [more - less for more, less in zip(shown, bare, strict=True)] == [inject == "both", 0, 0]


@pytest.mark.parametrize("inject", ["both", "off"])
def test_tokens_still_come_one_by_one(inject: Any) -> None:
    with (
        Upstream(reply=lambda body: "one two three") as far,
        Serving(far.base_url, planner=FixedPlanner(), inject=inject) as server,
    ):
        working = agent(model(server), None)  # type: ignore[arg-type]
        stream = working.stream({"messages": [("user", "Hi")]}, stream_mode="messages")
        pieces = [piece.text for piece, _ in stream if piece.text]
    assert pieces == ["one ", "two ", "three"]


@pytest.mark.slow
def test_no_call_is_lost_in_a_hundred_tasks() -> None:
    with (
        Upstream(reply=task) as far,
        Serving(far.base_url, planner=FixedPlanner()) as server,
    ):
        working = agent(model(server), None)  # type: ignore[arg-type]
        for _ in range(100):
            messages = working.invoke({"messages": [("user", "Where?")]})["messages"]
            calls = [call["id"] for m in messages if m.type == "ai" for call in m.tool_calls]
            assert calls == [m.tool_call_id for m in messages if m.type == "tool"]
            assert calls == ["call_weather_1", "call_clock_1", "call_book_1"]
    assert far.counts.completed == 300
