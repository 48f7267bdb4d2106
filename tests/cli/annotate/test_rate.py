"""Limits a minute, as the server sees them: never passed in any 60 seconds, and used."""

import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from skillofmind.data.select import write_instances
from tests.cli.som import som
from tests.mind.annotate.rows import numbered
from tests.teacher import Teacher
from tests.upstream import Upstream, rate_limit, seeded_faults, status

ROWS = 1500


def most_in_a_minute(arrivals: list[tuple[float, int]]) -> int:
    """Return the largest sum of weights in any 60 seconds."""
    window: deque[tuple[float, int]] = deque()
    most = total = 0
    for at, weight in arrivals:
        window.append((at, weight))
        total += weight
        while window[0][0] <= at - 60.0:
            total -= window.popleft()[1]
        most = max(most, total)
    return most


def test_the_window_is_counted_right() -> None:
    assert most_in_a_minute([(0.0, 1), (30.0, 2), (59.9, 3), (60.0, 4), (200.0, 5)]) == 9


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_thousand_requests_a_minute_are_never_passed_and_nearly_used(tmp_path: Path) -> None:
    arrivals: list[tuple[float, int]] = []
    teacher = Teacher()

    def plan(number: int) -> Any:
        arrivals.append((time.monotonic(), 1))
        return faults(number)

    faults = seeded_faults(((0.02, status(500)), (0.02, rate_limit(0.2))), seed=9)
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"".join(write_instances(numbered(ROWS))))
    with Upstream(reply=teacher, faults=plan, latency=0.05) as server:
        words = ["--teacher", "scripted", "--base-url", server.base_url, "--limits", "rpm=1000"]
        assert som("annotate", rows, tmp_path / "run", *words).code == 0
    assert len(arrivals) == server.counts.received > ROWS
    assert most_in_a_minute(arrivals) <= 1000
    start, end = arrivals[0][0], arrivals[-1][0]
    assert end - start > 80
    assert len(arrivals) / (end - start) * 60 >= 900


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_tokens_a_minute_are_never_passed_and_nearly_used(tmp_path: Path) -> None:
    limit = 400_000
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"".join(write_instances(numbered(ROWS))))
    sent: list[tuple[float, int]] = []
    teacher = Teacher({})

    def answer(body: dict[str, Any]) -> str:
        said = teacher(body)
        words = sum(len(message["content"].split()) for message in body["messages"]) + len(said.split())
        sent.append((time.monotonic(), words))
        return said

    with Upstream(reply=answer, latency=0.05) as server:
        words = ["--teacher", "scripted", "--base-url", server.base_url, "--limits", f"tpm={limit}"]
        assert som("annotate", rows, tmp_path / "run", *words).code == 0
    total = sum(weight for _, weight in sent)
    counted = server.counts.prompt_tokens + server.counts.completion_tokens
    assert total == pytest.approx(counted, rel=0.01)
    start, end = sent[0][0], sent[-1][0]
    assert end - start > 70
    assert most_in_a_minute(sent) <= limit
    assert total / (end - start) * 60 >= 0.9 * limit
