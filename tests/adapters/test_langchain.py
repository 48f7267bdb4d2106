"""An agent and chat models of LangChain, planned, against a server on the loopback."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from skillofmind.core.errors import ConfigurationError
from tests.adapters.scene import BLOCK, FAULTS
from tests.mind.planners import GOOD, FixedPlanner
from tests.upstream import Upstream

pytest.importorskip("langchain", reason="langchain is not installed")
pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")

from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from skillofmind.adapters.langchain import PlannerMiddleware, planned_chat

ASKED = "Where should I go, and when?"


@tool
def weather(city: str) -> str:
    """Say how the weather is."""
    return f"rain in {city}"


@tool
def clock(city: str) -> str:
    """Say how late it is."""
    return f"noon in {city}"


@tool
def book(city: str, hour: int) -> str:
    """Book a table."""
    return f"{city} at {hour}"


def called(name: str, number: int, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{name}_{number}", "type": "function", "function": function}


def task(body: dict[str, Any]) -> str | dict[str, Any]:
    """Play a model that asks for two tools at once, then for a third, then answers."""
    done = [message for message in body["messages"] if message["role"] == "tool"]
    if not done:
        return {"tool_calls": [called("weather", 1, city="Oslo"), called("clock", 1, city="Oslo")]}
    if len(done) == 2:
        return {"content": "Booking.", "tool_calls": [called("book", 1, city="Oslo", hour=12)]}
    return "Go to Oslo at noon."


def model(server: Upstream) -> ChatOpenAI:
    return ChatOpenAI(model="tiny", base_url=server.base_url, api_key="k", max_retries=0)


async def closing(chat: Any, answer: Awaitable[Any]) -> Any:
    """Wait for an answer of `chat`, then close the connections that it would leave open."""
    try:
        return await answer
    finally:
        await chat.root_async_client.close()


def agent(chat: Any, planner: FixedPlanner | None, **settings: Any) -> Any:
    middleware = [] if planner is None else [PlannerMiddleware(planner, **settings)]
    return create_agent(chat, [weather, clock, book], system_prompt="Be kind.", middleware=middleware)


def run(server: Upstream, planner: FixedPlanner | None, kind: str = "sync", **settings: Any) -> list[Any]:
    """Return the messages of one task."""
    asked = {"messages": [HumanMessage(ASKED)]}
    chat = model(server)
    working = agent(chat, planner, **settings)
    if kind == "sync":
        return list(working.invoke(asked)["messages"])
    if kind == "async":
        return list(asyncio.run(closing(chat, working.ainvoke(asked)))["messages"])
    *_, last = working.stream(asked, stream_mode="values")
    return list(last["messages"])


def essence(messages: list[Any]) -> list[Any]:
    """Return what the messages say and call, without ids of LangChain's own."""
    return [
        (m.type, m.content, getattr(m, "tool_calls", None), getattr(m, "tool_call_id", None))
        for m in messages
    ]


@pytest.mark.parametrize("kind", ["sync", "async", "stream"])
def test_an_agent_finishes_its_task_as_it_does_without_the_planner(kind: str) -> None:
    planner = FixedPlanner()
    with Upstream(reply=task) as near, Upstream(reply=task) as far:
        direct = run(near, None, kind)
        planned = run(far, planner, kind)
    assert essence(planned) == essence(direct)
    assert [m.tool_call_id for m in planned if isinstance(m, ToolMessage)] == [
        "call_weather_1",
        "call_clock_1",
        "call_book_1",
    ]
    found = [m.response_metadata["skillofmind"] for m in planned if isinstance(m, AIMessage)]
    assert [one["reason"] for one in found] == ["", "tools", "tools"]
    assert found[0]["plan"]["skill"] == "Empathy"
    bare = [{n: v for n, v in m.response_metadata.items() if n != "skillofmind"} for m in planned]
    for fields in [*bare, *(m.response_metadata for m in direct)]:
        fields.pop("token_usage", None)
    assert bare == [m.response_metadata for m in direct]
    assert planner.asked[0].context.text == "Be kind."
    before, sent = [[r.body for r in server.requests] for server in (near, far)]
    assert sent[0]["messages"] == [
        before[0]["messages"][0],
        {"role": "system", "content": BLOCK},
        before[0]["messages"][1],
    ]
    assert [{**body, "messages": 0} for body in sent] == [{**body, "messages": 0} for body in before]
    assert sent[1:] == before[1:]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planner_never_costs_an_answer(kind: str, fault: str) -> None:
    planner, reason = FAULTS[fault]
    with Upstream(reply=task) as near, Upstream(reply=task) as far:
        direct, unplanned = run(near, None), run(far, planner, kind, seconds=0.05)
    assert essence(unplanned) == essence(direct)
    assert [r.body for r in far.requests] == [r.body for r in near.requests]
    assert unplanned[1].response_metadata["skillofmind"]["reason"] == reason


def test_a_planner_that_is_set_up_wrongly_is_no_accident() -> None:
    with Upstream(reply=task) as server, pytest.raises(ConfigurationError, match="no weights"):
        run(server, FixedPlanner(ConfigurationError("no weights")))


