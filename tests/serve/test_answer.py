"""Plan, put in, pass on: what a client sees and what the upstream sees."""

from typing import Any

from skillofmind.core.plan import Alternative, Plan
from skillofmind.serve.request import Asked, read_call, read_messages, upstream_body
from skillofmind.serve.settings import Settings
from tests.serve.serving import EMPATHY, FixedPlanner, Serving, chat, said
from tests.upstream import Upstream


def test_a_planned_answer_has_the_plan_and_the_upstream_sees_it() -> None:
    with Upstream(reply=lambda _: "Oh no.") as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"model": "tiny", "messages": said(), "temperature": 0.5, "own": {"a": [1, 2]}})
    body = got.json()
    assert (got.status, body["choices"][0]["message"]["content"]) == (200, "Oh no.")
    plan = body["skillofmind"]["plan"]
    assert body["skillofmind"]["planned"] is True
    assert got.headers["x-skillofmind"] == f'planned; skill="{plan["skill"]}"'
    sent = upstream.requests[0].body
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    assert plan["skill"] in sent["messages"][0]["content"]
    assert plan["explanation"] in sent["messages"][0]["content"]
    assert {k: v for k, v in sent.items() if k != "messages"} == {
        "model": "tiny",
        "temperature": 0.5,
        "own": {"a": [1, 2]},
    }


def test_inject_off_changes_no_byte() -> None:
    with Upstream() as upstream, Serving(upstream.base_url, inject="off") as server:
        got = chat(server, {"model": "tiny", "messages": said()})
        direct = chat(upstream, {"model": "tiny", "messages": said()})
    assert got.headers["x-skillofmind"] == "unplanned; reason=off"
    assert got.body.replace(b"chatcmpl-0", b"chatcmpl-1") == direct.body
    assert upstream.requests[0].body == upstream.requests[1].body


def unplanned(plan: Plan = EMPATHY, **changes: Any) -> tuple[str, dict[str, Any], list[str]]:
    """Return the header, our field and the roles that the upstream saw, for an answer that must come."""
    with (
        Upstream(reply=lambda _: "Still here.") as upstream,
        Serving(upstream.base_url, planner=FixedPlanner(plan, **changes), plan_timeout=0.1) as server,
    ):
        got = chat(server, {"messages": said()})
    assert (got.status, got.json()["choices"][0]["message"]["content"]) == (200, "Still here.")
    roles = [message["role"] for message in upstream.requests[0].body["messages"]]
    return got.headers["x-skillofmind"], got.json()["skillofmind"], roles


def test_a_late_plan_costs_no_answer() -> None:
    header, field, roles = unplanned(seconds=5.0)
    assert (header, roles) == ("unplanned; reason=late", ["user"])
    assert (field["planned"], field["reason"]) == (False, "late")
    assert "0.1 s" in field["plan"]["error"]


def test_a_planner_that_raises_costs_no_answer() -> None:
    header, field, roles = unplanned(error=RuntimeError("secret words of a user"))
    assert (header, roles) == ("unplanned; reason=failed", ["user"])
    assert field["plan"]["error"] == "The planner failed (RuntimeError)."


def test_a_plan_that_reports_an_error_costs_no_answer() -> None:
    header, field, roles = unplanned(Plan(error="The model is gone.", planner="x"))
    assert (header, roles, field["plan"]["error"]) == (
        "unplanned; reason=failed",
        ["user"],
        "The model is gone.",
    )


def test_an_invalid_plan_costs_no_answer() -> None:
    header, _, roles = unplanned(Plan(skill_raw="Dancing", explanation="I dance.", planner="x"))
    assert (header, roles) == ("unplanned; reason=invalid", ["user"])


def test_a_skill_of_another_taxonomy_is_not_shown() -> None:
    header, field, roles = unplanned(Plan(skill="Dancing", skill_raw="Dancing", valid=True, planner="x"))
    assert (header, roles) == ("unplanned; reason=invalid", ["user"])
    assert "Dancing" in field["plan"]["error"]


def test_a_planner_that_abstains_costs_no_answer() -> None:
    plan = Plan(explanation="None fits.", alternatives=(Alternative("Empathy", 0.1),), planner="x")
    header, field, roles = unplanned(plan)
    assert (header, roles) == ("unplanned; reason=abstained", ["user"])
    assert field["plan"]["alternatives"] == [{"skill": "Empathy", "confidence": 0.1}]


