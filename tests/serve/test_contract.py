"""The same bytes as from the upstream, and with a plan the same shape: 240 requests, whole and streamed."""

import json
from typing import Any

import pytest

from tests.serve.recorder import Recorder, json_response, response, sse_response
from tests.serve.requests import CALLS, bodies
from tests.serve.serving import EMPATHY, FixedPlanner, Got, Serving, chat
from tests.upstream import Upstream

COUNT = 240


def reply(body: dict[str, Any]) -> str | dict[str, Any]:
    """Answer like a model: with calls where there are tools and no result yet, else with words."""
    wants = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
    if wants and body.get("tool_choice") != "none":
        calls = CALLS if body.get("parallel_tool_calls", True) else CALLS[:1]
        return {"tool_calls": calls, "reasoning_content": "hm"}
    return "I am so sorry.  It hurts,\nand you tried hard. 힘들었겠다."


def test_there_are_requests_of_every_kind() -> None:
    drawn = [json.loads(body) for body in bodies(COUNT)]
    assert len(drawn) == COUNT
    assert len(set(bodies(COUNT))) > COUNT - 15
    for name in ("tools", "n", "logprobs", "response_format", "x_unknown", "seed", "stop", "tool_choice"):
        assert sum(name in body for body in drawn) >= 10, name
    assert sum(bool(body.get("stream")) for body in drawn) >= 60
    assert sum(b"data:image" in body for body in bodies(COUNT)) >= 20


def test_without_a_plan_every_byte_of_the_reply_is_the_upstreams() -> None:
    with (
        Upstream(reply) as there,
        Upstream(reply) as behind,
        Serving(behind.base_url, inject="off") as server,
    ):
        for body in bodies(COUNT):
            direct, through = chat(there, body), chat(server, body)
            assert through.body == direct.body
            assert through.status == direct.status == 200
            assert through.headers["content-type"] == direct.headers["content-type"]
            assert through.headers["x-skillofmind"] == "unplanned; reason=off"
    assert (there.failures, behind.failures) == ([], [])


def test_without_a_plan_every_byte_of_the_request_reaches_the_upstream() -> None:
    with (
        Recorder([json_response(b'{"choices":[]}')]) as upstream,
        Serving(upstream.base_url, inject="off") as server,
    ):
        for body in bodies(COUNT):
            chat(server, body)
    assert upstream.bodies == bodies(COUNT)


def test_with_a_plan_the_shape_is_the_same_and_one_system_message_is_added() -> None:
    planned = 0
    with Upstream(reply) as there, Upstream(reply) as behind, Serving(behind.base_url) as server:
        for body in bodies(COUNT):
            direct, through = chat(there, body), chat(server, body)
            planned += same_but_the_plan(json.loads(body), direct, through)
    sent = zip(there.requests, behind.requests, strict=True)
    added = [only_a_system_message_added(direct.body, through.body) for direct, through in sent]
    assert planned == sum(added)
    assert planned >= 150
    assert (there.failures, behind.failures) == ([], [])


def same_but_the_plan(body: dict[str, Any], direct: Got, through: Got) -> bool:
    """Check one pair of replies; say whether the second was planned."""
    planned = through.headers["x-skillofmind"].startswith("planned")
    last_role = body["messages"][-1]["role"]
    assert planned == (last_role == "user"), through.headers["x-skillofmind"]
    if not planned:
        assert through.headers["x-skillofmind"] == "unplanned; reason=tools"
        assert through.body == direct.body
    elif body.get("stream"):
        fields = [chunk.get("skillofmind") for chunk in through.chunks()]
        assert [field is not None for field in fields] == [False] * (len(fields) - 1) + [True]
        assert without_plan(through.chunks()) == without_plan(direct.chunks())
        assert through.events()[-1] == b"[DONE]"
    else:
        assert through.json()["skillofmind"]["planned"] is True
        assert without_plan([through.json()]) == without_plan([direct.json()])
    return planned


