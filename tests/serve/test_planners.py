"""Planners that ask a model: their calls are counted, bounded in time, and never cost an answer."""

import json
from typing import Any

import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.serve.keys import server_keys
from skillofmind.serve.settings import PlannerChoice, Settings, check, parse_alias, parse_allow, parse_planner
from tests.serve.serving import Serving, chat, said
from tests.upstream import Upstream, hang, status

PLAN = json.dumps(
    {"explanation": "They are sad, so I want to be there.", "skill": "Empathy", "alternatives": []}
)


def test_a_prompted_planner_is_asked_and_its_tokens_count() -> None:
    with (
        Upstream(reply=lambda _: PLAN, key="planner-key-1") as thinking,
        Upstream(reply=lambda _: "Oh no.") as upstream,
    ):
        choice = parse_planner(f"prompted=thinker@{thinking.base_url}")
        with serving(upstream, choice) as server:
            got = chat(server, {"messages": said(), "model": "tiny"}).json()
            told = chat(
                server, {"messages": said(), "stream": True, "stream_options": {"include_usage": True}}
            )
    assert thinking.requests[0].body["model"] == "thinker"
    assert "authorization" not in thinking.requests[0].headers
    assert got["skillofmind"]["reason"] == "failed"
    assert got["skillofmind"]["usage"]["plan"]["total_tokens"] == 0
    assert told.chunks()[-1]["usage"]["completion_tokens"] == 2


def serving(upstream: Upstream, choice: PlannerChoice, **changes: Any) -> Serving:
    settings = Settings(model="tiny", planner=choice, log="")
    return Serving(upstream.base_url, settings=settings, **changes)


@pytest.mark.parametrize("kind", ["prompted", "weights"])
def test_the_upstream_itself_may_plan(kind: str) -> None:
    answers = {"prompted": PLAN, "weights": "They are sad. [RESULT SKILL] Empathy"}

    def reply(body: dict[str, object]) -> str:
        return "Oh no." if body.get("model") == "tiny" else answers[kind]

    with Upstream(reply=reply, key="upstream-key-1") as upstream:
        choice = parse_planner(f"{kind}=thinker")
        with serving(upstream, choice, upstream_key="upstream-key-1") as server:
            got = chat(server, {"messages": said(), "model": "tiny"})
    body = got.json()
    assert (got.headers["x-skillofmind"], body["skillofmind"]["reason"]) == ('planned; skill="Empathy"', "")
    planning, answering = upstream.requests
    assert planning.headers["authorization"] == answering.headers["authorization"] == "Bearer upstream-key-1"
    plan, answer = body["skillofmind"]["usage"]["plan"], body["skillofmind"]["usage"]["answer"]
    assert plan["total_tokens"] > 10
    assert body["usage"]["total_tokens"] == plan["total_tokens"] + answer["total_tokens"]
    assert (answer["completion_tokens"], upstream.counts.received) == (2, 2)


def test_a_planner_that_hangs_is_given_up_and_its_call_ended() -> None:
    with Upstream(faults=[hang()]) as upstream:
        with serving(upstream, parse_planner("prompted=thinker"), plan_timeout=0.2) as server:
            got = chat(server, {"messages": said(), "model": "tiny"})
        assert upstream.counts.disconnects == 1
    assert (got.status, got.headers["x-skillofmind"]) == (200, "unplanned; reason=late")


def test_a_planner_that_refuses_is_not_asked_again() -> None:
    with (
        Upstream(faults=[status(500)]) as upstream,
        serving(upstream, parse_planner("prompted=thinker")) as server,
    ):
        got = chat(server, {"messages": said(), "model": "tiny"})
    assert (got.status, got.headers["x-skillofmind"]) == (200, "unplanned; reason=failed")
    assert upstream.counts.received == 2


def test_words_of_settings_are_read() -> None:
    assert parse_planner("prompted=a/b:c@https://x.example/v1") == (
        "prompted",
        "a/b:c",
        "https://x.example/v1",
    )
    assert parse_planner("encoder") == ("encoder", "", "")
    assert parse_allow("header, body") == ("header", "body")
    assert (parse_allow("none"), parse_allow("")) == ((), None)
    alias = parse_alias("fast=llama3:8b", "both")
    assert (alias.name, alias.model, alias.inject) == ("fast", "llama3:8b", "both")


@pytest.mark.parametrize("words", ["magic", "embedded=x", "", "encoder=a@http://x"])
def test_a_planner_that_there_is_not_is_refused(words: str) -> None:
    with pytest.raises(ConfigurationError, match="--planner"):
        parse_planner(words)


@pytest.mark.parametrize("words", ["x", "=x", "x=", "x=:both"])
def test_an_alias_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(ConfigurationError, match="--alias"):
        parse_alias(words, "both")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        (Settings(host="0.0.0.0"), "--server-key-env"),
        (Settings(host="192.168.1.1"), "--server-key-env"),
        (Settings(workers=0), "--workers"),
        (Settings(timeout=0.0), "--timeout"),
        (Settings(plan_timeout=-1.0), "--plan-timeout"),
        (Settings(port=70_000), "--port"),
        (Settings(planner=parse_planner("prompted")), "--upstream"),
        (Settings(aliases=(parse_alias("a=b", "off"),)), "--upstream"),
    ],
)
def test_settings_that_contradict_are_refused(settings: Settings, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        check(settings, keys=False)


def test_open_addresses_are_fine_with_keys_and_close_what_requests_may_choose() -> None:
    opened = Settings(host="0.0.0.0")
    check(opened, keys=True)
    assert opened.allowed() == ()
    assert Settings(host="::1").allowed() == ("header", "body")


def test_keys_come_from_the_environment() -> None:
    assert server_keys("SOM_SERVER_KEYS", {}) == ()
    assert server_keys("K", {"K": " first-key , second-key,"}) == ("first-key", "second-key")
    with pytest.raises(ConfigurationError, match="not set"):
        server_keys("K", {})
    with pytest.raises(ConfigurationError, match="fewer than 8"):
        server_keys("K", {"K": "short"})