def test_tokens_of_an_agent_still_come_one_by_one() -> None:
    with Upstream(reply=lambda body: "one two three") as server:
        working = agent(model(server), FixedPlanner())
        pieces = [
            piece.text
            for piece, _ in working.stream({"messages": [("user", ASKED)]}, stream_mode="messages")
            if piece.type == "AIMessageChunk"
        ]
    assert [piece for piece in pieces if piece] == ["one ", "two ", "three"]


def test_a_second_question_is_planned_with_the_conversation_so_far() -> None:
    planner = FixedPlanner()
    with Upstream(reply=lambda body: "Sure.") as server:
        working = agent(model(server), planner, inject="skill")
        first = working.invoke({"messages": [("user", "Hi")]})["messages"]
        again = working.invoke({"messages": [*first, ("user", "I failed.")]})["messages"]
    assert [turn.text for turn in planner.asked[1].turns] == ["Hi", "Sure.", "I failed."]
    assert [m.type for m in again] == ["human", "ai", "human", "ai"]
    assert [m["role"] for m in server.requests[1].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "system",
        "user",
    ]


@pytest.mark.slow
def test_no_call_is_lost_in_a_hundred_tasks() -> None:
    with Upstream(reply=task) as server:
        working = agent(model(server), FixedPlanner())
        for _ in range(100):
            messages = working.invoke({"messages": [("user", ASKED)]})["messages"]
            calls = [call["id"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls]
            answered = [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
            assert calls == answered == ["call_weather_1", "call_clock_1", "call_book_1"]
            assert messages[-1].content == "Go to Oslo at noon."
    assert server.counts.completed == 300


class Trip(BaseModel):
    """Where to go."""

    city: str


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_answer_in_a_given_shape_stays_one(kind: str) -> None:
    with Upstream(reply=lambda body: {"tool_calls": [called("Trip", 1, city="Oslo")]}) as server:
        chat = model(server)
        working = create_agent(
            chat,
            [weather],
            response_format=ToolStrategy(Trip),
            middleware=[PlannerMiddleware(FixedPlanner())],
        )
        asked = {"messages": [HumanMessage(ASKED)]}
        found = (
            working.invoke(asked) if kind == "sync" else asyncio.run(closing(chat, working.ainvoke(asked)))
        )
    assert found["structured_response"] == Trip(city="Oslo")
    assert [message.type for message in found["messages"]] == ["human", "ai", "tool"]
    assert found["messages"][1].response_metadata["skillofmind"]["planned"]


PROMPT = ChatPromptTemplate.from_messages([("system", "Be kind."), ("user", "{asked}")])
ASKING: dict[str, Callable[[], Any]] = {
    "text": lambda: "I failed.",
    "tuples": lambda: [("system", "Be kind."), ("user", "I failed.")],
    "messages": lambda: [SystemMessage("Be kind."), HumanMessage([{"type": "text", "text": "I failed."}])],
    "prompt": lambda: PROMPT.invoke({"asked": "I failed."}),
}


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("system_role", [True, False])
def test_a_chat_model_by_itself_is_planned_whatever_it_is_asked(asking: str, system_role: bool) -> None:
    with Upstream(reply=lambda body: "That is hard.") as server:
        bare = model(server).invoke(ASKING[asking]())
        planned = planned_chat(model(server), FixedPlanner(), system_role=system_role)
        said = planned.invoke(ASKING[asking]())
    assert (type(said), said.content) == (type(bare), bare.content)
    assert said.response_metadata["skillofmind"]["plan"]["skill"] == GOOD.skill
    before, sent = [request.body["messages"] for request in server.requests]
    if system_role:
        assert sent == [*before[:-1], {"role": "system", "content": BLOCK}, before[-1]]
    else:
        assert [m["role"] for m in sent] == [m["role"] for m in before]
        shown = sent[-1]["content"]
        assert (shown if isinstance(shown, str) else shown[0]["text"]).startswith(BLOCK)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_chat_model_streams_as_it_does_without_the_planner(kind: str) -> None:
    async def pieces_of(runnable: Any) -> list[Any]:
        return [piece async for piece in runnable.astream("I failed.")]

    with Upstream(reply=lambda body: "one two three") as server:
        chat = model(server)
        planned = planned_chat(chat, FixedPlanner())
        direct = list(model(server).stream("I failed."))
        pieces = (
            list(planned.stream("I failed."))
            if kind == "sync"
            else asyncio.run(closing(chat, pieces_of(planned)))
        )
    assert [piece.content for piece in pieces] == [piece.content for piece in direct]
    assert ["skillofmind" in piece.response_metadata for piece in pieces] == [
        place == 0 for place in range(len(pieces))
    ]
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    assert whole.response_metadata["skillofmind"]["planned"]


def test_a_chat_model_with_tools_calls_them() -> None:
    with Upstream(reply=task) as server:
        planned = planned_chat(model(server).bind_tools([weather, clock]), FixedPlanner())
        said = planned.invoke(ASKED)
        rest = [HumanMessage(ASKED), said, *(ToolMessage("x", tool_call_id=c["id"]) for c in said.tool_calls)]
        passed = planned.invoke(rest)
    assert [call["id"] for call in said.tool_calls] == ["call_weather_1", "call_clock_1"]
    assert passed.response_metadata["skillofmind"]["reason"] == "tools"