def test_a_stream_ends_with_the_plan() -> None:
    with Upstream(reply=lambda _: "Oh no.") as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": said(), "stream": True})
        direct = chat(upstream, {"messages": said(), "stream": True})
    assert got.headers["content-type"] == "text/event-stream"
    chunks = got.chunks()
    assert [i for i, chunk in enumerate(chunks) if "skillofmind" in chunk] == [len(chunks) - 1]
    assert chunks[-1]["skillofmind"]["planned"] is True
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    stripped = [{k: v for k, v in c.items() if k not in ("skillofmind", "id")} for c in chunks]
    assert stripped == [{k: v for k, v in c.items() if k != "id"} for c in direct.chunks()]
    assert got.events()[-1] == b"[DONE]"


def test_the_plan_may_be_streamed_first() -> None:
    with Upstream(reply=lambda _: "Oh no.") as upstream, Serving(upstream.base_url) as server:
        got = chat(server, {"messages": said(), "stream": True, "skillofmind": {"stream_plan": True}})
    first, *_, last = got.chunks()
    assert (first["choices"], first["object"]) == ([], "chat.completion.chunk")
    assert first["skillofmind"]["plan"] == last["skillofmind"]["plan"]
    assert "answer" not in first["skillofmind"]["seconds"]
    assert last["skillofmind"]["seconds"]["answer"] > 0
    assert "skillofmind" not in upstream.requests[0].body


def test_tools_and_their_results_go_through() -> None:
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1.0}'}}
    messages = [
        *said("Look it up."),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
    ]
    with (
        Upstream(reply=lambda _: {"tool_calls": [call]}) as upstream,
        Serving(upstream.base_url) as server,
    ):
        asked = chat(server, {"messages": said("Look it up."), "tools": tools})
        told = chat(server, {"messages": messages, "tools": tools})
    assert asked.headers["x-skillofmind"].startswith("planned")
    assert asked.json()["choices"][0]["message"]["tool_calls"] == [call]
    assert told.headers["x-skillofmind"] == "unplanned; reason=tools"
    assert "skillofmind" not in told.json()
    first, second = (request.body for request in upstream.requests)
    assert (first["tools"], [m["role"] for m in first["messages"]]) == (tools, ["system", "user"])
    assert second == {"messages": messages, "tools": tools}


def test_the_planner_is_shown_context_and_turns_only() -> None:
    planner = FixedPlanner()
    messages = [
        {"role": "system", "content": "You run a bicycle shop."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {}}],
        },
        {"role": "assistant", "content": "Nice!"},
        {"role": "user", "content": "Is it?"},
    ]
    with Upstream(reply=lambda _: "Yes.") as upstream, Serving(upstream.base_url, planner=planner) as server:
        chat(server, {"messages": messages})
        field = {"context": {"relationship": "old friends"}}
        chat(server, {"messages": messages, "skillofmind": field})
    first, second = planner.seen
    assert [(turn.speaker, turn.text) for turn in first.turns] == [
        ("User", "Look"),
        ("Assistant", "Nice!"),
        ("User", "Is it?"),
    ]
    assert (first.context.text, second.context.relationship) == ("You run a bicycle shop.", "old friends")
    assert second.context.text == "You run a bicycle shop."
    sent = upstream.requests[0].body["messages"]
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "system", "user"]
    assert [*sent[:3], sent[4]] == messages


def test_a_request_may_bring_its_own_skill() -> None:
    planner = FixedPlanner()
    field = {"skill": "humour", "explanation": "A joke would help."}
    with Upstream() as upstream, Serving(upstream.base_url, planner=planner) as server:
        good = chat(server, {"messages": said(), "skillofmind": {**field, "skill": "self disclosure"}})
        bad = chat(server, {"messages": said(), "skillofmind": {**field, "skill": "juggling"}})
    assert good.json()["skillofmind"]["plan"]["skill"] == "Self-disclosure"
    assert "A joke would help." in upstream.requests[0].body["messages"][0]["content"]
    assert (bad.status, bad.json()["error"]["param"]) == (400, "skill")
    assert planner.seen == []


def test_numbers_and_order_survive_a_plan() -> None:
    raw = b'{"big":12345678901234567890,"f":1.10,"messages":[{"role":"user","content":"h\\u00e9"}],"e":1e400}'
    call = read_call(raw, Asked(), Settings(upstream="http://127.0.0.1:1"))
    sent = upstream_body(call, read_messages(call.fields) or [], "BLOCK")
    block = b'{"role":"system","content":"BLOCK"},'
    assert sent == raw.replace(b'[{"role"', b"[" + block + b'{"role"')
