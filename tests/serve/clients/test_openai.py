"""The clients of `openai` talk to the server as they talk to the upstream itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from tests.adapters.scene import CHAT, REQUESTS, RESULTS, TOOLS, reply
from tests.serve.serving import FixedPlanner, Serving
from tests.upstream import Upstream, status

openai = pytest.importorskip("openai", reason="openai is not installed")

from tests.adapters.test_openai_client import KINDS, ask, bare, dumped  # noqa: E402


class Places(NamedTuple):
    """An upstream that is asked directly, and one with a server before it."""

    near: Upstream
    far: Upstream
    server: Serving


@contextmanager
def places(inject: Any = "both", **settings: Any) -> Iterator[Places]:
    made = {"reply": reply, **settings}
    with (
        Upstream(**made) as near,
        Upstream(**made) as far,
        Serving(far.base_url, planner=FixedPlanner(), inject=inject) as server,
    ):
        yield Places(near, far, server)


def fields_of(answers: list[Any]) -> list[Any]:
    return [answer.model_extra["skillofmind"] for answer in answers if "skillofmind" in answer.model_extra]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REQUESTS)
def test_unplanned_answers_are_those_of_the_upstream(kind: str, name: str) -> None:
    with places("off") as (near, far, server):
        direct = ask(kind, near, bare, **REQUESTS[name])
        served = ask(kind, server, bare, **REQUESTS[name])  # type: ignore[arg-type]
    assert [answer.model_dump() for answer in served] == [answer.model_dump() for answer in direct]
    assert far.requests[0].body == near.requests[0].body


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REQUESTS)
def test_planned_answers_differ_by_the_plan_only(kind: str, name: str) -> None:
    with places() as (near, far, server):
        direct = ask(kind, near, bare, **REQUESTS[name])
        served = ask(kind, server, bare, **REQUESTS[name])  # type: ignore[arg-type]
    assert [type(answer) for answer in served] == [type(answer) for answer in direct]
    assert dumped(served) == dumped(direct)
    (found,) = fields_of(served)
    assert (found["planned"], found["plan"]["skill"]) == (True, "Empathy")
    before, sent = near.requests[0].body, far.requests[0].body
    assert sent["messages"][-2]["role"] == "system"
    assert [*sent["messages"][:-2], sent["messages"][-1]] == before["messages"]
    assert {**sent, "messages": 0} == {**before, "messages": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_the_result_of_a_tool_goes_through_as_it_is(kind: str) -> None:
    with places() as (near, far, server):
        direct = ask(kind, near, bare, messages=RESULTS, tools=TOOLS)
        served = ask(kind, server, bare, messages=RESULTS, tools=TOOLS)  # type: ignore[arg-type]
    assert dumped(served) == dumped(direct)
    assert far.requests[0].body == near.requests[0].body


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_bytes_of_an_unplanned_answer_are_those_of_the_upstream(name: str, stream: bool) -> None:
    with places("off") as (near, _, server):
        bodies = [raw(place.base_url, stream=stream, **REQUESTS[name])[0] for place in (near, server)]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 100


def raw(base_url: str, **request: Any) -> tuple[bytes, dict[str, str]]:
    with openai.OpenAI(base_url=base_url, api_key="k") as client:
        asking = client.chat.completions.with_streaming_response.create(model="tiny", **request)
        with asking as response:
            return b"".join(response.iter_bytes()), dict(response.headers)


def test_headers_say_what_happened() -> None:
    with places() as (_, _, server):
        planned = raw(server.base_url, messages=CHAT)[1]
        off = raw(server.base_url, messages=CHAT, extra_headers={"X-Skillofmind-Inject": "off"})[1]
    assert planned["x-skillofmind"] == 'planned; skill="Empathy"'
    assert off["x-skillofmind"] == "unplanned; reason=off"
    assert planned["x-request-id"] != off["x-request-id"]


@pytest.mark.parametrize("kind", ["sync stream", "async stream"])
def test_the_plan_can_be_streamed_first(kind: str) -> None:
    with places() as (near, _, server):
        direct = ask(kind, near, bare, messages=CHAT)
        wanted = {"skillofmind": {"stream_plan": True}}
        served = ask(kind, server, bare, messages=CHAT, extra_body=wanted)  # type: ignore[arg-type]
    assert served[0].choices == []
    assert served[0].skillofmind["plan"]["skill"] == "Empathy"
    assert dumped(served[1:]) == [
        {**fields, "id": answer.id} for fields, answer in zip(dumped(direct), served[1:], strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "error", "times"),
    [
        (status(429, retry_after=3, message="slow down"), "RateLimitError", 1),
        (status(500, message="oh"), "InternalServerError", 1),
        # A request that is refused with the plan is asked once more without it.
        (status(400, message="no such field"), "BadRequestError", 2),
    ],
)
def test_errors_of_the_upstream_come_through(kind: str, fault: Any, error: str, times: int) -> None:
    with places(faults=[fault] * times) as (near, far, server):
        seen = []
        for place in (near, server):
            with pytest.raises(getattr(openai, error)) as caught:
                ask(kind, place, bare, messages=CHAT)  # type: ignore[arg-type]
            response = caught.value.response
            seen.append((caught.value.body, response.status_code, response.headers.get("retry-after")))
    assert seen[0] == seen[1]
    assert far.counts.received == times


def test_models_are_listed() -> None:
    with places() as (near, _, server):
        found = []
        for place in (near, server):
            with openai.OpenAI(base_url=place.base_url, api_key="k") as client:
                found.append([model.id for model in client.models.list()])
    assert found[0] == found[1] == ["scripted"]
