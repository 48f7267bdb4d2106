from pathlib import Path
from typing import Any

import msgspec
import pytest

from skillofmind.evals.audits.effects import Reading
from skillofmind.evals.files import read_items
from tests.cli.som import Here, answer, prompted
from tests.upstream import Upstream, status


def read(folder: Path) -> dict[str, Reading]:
    found = msgspec.json.decode((folder / "audits.json").read_bytes(), type=list[Reading])
    return {one.audit: one for one in found}


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(capsys)


def test_an_audit_of_the_embedded_planner_writes_all_numbers(here: Here, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ("eval", "audit", folder, "--n", 3, "--tasks", "numbers", "--audits", "robustness,failures")
    result = here(*words)
    assert result.code == 0, result.err
    assert "robustness: 3 items of" in result.out
    assert "Skills that changed" in result.out
    readings = read(folder)
    assert list(readings) == ["robustness", "failures"]
    items = list(read_items(folder))
    assert len({item.key for item in items}) == len(items)
    left_out = sum(readings["robustness"].left_out.values())
    assert len(items) == 3 + 3 * len(readings["robustness"].left_out) - left_out
    # Once more: nobody is asked, and the bytes are the same.
    before = (folder / "audits.json").read_bytes(), (folder / "log.jsonl").read_bytes()
    assert here(*words).code == 0
    assert ((folder / "audits.json").read_bytes(), (folder / "log.jsonl").read_bytes()) == before


def test_a_prompted_planner_is_shown_the_skills_in_other_orders_and_resumes(
    here: Here, tmp_path: Path
) -> None:
    lists: set[str] = set()

    def reply(body: dict[str, Any]) -> str:
        asked = str(body["messages"][-1]["content"])
        lists.add("\n".join(line for line in asked.splitlines() if line.startswith("- ")))
        return answer("Empathy")

    folder = tmp_path / "run"
    with Upstream(reply, faults=lambda number: status(400) if number % 5 == 1 else None) as server:
        words = (
            *("eval", "audit", folder, "--n", 1, "--tasks", "numbers", "--audits", "robustness"),
            *prompted(server.base_url),
        )
        codes = [here(*words).code for _ in range(6)]
        assert codes[0] == 1
        assert codes[-1] == 0
        received = server.counts.received
        assert here(*words).code == 0
        assert server.counts.received == received
    assert len(lists) == 3
    reading = read(folder)["robustness"]
    orders = {
        e.change: e.n for e in reading.effects if e.change.startswith("order.") and e.measure == "flips"
    }
    assert orders == {"order.1": 1, "order.2": 1}
    assert reading.failed == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--audits", "bais"), "--audits 'bais' is unknown; known are bias, robustness"),
        (("--n", "-1"), "--n -1 must be at least 0"),
        (("--tasks", "pair"), "add --data FOLDER"),
        (("--tasks", "talk"), "asks for a reply"),
        (("--data", "nowhere"), "--data 'nowhere' is no folder"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_written(
    here: Here, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    result = here("eval", "audit", tmp_path / "run", *words)
    assert result.code == 2
    assert said in result.err
    assert not (tmp_path / "run").exists()
