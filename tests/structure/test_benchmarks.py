"""Benchmarks explain themselves and compare equal work; pages that quote them quote the committed files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from benchmarks import records
from benchmarks.data_formats import child
from benchmarks.dialogues import many
from benchmarks.measure import Spent, interleaved, summary

from tests.structure.source import ROOT

RESULTS = ROOT / "results" / "benchmarks"
NAMES = sorted(
    path.stem for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_explains_itself(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--out " in done.stdout


def test_the_dataclass_arm_does_the_same_work() -> None:
    lines = [msgspec.json.encode(dialogue) for dialogue in many(30)]
    arms = {"msgspec": records.msgspec_arm(), "dataclasses": records.dataclass_arm()}
    records.check_equal_work(arms, lines)


def test_unequal_work_is_refused() -> None:
    lines = [msgspec.json.encode(dialogue) for dialogue in many(3)]
    fields = records.msgspec_arm()
    forgetful = records.Arm(fields.decode, lambda value: b'{"turns":[]}')
    with pytest.raises(ValueError, match="does not give the same records back"):
        records.check_equal_work({"forgetful": forgetful}, lines)


def test_rounds_alternate_and_the_first_is_not_counted() -> None:
    order: list[str] = []

    def arm(name: str) -> Spent:
        order.append(name)
        return Spent(len(order), 0)

    found = interleaved({"a": lambda: arm("a"), "b": lambda: arm("b")}, 2)
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert [one.cpu for one in found["a"]] == [4, 5]


def test_the_peak_of_a_child_is_its_own() -> None:
    held = bytearray(b"x") * (150 << 20)
    bare = child([sys.executable, "-S", "-c", ""], os.environ, 1)["peak_mb"]
    large = child([sys.executable, "-S", "-c", "x = bytearray(b'x') * (100 << 20)"], os.environ, 1)["peak_mb"]
    assert len(held) > bare * 1e6
    assert bare < 40
    assert 100 < large - bare < 112


def test_a_summary_is_median_and_quartiles() -> None:
    assert summary([4.0, 1.0, 3.0, 2.0, 5.0]) == {"median": 3.0, "q1": 2.0, "q3": 4.0, "n": 5}


def test_the_page_on_records_quotes_the_result() -> None:
    found, page = result("records"), decision("001-records.md")
    for name, arm in found["arms"].items():
        row = [str(arm["cpu_s"]["median"]), str(found["times_msgspec_cpu"][name])]
        assert f"| {' | '.join(row)} | {found['import_cpu_s'][name]['median']} |" in page


def test_the_page_on_the_http_client_quotes_the_result() -> None:
    found, page = result("http_client"), decision("002-http-client.md")
    fewer = found["cpu_ms_per_request_with_fewer_in_flight"]
    for name, arm in found["arms"].items():
        numbers = [
            f"{arm['cpu_ms_per_request']['median']:.3f}",
            f"{arm['requests_per_s']['median']:,.0f}",
            f"{fewer['8'][name]:.3f}",
            f"{fewer['1'][name]:.3f}",
        ]
        assert f"| {' | '.join(numbers)} |" in page


def result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def decision(name: str) -> str:
    return Path(ROOT / "docs" / "decisions" / name).read_text("utf-8")
