import stat
from itertools import count
from pathlib import Path

import msgspec
import pytest

from skillofmind.core.errors import ConfigurationError, DataError, RunBusy, RunMismatch
from skillofmind.evals.study.folder import OpenStudy, create, links, read
from skillofmind.evals.study.records import Answer
from tests.evals.study.talks import GOOD, PLAIN, made_study, small_study


def now() -> str:
    return "2026-01-01T00:00:00+00:00"


def answer(task: str = "t0", rater: str = "ana", overall: str = "left", **more: object) -> Answer:
    found = Answer(rater, task, 0, GOOD, PLAIN, {"overall": overall}, 3.0, now())
    return msgspec.structs.replace(found, **more)


def test_the_same_study_has_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert create(one, *small_study(tmp_path, 5)) is False
    assert create(other, *small_study(tmp_path, 5)) is False
    assert create(one, *small_study(tmp_path, 5)) is True
    for name in ("study.json", "tasks.jsonl"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


def test_a_folder_keeps_its_study(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    with pytest.raises(RunMismatch, match="seed"):
        create(folder, *small_study(tmp_path, 5, seed=1))
    with pytest.raises(RunMismatch, match="material"):
        create(folder, *small_study(tmp_path, 6, checks=4))
    with pytest.raises(DataError, match="holds no study"):
        read(tmp_path)


def test_answers_come_back_and_the_last_one_counts(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    with OpenStudy(folder, now) as opened:
        opened.join("ana")
        assert opened.answer(answer())
        assert opened.answer(answer("t1"))
        assert opened.answer(answer(overall="right", seconds=9.0))
    found = read(folder)
    assert [(one.task, one.choices["overall"], one.seconds) for one in found.answers] == [
        ("t0", "right", 9.0), ("t1", "left", 3.0),
    ]  # fmt: skip
    assert found.revised == {("ana", "t0"): 1}
    with OpenStudy(folder, now) as opened:
        assert opened.given("ana", "t0") == answer(overall="right", seconds=9.0)
        assert opened.given("ana", "t2") is None


def test_the_same_answer_again_is_no_other_answer(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    with OpenStudy(folder, now) as opened:
        opened.join("ana")
        assert opened.answer(answer())
        assert not opened.answer(answer(seconds=70.0))
        assert opened.answer(answer(remark="hm"))
    assert len((folder / "answers.jsonl").read_bytes().splitlines()) == 2


def test_a_line_that_was_cut_off_costs_that_line_only(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    with OpenStudy(folder, now) as opened:
        opened.join("ana")
        opened.answer(answer())
        opened.answer(answer("t1"))
    log = folder / "answers.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    assert [one.task for one in read(folder).answers] == ["t0"]
    with OpenStudy(folder, now) as opened:
        assert opened.given("ana", "t1") is None
        assert opened.answer(answer("t1"))
    assert [one.task for one in read(folder).answers] == ["t0", "t1"]


def test_raters_take_shares_in_turn_or_that_of_another(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5, raters=2)
    with OpenStudy(folder, now) as opened:
        names = [("ana", ""), ("ben", ""), ("cleo", ""), ("dora", "ben")]
        assert [opened.join(*name).share for name in names] == [0, 1, 0, 1]
        assert opened.join("ben", "ana").share == 1
        with pytest.raises(ConfigurationError, match="'eve' cannot take over"):
            opened.join("eve", "zoe")
        for name in ("", " ", "a" * 81, "a\nb", "a\u202eb", "a=b"):
            with pytest.raises(ConfigurationError, match="is no name for a rater"):
                opened.join(name)
        assert opened.consent("ana").consented == opened.consent("ana").consented == now()
    assert list(read(folder).raters) == ["ana", "ben", "cleo", "dora"]
    assert read(folder).raters["ana"].consented == now()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = made_study(tmp_path, 5)
    with OpenStudy(folder, now), pytest.raises(RunBusy):
        OpenStudy(folder, now)
    OpenStudy(folder, now).close()


def test_links_stay_and_are_private(tmp_path: Path) -> None:
    numbers = count()
    found = links(tmp_path, ["ana"], lambda: f"secret {next(numbers)}")
    assert found == {"ana": "secret 0"}
    assert links(tmp_path, ["ben", "ana"], lambda: f"secret {next(numbers)}") == {
        "ben": "secret 1", "ana": "secret 0",
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "links.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["links.json"]
    (tmp_path / "links.json").write_text("[]")
    with pytest.raises(DataError, match="holds no links"):
        links(tmp_path, ["ana"], str)
