"""Agents and models of smolagents, planned, against a server on the loopback."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from skillofmind.core.errors import ConfigurationError
from tests.adapters.scene import BLOCK, FAULTS
from tests.mind.planners import FixedPlanner
from tests.upstream import Upstream

pytest.importorskip("smolagents", reason="smolagents is not installed")
pytest.importorskip("openai", reason="openai is not installed")

from smolagents import ChatMessage, LogLevel, MessageRole, Model, OpenAIModel, ToolCallingAgent, tool
from smolagents.models import agglomerate_stream_deltas

from skillofmind.adapters.smolagents import PlannedModel

TASK = "Where should I go, and when?"


@tool
def weather(city: str) -> str:
    """Say how the weather is.

    Args:
        city: where.
    """
    return f"rain in {city}"


@tool
def clock(city: str) -> str:
    """Say how late it is.

    Args:
        city: where.
    """
    return f"noon in {city}"


def called(name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": f"call_{name}", "type": "function", "function": function}


def work(body: dict[str, Any]) -> dict[str, Any]:
    """Play a model that asks for one tool, for another, then gives the final answer."""
    done = len([message for message in body["messages"] if message["role"] == "assistant"])
    answers: list[dict[str, Any]] = [
        {"tool_calls": [called("weather", city="Oslo")]},
        {"content": "And now?", "tool_calls": [called("clock", city="Oslo")]},
        {"tool_calls": [called("final_answer", answer="Oslo at noon")]},
    ]
    return answers[done]


def served(server: Upstream) -> Any:
    return OpenAIModel("tiny", api_base=server.base_url, api_key="k", client_kwargs={"max_retries": 0})


def agent(model: Any, **settings: Any) -> Any:
    return ToolCallingAgent(tools=[weather, clock], model=model, verbosity_level=LogLevel.OFF, **settings)


def steps(working: Any) -> list[Any]:
    return [step for step in working.memory.steps if hasattr(step, "model_output_message")]


def essence(working: Any) -> list[Any]:
    return [([call.dict() for call in step.tool_calls], step.observations) for step in steps(working)]


@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_finishes_its_task_as_it_does_without_the_planner(streaming: bool) -> None:
    with Upstream(reply=work) as near, Upstream(reply=work) as far:
        direct = agent(served(near), stream_outputs=streaming)
        planned = agent(PlannedModel(served(far), FixedPlanner()), stream_outputs=streaming)
        assert direct.run(TASK) == planned.run(TASK) == "Oslo at noon"
    assert essence(planned) == essence(direct)
    assert [step.tool_calls[0].id for step in steps(planned)] == [
        "call_weather",
        "call_clock",
        "call_final_answer",
    ]
    if not streaming:
        found = [step.model_output_message.skillofmind for step in steps(planned)]
        assert [one["reason"] for one in found] == ["", "tools", "tools"]
        assert found[0]["plan"]["skill"] == "Empathy"
    before, sent = [[request.body for request in server.requests] for server in (near, far)]
    # smolagents joins the plan to the system prompt that stands before it.
    ours, theirs = sent[0]["messages"], before[0]["messages"]
    assert ours[0]["content"][0]["text"] == f"{theirs[0]['content'][0]['text']}\n{BLOCK}"
    assert ours[1:] == theirs[1:]
    assert [{**body, "messages": 0} for body in sent] == [{**body, "messages": 0} for body in before]
    assert sent[0]["stop"] == ["Observation:", "Calling tools:"]
    assert sent[1:] == before[1:]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planner_never_costs_an_answer(fault: str) -> None:
    planner, reason = FAULTS[fault]
    with Upstream(reply=work) as near, Upstream(reply=work) as far:
        working = agent(PlannedModel(served(far), planner, seconds=0.05))
        assert agent(served(near)).run(TASK) == working.run(TASK) == "Oslo at noon"
    assert [request.body for request in far.requests] == [request.body for request in near.requests]
    assert steps(working)[0].model_output_message.skillofmind["reason"] == reason


def test_a_planner_that_is_set_up_wrongly_is_no_accident() -> None:
    with Upstream(reply=work) as server, pytest.raises(ConfigurationError, match="no weights"):
        PlannedModel(served(server), FixedPlanner(ConfigurationError("no weights"))).generate(user("Hi"))


@pytest.mark.slow
def test_no_call_is_lost_in_a_hundred_tasks() -> None:
    with Upstream(reply=work) as server:
        working = agent(PlannedModel(served(server), FixedPlanner()))
        for _ in range(100):
            assert working.run(TASK) == "Oslo at noon"
            assert [step.tool_calls[0].id for step in steps(working)] == [
                "call_weather",
                "call_clock",
                "call_final_answer",
            ]
    assert server.counts.completed == 300


def user(text: str) -> list[Any]:
    return [ChatMessage(MessageRole.USER, [{"type": "text", "text": text}])]


class Recording(Model):
    """A model that cannot stream and remembers what it was asked."""

    def __init__(self, answer: ChatMessage) -> None:
        super().__init__(model_id="recording")
        self.answer = answer
        self.asked: list[tuple[list[Any], dict[str, Any]]] = []

    def generate(self, messages: list[Any], **asked: Any) -> ChatMessage:
        self.asked.append((messages, asked))
        return self.answer

    def parse_tool_calls(self, message: ChatMessage) -> ChatMessage:
        message.content = "parsed"
        return message


def recording() -> Recording:
    calls = [called("weather", city="Oslo"), called("clock", city="Oslo")]
    return Recording(ChatMessage(MessageRole.ASSISTANT, "x", tool_calls=calls))


def test_everything_but_the_messages_reaches_the_model_as_it_came() -> None:
    inner = recording()
    asked = {"stop_sequences": ["END"], "response_format": {"type": "json_object"}, "tools_to_call_from": []}
    answer = PlannedModel(inner, FixedPlanner()).generate(user("Hi"), **asked, temperature=0.5)
    assert answer is inner.answer
    assert inner.asked[0][1] == {**asked, "temperature": 0.5}


def test_a_model_that_cannot_stream_answers_in_one_piece() -> None:
    model = PlannedModel(recording(), FixedPlanner())
    pieces: list[Any] = list(model.generate_stream(user("Hi")))
    (piece,) = pieces
    assert piece.skillofmind["plan"]["skill"] == "Empathy"
    whole = agglomerate_stream_deltas(pieces)
    assert [(call.id, call.function.arguments) for call in whole.tool_calls] == [
        ("call_weather", '{"city": "Oslo"}'),
        ("call_clock", '{"city": "Oslo"}'),
    ]


def test_a_stream_carries_the_plan_on_its_first_piece() -> None:
    with Upstream(reply=lambda body: "one two") as server:
        bare = list(served(server).generate_stream(user("Hi")))
        pieces = list(PlannedModel(served(server), FixedPlanner()).generate_stream(user("Hi")))
    assert [piece.content for piece in pieces] == [piece.content for piece in bare]
    assert [hasattr(piece, "skillofmind") for piece in pieces] == [n == 0 for n in range(len(pieces))]


def test_tool_calls_in_text_are_read_by_the_model_itself() -> None:
    model = PlannedModel(recording(), FixedPlanner())
    assert model.parse_tool_calls(ChatMessage(MessageRole.ASSISTANT, "x")).content == "parsed"
    assert model.model_id == "recording"


def parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def shown_to(messages: list[Any], **settings: Any) -> list[Any]:
    inner = recording()
    PlannedModel(inner, FixedPlanner(), **settings).generate(messages)
    return inner.asked[0][0]


def cases() -> Iterator[Any]:
    system, image = ChatMessage(MessageRole.SYSTEM, parts("s")), {"type": "image", "image": "x"}
    note = ChatMessage(MessageRole.SYSTEM, parts(BLOCK))
    said = user("u")
    yield pytest.param([system, *said], True, [system, note, *said], id="its own message")
    plain = {"role": "system", "content": "s"}
    words = {"role": "user", "content": "u"}
    before = {"role": "user", "content": f"{BLOCK}\n\nu"}
    yield pytest.param([plain, words], True, [plain, before], id="after plain system text")
    yield pytest.param(
        said, False, [ChatMessage(MessageRole.USER, parts(f"{BLOCK}\n\nu"))], id="before words"
    )
    picture = {"role": "user", "content": [image, *parts("u")]}
    yield pytest.param(
        [picture],
        False,
        [{"role": "user", "content": [*parts(BLOCK), image, *parts("u")]}],
        id="before a picture",
    )


@pytest.mark.parametrize(("messages", "system_role", "shown"), [*cases()])
def test_where_the_plan_stands(messages: list[Any], system_role: bool, shown: list[Any]) -> None:
    assert shown_to(messages, system_role=system_role) == shown


@pytest.mark.parametrize("flat", [False, True])
def test_plain_system_text_and_models_of_plain_text_lose_no_words(flat: bool) -> None:
    messages = [
        {"role": "system", "content": "Be kind." if not flat else parts("Be kind.")},
        {"role": "user", "content": parts("I failed.")},
    ]
    with Upstream(reply=lambda body: "Oh.") as server:
        inner = OpenAIModel("tiny", api_base=server.base_url, api_key="k", flatten_messages_as_text=flat)
        PlannedModel(inner, FixedPlanner()).generate(messages)
    sent = json.dumps(server.requests[0].body["messages"])
    assert all(json.dumps(text)[1:-1] in sent for text in ("Be kind.", BLOCK, "I failed."))
