from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.som import Here, answer
from tests.upstream import Upstream, latency, status


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


def reply(body: dict[str, Any]) -> str:
    """Answer as a planner where the request is a planner's, else as a friend."""
    asked = str(body["messages"][-1]["content"])
    if "one skill and nothing else" in asked:
        return "Empathy"
    return answer("Empathy") if "JSON" in asked else "I am so sorry to hear that."


def test_all_arms_are_timed_and_planning_costs_time_and_tokens(here: Here, tmp_path: Path) -> None:
    out = tmp_path / "latency.json"
    with Upstream(reply, faults=lambda _: latency(0.01)) as server:
        result = here(
            *("eval", "latency", "--model", "tiny", "--base-url", server.base_url),
            *("--n", 2, "--rounds", 2, "--out", out),
        )
    assert result.code == 0, result.err
    found = msgspec.json.decode(out.read_bytes())
    arms = {one["arm"]: one for one in found["arms"]}
    assert list(arms) == ["base", "embedded", "skill", "both"]
    assert [one["n"] for one in arms.values()] == [4, 4, 4, 4]
    assert [one["planned"] for one in arms.values()] == [0, 4, 4, 4]
    assert arms["base"]["ratio"] == {"p50": 1.0, "p95": 1.0}
    assert arms["both"]["ratio"]["p50"] > 1.3
    assert arms["skill"]["tokens_in"] > arms["embedded"]["tokens_in"] > arms["base"]["tokens_in"]
    assert arms["base"]["first_ms"]["p50"] >= 10
    assert all(f" {name} " in result.out for name in arms)


def test_cases_that_fail_are_counted(here: Here) -> None:
    with Upstream(reply, faults=lambda number: status(400) if number > 12 else None) as server:
        words = ("eval", "latency", "--model", "tiny", "--base-url", server.base_url, "--arms", "base")
        result = here(*words, "--n", 20, "--rounds", 1, "--json")
    assert result.code == 1
    found = msgspec.json.decode(result.out)
    assert found["failed"] + found["arms"][0]["n"] == 20
    assert found["failed"] > 0
    assert "cases failed" in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arms", "bse"), "--arms 'bse' is unknown"),
        (("--n", "0"), "--n 0 must be at least 1"),
        (("--n", "1", "--rounds", "1"), "gives no percentiles"),
        ((), "no model is named"),
    ],
)
def test_wrong_words_are_refused(here: Here, words: tuple[str, ...], said: str) -> None:
    result = here("eval", "latency", *words)
    assert result.code == 2
    assert said in result.err
