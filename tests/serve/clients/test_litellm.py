"""The client of LiteLLM talks to the server as it talks to the upstream itself.

It needs an older `openai` than the other tests, so `make test-litellm` runs it in another environment.
"""

import asyncio
import os
from typing import Any

import pytest

from tests.adapters.scene import CHAT, REQUESTS, RESULTS, TOOLS, reply
from tests.serve.serving import FixedPlanner, Serving
from tests.upstream import Upstream, status

# Without this it asks a web server for prices when it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
litellm = pytest.importorskip("litellm", reason="litellm is not installed; run `make test-litellm`")

pytestmark = pytest.mark.filterwarnings("default")  # LiteLLM has warnings of its own at every turn.
KINDS = ["sync", "async", "sync stream", "async stream"]


def ask(kind: str, place: Any, **request: Any) -> list[Any]:
    """Return the completion or the chunks of one request."""
    asked = {"model": "openai/tiny", "api_base": place.base_url, "api_key": "k", "num_retries": 0, **request}
    if "stream" in kind:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    if "async" in kind:
        return asyncio.run(_ask_async(asked))
    answer = litellm.completion(**asked)
    return list(answer) if "stream" in kind else [answer]


async def _ask_async(asked: dict[str, Any]) -> list[Any]:
    answer = await litellm.acompletion(**asked)
    return [chunk async for chunk in answer] if asked.get("stream") else [answer]


def dumped(answers: list[Any]) -> list[dict[str, Any]]:
    """Return the fields that are the same for the same answer: no plan, no costs of it, no ids of LiteLLM."""
    found = [answer.model_dump(exclude={"skillofmind", "id", "created"}) for answer in answers]
    for fields in found:
        if fields.get("usage"):
            del fields["usage"]["prompt_tokens"], fields["usage"]["total_tokens"]
    return found


def plans_of(answers: list[Any]) -> list[Any]:
    found = [answer.model_dump().get("skillofmind") for answer in answers]
    return [field for field in found if field]


@pytest.mark.parametrize("inject", ["both", "off"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", REQUESTS)
def test_answers_differ_by_the_plan_only(kind: str, name: str, inject: Any) -> None:
    with (
        Upstream(reply=reply) as near,
        Upstream(reply=reply) as far,
        Serving(far.base_url, planner=FixedPlanner(), inject=inject) as server,
    ):
        direct, served = [ask(kind, place, **REQUESTS[name]) for place in (near, server)]
    assert [type(answer) for answer in served] == [type(answer) for answer in direct]
    assert dumped(served) == dumped(direct)
    before, sent = near.requests[0].body, far.requests[0].body
    assert {**sent, "messages": 0} == {**before, "messages": 0}
    if inject == "off":
        assert sent == before
    else:
        assert [*sent["messages"][:-2], sent["messages"][-1]] == before["messages"]
    if inject == "both" and "stream" not in kind:
        assert plans_of(served)[0]["plan"]["skill"] == "Empathy"


@pytest.mark.parametrize("kind", KINDS)
def test_the_result_of_a_tool_goes_through_as_it_is(kind: str) -> None:
    with (
        Upstream(reply=reply) as near,
        Upstream(reply=reply) as far,
        Serving(far.base_url, planner=FixedPlanner()) as server,
    ):
        direct, served = [ask(kind, place, messages=RESULTS, tools=TOOLS) for place in (near, server)]
    assert dumped(served) == dumped(direct)
    assert far.requests[0].body == near.requests[0].body


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_errors_of_the_upstream_come_through(kind: str) -> None:
    fault = status(429, retry_after=3, message="slow down")
    with (
        Upstream(faults=[fault]) as near,
        Upstream(faults=[fault]) as far,
        Serving(far.base_url, planner=FixedPlanner()) as server,
    ):
        seen = []
        for place in (near, server):
            with pytest.raises(litellm.RateLimitError) as caught:
                ask(kind, place, messages=CHAT, max_retries=0)
            seen.append(str(caught.value))
    assert seen[0] == seen[1]
