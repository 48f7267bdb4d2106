from pathlib import Path

import msgspec

from tests.cli.som import Here, assert_refused


def test_tasks_are_listed_with_what_is_here(here: Here, tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    result = here("eval", "tasks", "--data", tmp_path)
    assert (result.code, result.err) == (0, "")
    lines = {line.split()[0]: line.split() for line in result.out.splitlines() if line.strip()}
    assert lines["numbers"][1:4] == ["package", "plan", "yes"]
    assert lines["pair.one"][1:4] == ["pairs", "plan", "yes"]
    assert "(official)" in lines["pair.official"]
    rows = [msgspec.json.decode(line) for line in here("eval", "tasks", "--json").out.splitlines()]
    assert [(row["name"], row["here"]) for row in rows] == [
        ("numbers", True),
        ("pair.one", False),
        ("pair.two", False),
        ("pair.official", False),
        ("talk", True),
    ]


def test_a_folder_that_is_none_is_refused(here: Here, tmp_path: Path) -> None:
    assert_refused(here("eval", "tasks", "--data", tmp_path / "x"), "is no folder")
