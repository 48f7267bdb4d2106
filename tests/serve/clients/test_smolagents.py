"""An agent of smolagents works through the server as it does with the upstream itself."""

from typing import Any

import pytest

from tests.serve.serving import FixedPlanner, Serving
from tests.upstream import Upstream

pytest.importorskip("smolagents", reason="smolagents is not installed")
pytest.importorskip("openai", reason="openai is not installed")

from tests.adapters.test_smolagents import TASK, agent, essence, served, steps, work


@pytest.mark.parametrize("inject", ["both", "off"])
@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_finishes_its_task(streaming: bool, inject: Any) -> None:
    with (
        Upstream(reply=work) as near,
        Upstream(reply=work) as far,
        Serving(far.base_url, planner=FixedPlanner(), inject=inject) as server,
    ):
        direct = agent(served(near), stream_outputs=streaming)
        through = agent(served(server), stream_outputs=streaming)  # type: ignore[arg-type]
        assert direct.run(TASK) == through.run(TASK) == "Oslo at noon"
    assert essence(through) == essence(direct)
    if not streaming:
        plans = [step.model_output_message.raw.model_extra.get("skillofmind") for step in steps(through)]
        assert [plan is not None for plan in plans] == [inject == "both"] * 3


@pytest.mark.slow
def test_no_call_is_lost_in_a_hundred_tasks() -> None:
    with Upstream(reply=work) as far, Serving(far.base_url, planner=FixedPlanner()) as server:
        working = agent(served(server))  # type: ignore[arg-type]
        for _ in range(100):
            assert working.run(TASK) == "Oslo at noon"
            assert [step.tool_calls[0].id for step in steps(working)] == [
                "call_weather",
                "call_clock",
                "call_final_answer",
            ]
    assert far.counts.completed == 300