def without_plan(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return replies without our field, and without the prompt's tokens, which count the plan as well."""
    kept = []
    for body in bodies:
        usage = {k: v for k, v in (body.get("usage") or {}).items() if k == "completion_tokens"}
        rest = {k: v for k, v in body.items() if k not in ("skillofmind", "usage")}
        kept.append({**rest, **({"usage": usage} if usage else {})})
    return kept


def only_a_system_message_added(direct: dict[str, Any], through: dict[str, Any]) -> bool:
    """Check what two upstreams were sent; say whether the second saw a plan."""
    rest = {name: value for name, value in through.items() if name != "messages"}
    assert rest == {name: value for name, value in direct.items() if name != "messages"}
    before, after = direct["messages"], through["messages"]
    if len(before) == len(after):
        assert before == after
        return False
    place = max(index for index, message in enumerate(before) if message["role"] == "user")
    assert set(after[place]) == {"role", "content"}
    assert after[place]["role"] == "system"
    assert [*after[:place], *after[place + 1 :]] == before
    return True


def test_an_alias_changes_the_name_of_the_model_only() -> None:
    body = b'{ "model": "kind", "x":[1.0, 2.50], "messages": [{"role":"user","content":"Hi"}] }'
    with (
        Recorder([json_response(b"{}")]) as upstream,
        Serving(upstream.base_url, inject="off", model="big:8b", aliases=aliases()) as server,
    ):
        got = chat(server, body)
        planned = chat(server, body.replace(b"kind", b"think"))
        listed = [entry["id"] for entry in chat_models(server)]
        unknown = chat(server, body.replace(b"kind", b"other"))
    assert (
        upstream.bodies[0]
        == b'{"model":"big:8b","x":[1.0, 2.50],"messages":[{"role":"user","content":"Hi"}]}'
    )
    assert got.headers["x-skillofmind"] == "unplanned; reason=off"
    assert planned.headers["x-skillofmind"].startswith("planned")
    assert listed == ["big:8b", "kind", "think"]
    assert (unknown.status, unknown.json()["error"]["code"]) == (404, "model_not_found")


def aliases() -> Any:
    from skillofmind.serve.settings import parse_alias

    return (parse_alias("kind=big:8b", "off"), parse_alias("think=big:8b:skill", "off"))


def chat_models(server: Serving) -> list[dict[str, Any]]:
    from tests.serve.serving import ask

    found: list[dict[str, Any]] = ask(server, "/v1/models").json()["data"]
    return found


def test_headers_of_the_client_arrive_and_its_secrets_do_not() -> None:
    sent = {
        "Authorization": "Bearer client-secret",
        "Cookie": "session=client-secret",
        "Api-Key": "client-secret",
        "X-Stainless-Lang": "python",
        "OpenAI-Beta": "x=y",
        "Connection": "keep-alive, X-Hop",
        "X-Forwarded-For": "10.0.0.1",
    }
    with (
        Recorder(
            [json_response(b"{}", "X-Ratelimit-Left: 3", "Set-Cookie: a=b", "X-Request-Id: up-1")]
        ) as upstream,
        Serving(upstream.base_url, upstream_key="upstream-secret", inject="off") as server,
    ):
        got = chat(server, b'{"messages":[]}', sent)
    head = upstream.heads[0].decode().lower()
    assert "authorization: bearer upstream-secret" in head
    assert "x-stainless-lang: python" in head
    assert "openai-beta: x=y" in head
    assert "client-secret" not in head
    assert "10.0.0.1" not in head
    assert got.headers["x-ratelimit-left"] == "3"
    assert got.headers["x-upstream-request-id"] == "up-1"
    assert "set-cookie" not in got.headers


def test_compressed_answers_go_through_as_they_are() -> None:
    import gzip

    packed = gzip.compress(b'{"choices":[]}')
    with (
        Recorder([json_response(packed, "Content-Encoding: gzip")]) as upstream,
        Serving(upstream.base_url, inject="off") as server,
    ):
        got = chat(server, b'{"messages":[]}', {"Accept-Encoding": "gzip"})
    assert (got.body, got.headers["content-encoding"]) == (packed, "gzip")
    assert b"accept-encoding: gzip" in upstream.heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (response(b"<html>Sign in</html>", "Content-Type: text/html"), b"<html>Sign in</html>"),
        (json_response(b'{"choices": ['), b'{"choices": ['),
        (json_response(b"[1, 2]"), b"[1, 2]"),
        (json_response(b""), b""),
    ],
)
def test_an_answer_that_is_no_answer_comes_through_a_plan_as_it_is(answer: bytes, body: bytes) -> None:
    with Recorder([answer]) as upstream, Serving(upstream.base_url, planner=FixedPlanner()) as server:
        got = chat(server, {"messages": [{"role": "user", "content": "Hi"}]})
    assert (got.status, got.body) == (200, body)
    assert got.headers["x-skillofmind"] == f'planned; skill="{EMPATHY.skill}"'


def test_an_upstream_that_refuses_the_plan_is_asked_without_it() -> None:
    refused = json_response(b'{"error":{"message":"system must come first"}}', status="400 Bad Request")
    with (
        Recorder([refused, json_response(b'{"choices":[],"id":"x"}'), refused]) as upstream,
        Serving(upstream.base_url, planner=FixedPlanner()) as server,
    ):
        got = chat(server, {"messages": [{"role": "user", "content": "Hi"}]})
        wrong = chat(server, {"messages": [{"role": "user", "content": "Hi"}]})
    assert (got.status, got.headers["x-skillofmind"]) == (200, "unplanned; reason=refused")
    assert (got.json()["id"], got.json()["skillofmind"]["reason"]) == ("x", "refused")
    assert json.loads(upstream.bodies[1]) == {"messages": [{"role": "user", "content": "Hi"}]}
    assert (wrong.status, wrong.json()["error"]["message"]) == (400, "system must come first")


def test_usage_is_summed_over_plan_and_answer() -> None:
    from skillofmind.core.completion import Usage
    from skillofmind.serve.reply import Report, attach
    from skillofmind.serve.thinking.planning import Thought

    thought = Thought(EMPATHY, "block", usage=Usage(100, 10))
    usage = b'{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"details":{"cached":1}}'
    found = json.loads(attach(b'{"usage":' + usage + b"}", Report(thought, "both"), 1.0))
    assert found["usage"] == {
        "prompt_tokens": 105,
        "completion_tokens": 12,
        "total_tokens": 117,
        "details": {"cached": 1},
    }
    assert found["skillofmind"]["usage"]["answer"] == json.loads(usage)
    assert found["skillofmind"]["usage"]["plan"]["total_tokens"] == 110


def test_a_stream_without_an_end_mark_still_gets_its_plan() -> None:
    last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    with (
        Recorder([sse_response(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', last)]) as upstream,
        Serving(upstream.base_url, planner=FixedPlanner()) as server,
    ):
        got = chat(server, {"messages": [{"role": "user", "content": "Hi"}], "stream": True})
    assert ["skillofmind" in chunk for chunk in got.chunks()] == [False, True]
