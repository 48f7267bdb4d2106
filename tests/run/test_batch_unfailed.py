from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.run.batch import Unfailed
from skillofmind.run.log import AppendLog, read_log, read_log_as


class Result(Record, frozen=True):
    """A result that may have failed."""

    value: int = 0
    error: str | None = None


def store(log: AppendLog, *keys: str) -> Unfailed[Result]:
    return Unfailed(log, lambda: keys, Result, lambda result: result.error is not None)


def test_what_failed_is_tried_again_by_the_next_start_only(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        first = store(log, "a", "b", "c")
        first.append("a", Result(1))
        first.append("b", Result(error="no"))
        assert [first.has(key) for key in "abc"] == [False, False, False]
    with AppendLog(tmp_path / "log.jsonl") as log:
        second = store(log, "a", "b", "c")
        assert [second.has(key) for key in "abc"] == [True, False, False]
        assert (second.settled, second.failed) == (1, {"b"})


def test_the_last_result_of_a_key_counts_in_the_order_of_the_keys(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        found = store(log, "a", "b", "c")
        for key, result in (("c", Result(3)), ("a", Result(error="no")), ("a", Result(1))):
            found.append(key, result)
        assert list(found.latest()) == [Result(1), Result(3)]
        assert found.get("a") == Result(1)
    with AppendLog(tmp_path / "log.jsonl") as log:
        assert store(log, "a", "b", "c").settled == 2


def test_failing_in_the_same_way_again_adds_no_line(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        found = store(log, "a")
        for error in ("no", "no", "other"):
            found.append("a", Result(error=error))
        assert [value for _, value in found.read()] == [{"error": "no"}, {"error": "other"}]


def test_another_kind_of_log_is_refused(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        log.append("a", {"something": "else"})
        with pytest.raises(DataError, match="line 1 is not a record"):
            store(log, "a")


def test_a_typed_log_is_read_up_to_a_torn_last_line(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log.jsonl") as log:
        log.append("a", Result(1))
        log.append("b", Result(2))
    whole = (tmp_path / "log.jsonl").read_bytes()
    (tmp_path / "log.jsonl").write_bytes(whole[:-5])
    assert list(read_log_as(tmp_path / "log.jsonl", Result)) == [("a", Result(1))]
    assert len(list(read_log(tmp_path / "log.jsonl"))) == 1
