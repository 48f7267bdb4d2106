"""Plans alone, models, health, metrics and the page."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.core.plan import Evidence, Plan
from skillofmind.mind.recent import MOST_CHARS, MOST_TURNS
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.serve.request import Said
from skillofmind.serve.thinking.planning import dialogue_of, not_planned
from skillofmind.serve.watch.metrics import STATUSES, Metrics, value
from skillofmind.serve.watch.traces import Log, Trace
from tests.serve.recorder import Recorder, json_response
from tests.serve.serving import FixedPlanner, Serving, ask, chat, said
from tests.upstream import Upstream, status

PLAN = "/v1/skillofmind/plan"


def test_a_plan_alone_asks_no_upstream() -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        by_messages = ask(server, PLAN, {"messages": said()})
        by_dialogue = ask(
            server, PLAN, {"dialogue": {"turns": [{"speaker": "Ana", "text": "I failed the exam again."}]}}
        )
    found = by_messages.json()
    assert (by_messages.status, found["object"], found["planned"]) == (200, "skillofmind.plan", True)
    assert found["plan"]["skill"] in load_taxonomy().names()
    assert by_messages.headers["x-skillofmind"] == f'planned; skill="{found["plan"]["skill"]}"'
    assert by_dialogue.json()["plan"]["evidence"][0]["quote"].startswith("I failed")
    assert found["usage"]["total_tokens"] == 0
    assert upstream.counts.received == 0


def test_a_plan_alone_takes_the_context_of_the_field() -> None:
    planner = FixedPlanner()
    field = {"skillofmind": {"context": {"topic": "bicycles"}}}
    with Upstream() as upstream, Serving(upstream.base_url, planner=planner) as server:
        ask(server, PLAN, {"dialogue": {"turns": [{"speaker": "A", "text": "Hi"}]}, **field})
        ask(server, PLAN, {"messages": said(), **field})
    assert [seen.context.topic for seen in planner.seen] == ["bicycles", "bicycles"]


@pytest.mark.parametrize(
    ("planner", "expected", "code"),
    [
        (FixedPlanner(seconds=5.0), 504, "plan_late"),
        (FixedPlanner(error=RuntimeError("x")), 502, "plan_failed"),
        (FixedPlanner(Plan(skill_raw="Dancing", planner="x")), 200, None),
    ],
)
def test_a_plan_alone_that_fails_says_so(planner: FixedPlanner, expected: int, code: str | None) -> None:
    with Upstream() as upstream, Serving(upstream.base_url, planner=planner, plan_timeout=0.1) as server:
        got = ask(server, PLAN, {"messages": said()})
    assert got.status == expected
    assert got.json().get("error", {}).get("code") == code
    if expected == 200:
        assert (got.json()["planned"], got.json()["reason"]) == (False, "invalid")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": 3},
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"dialogue": {}},
        {"dialogue": {"turns": [{"speaker": 1}]}},
        {"messages": said(), "skillofmind": {"skill": "juggling"}},
    ],
)
def test_a_plan_of_nothing_is_a_400(body: object) -> None:
    with Upstream() as upstream, Serving(upstream.base_url) as server:
        assert ask(server, PLAN, body).status == 400


def test_models_are_the_upstreams_where_none_is_named() -> None:
    with Upstream(model="tiny") as upstream, Serving(upstream.base_url) as server:
        assert [entry["id"] for entry in ask(server, "/v1/models").json()["data"]] == ["tiny"]
        assert ask(server, "/v1/models/tiny").json()["id"] == "tiny"
        assert ask(server, "/v1/models/other").json()["error"]["code"] == "model_not_found"
    with Serving("http://127.0.0.1:1/v1", model="org/big") as server:
        assert ask(server, "/v1/models/org%2Fbig").json()["id"] == "org/big"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (json_response(b'{"error":{"message":"no"}}', status="403 No"), 403),
        (json_response(b"[]"), 502),
        (json_response(b'{"data":3}'), 200),
    ],
)
def test_an_upstream_that_lists_no_models(answer: bytes, expected: int) -> None:
    with Recorder([answer]) as upstream, Serving(upstream.base_url) as server:
        assert ask(server, "/v1/models").status == expected


def test_health_says_what_answers() -> None:
    with Upstream() as upstream, Serving(upstream.base_url, model="tiny", keys=["server-key-1"]) as server:
        got = ask(server, "/health")
    found = got.json()
    assert (got.status, found["status"], found["model"], found["planner"]) == (200, "ok", "tiny", "embedded")
    assert "127.0.0.1" not in got.body.decode()


def test_metrics_are_text_that_prometheus_reads() -> None:
    with (
        Upstream(reply=lambda _: "a b", faults=[None, status(500)]) as upstream,
        Serving(upstream.base_url) as server,
    ):
        chat(server, {"messages": said()})
        chat(server, {"messages": said(), "skillofmind": {"inject": "off"}})
        chat(server, {"messages": said(), "stream": True})
        got = ask(server, "/metrics")
    text = got.body.decode()
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    line = re.compile(
        r'# (HELP|TYPE) skillofmind_\w+ .+|skillofmind_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+]+'
    )
    assert [one for one in text.splitlines() if not line.fullmatch(one)] == []
    assert value(text, "requests_total", 'status="200"') == 2
    assert value(text, "requests_total", 'status="500"') == 1
    assert value(text, "plans_total", 'outcome="planned"') == 2
    assert value(text, "plans_total", 'outcome="off"') == 1
    assert value(text, "tokens_total", 'part="answer",kind="completion"') == 2
    assert value(text, "first_byte_seconds_count") == 1
    families = [one.split()[2] for one in text.splitlines() if one.startswith("# TYPE")]
    assert len(families) == len(set(families))
    with pytest.raises(KeyError):
        value(text, "nothing")


@given(st.lists(st.tuples(st.sampled_from([*STATUSES, 418]), st.floats(0, 400)), max_size=30))
def test_rows_sum_to_what_was_counted(requests: list[tuple[int, float]]) -> None:
    metrics = Metrics(3)
    rows = [metrics.row(worker) for worker in range(3)]
    for number, (code, seconds) in enumerate(requests):
        rows[number % 3].entered()
        rows[number % 3].left(code, seconds)
    text = metrics.text()
    other = sum(code in (0, 418) for code, _ in requests)
    assert value(text, "requests_total", 'status="other"') == other
    assert value(text, "request_seconds_count") == len(requests)
    assert value(text, "request_seconds_bucket", 'le="0.1"') == sum(s <= 0.1 for _, s in requests)
    assert value(text, "request_seconds_bucket", 'le="+Inf"') == len(requests)
    assert value(text, "in_flight") == 0


def test_a_row_taken_over_keeps_its_counters_and_has_nothing_in_flight() -> None:
    metrics = Metrics(1)
    row = metrics.row(0)
    row.entered()
    row.planned("late", 0.5)
    row.tokens(Usage(1, 2), Usage(3, 4))
    metrics.row(0)
    text = metrics.text()
    assert value(text, "in_flight") == 0
    assert value(text, "plans_total", 'outcome="late"') == 1
    assert value(text, "tokens_total", 'part="plan",kind="completion"') == 2


def test_a_log_on_a_full_disk_costs_lines_only() -> None:
    log = Log("/dev/full")
    log.request(Trace("x", "/health", 0.0), 1.0)
    log.event("stopped")
    log.close()
    log.event("after the end")


def test_the_page_learns_what_the_server_is() -> None:
    with Upstream() as upstream, Serving(upstream.base_url, model="tiny", keys=["server-key-1"]) as server:
        found = ask(server, "/playground/api/info").json()
    assert {k: found[k] for k in ("model", "planner", "offline", "inject", "languages", "stream")} == {
        "model": "tiny",
        "planner": "embedded",
        "offline": False,
        "inject": "both",
        "languages": ["en", "ko"],
        "stream": True,
    }
    assert len(found["skills"]) == 39
    assert set(found["skills"][0]) == {"name", "category", "definition", "when", "names", "aims"}


def test_a_long_conversation_is_clipped_and_evidence_keeps_its_numbers() -> None:
    turns = [Said("user" if i % 2 == 0 else "assistant", f"turn {i}") for i in range(301)]
    dialogue, first = dialogue_of(turns)
    assert (len(dialogue.turns), first) == (MOST_TURNS, 301 - MOST_TURNS)
    long, _ = dialogue_of([Said("system", "s" * 9000), Said("user", "x" * 1_000_000)])
    assert len(long.turns[0].text) < 4100
    assert len(long.context.text or "") < 4100
    wide, first = dialogue_of([Said("user", "y" * 3999)] * 20)
    assert sum(len(turn.text) for turn in wide.turns) <= MOST_CHARS
    assert first == 20 - len(wide.turns)
    plan = Plan(
        skill="Empathy",
        valid=True,
        explanation="x",
        evidence=(Evidence("turn", "2", "q", 1.0), Evidence("context", "topic", "q", 1.0)),
    )
    with Upstream() as upstream, Serving(upstream.base_url, planner=FixedPlanner(plan)) as server:
        got = chat(server, {"messages": [{"role": "user", "content": "z"}] * 100})
    shown = [item["where"] for item in got.json()["skillofmind"]["plan"]["evidence"]]
    assert shown == [str(100 - MOST_TURNS + 2), "topic"]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["user"], ""),
        (["user", "system"], ""),
        (["user", "assistant", "tool"], "tools"),
        (["user", "function"], "tools"),
        (["user", "assistant"], "turn"),
        (["system"], "turn"),
        ([], "turn"),
    ],
)
def test_what_is_planned_depends_on_who_spoke_last(roles: list[str], expected: str) -> None:
    messages = [Said(role, "words") for role in roles]
    assert not_planned(messages, "both") == expected
    assert not_planned(messages, "off") == "off"


def test_a_message_without_words_is_not_planned() -> None:
    assert not_planned([Said("user", " \n")], "both") == "turn"
    assert not_planned([Said("user", None)], "both") == "turn"


def test_fifty_requests_at_once_do_not_mix(tmp_path: Path) -> None:
    """Each answer has the plan and the words of its own request, whatever the others ask for."""
    from concurrent.futures import ThreadPoolExecutor

    skills = load_taxonomy().names()

    def one(number: int) -> bool:
        skill = skills[number % len(skills)]
        inject = ("both", "skill", "explanation", "off")[number % 4]
        field = {"skill": skill, "explanation": f"thought {number}", "inject": inject}
        got = chat(server, {"messages": said(f"word{number}"), "skillofmind": field}).json()
        same = got["choices"][0]["message"]["content"] == f"word{number}"
        plan = got.get("skillofmind", {}).get("plan")
        return same and (
            inject == "off" or (plan["skill"], plan["explanation"]) == (skill, f"thought {number}")
        )

    with Upstream() as upstream, Serving(upstream.base_url) as server, ThreadPoolExecutor(25) as pool:
        assert all(pool.map(one, range(100)))
    for request in upstream.requests:
        number = int(request.body["messages"][-1]["content"].removeprefix("word"))
        shown = json.dumps(request.body["messages"][:-1])
        assert (f"thought {number}" in shown.replace('"', " ")) == (number % 4 in (0, 2))
