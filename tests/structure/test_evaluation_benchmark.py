"""The evaluation benchmark compares equal work, and says so where it is not."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from benchmarks.annotation_server import serving, skill
from benchmarks.evaluation import CHECKED, Arm, Kind, Place, check_equal_work, figures, rows, run, write_rows

SOM = Arm("som", sys.executable, "evaluate_with_som.py")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with serving() as server:
        yield Place(tmp_path, server)


def test_rows_are_the_same_every_time_and_a_smaller_file_begins_a_larger_one() -> None:
    for kind in get_args(Kind):
        assert rows(kind, 30) == rows(kind, 50)[:30]
    assert [row["target"] for row in rows("chat", 10)] == [skill(case) for case in range(10)]


@pytest.mark.parametrize("kind", get_args(Kind))
def test_our_arm_asks_once_and_answers_every_row(place: Place, kind: Kind) -> None:
    assert check_equal_work([SOM], kind, place)["rows"] == CHECKED
    write_rows(place.folder, kind, 40)
    found = run(SOM, kind, 40, place)
    assert found.took.cpu > 0
    # Items, answers, cases and summary: more than the rows themselves.
    assert found.megabytes * 1e6 > 2 * (place.folder / f"{kind}-40.jsonl").stat().st_size


def test_an_arm_that_comes_to_other_answers_is_refused(place: Place) -> None:
    other = place.folder / "other.py"
    other.write_text("import json, sys\njson.dump({}, open(sys.argv[-1], 'w'))\n", "utf-8")
    with pytest.raises(ValueError, match="comes to other answers for 100 rows"):
        check_equal_work([SOM, Arm("other", sys.executable, str(other))], "choice", place)


def test_an_arm_that_asks_something_else_is_refused(place: Place) -> None:
    silent = place.folder / "silent.py"
    silent.write_text("import json, sys\njson.dump({}, open(sys.argv[-1], 'w'))\n", "utf-8")
    with pytest.raises(ValueError, match="do not ask the same"):
        check_equal_work([SOM, Arm("silent", sys.executable, str(silent))], "chat", place)


def test_figures_can_be_written(place: Place) -> None:
    write_rows(place.folder, "choice", 20)
    write_rows(place.folder, "choice", 40)
    pairs = [(run(SOM, "choice", 20, place), run(SOM, "choice", 40, place)) for _ in range(2)]
    found = json.loads(json.dumps(figures((20, 40), pairs)))
    assert found["whole"]["cpu_ms_per_item"]["n"] == 2
    assert found["log_bytes_per_item"] > 1000
