"""The way of many workers, with workers in this process."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from skillofmind.core.errors import AuthenticationFailed, RequestRejected
from skillofmind.mind.annotate.job import Ended
from skillofmind.run.budget import Limits
from tests.mind.annotate.rows import numbered
from tests.mind.annotate.spread.scene import Scene, scene
from tests.teacher import USUAL, Teacher

COUNT = 40


def assert_whole(found: Scene, count: int = COUNT) -> None:
    """Every row is at its end, and came to it once."""
    assert Counter(found.ended_rows) == Counter(row.id for row in numbered(count))
    assert all(work.settled and not work.failed() for work in found.works().values())
    assert found.job.meter.spent.calls == found.attempts()


async def when(found: Scene, asked: int) -> None:
    while found.model.asked < asked:
        await asyncio.sleep(0)


async def test_every_row_comes_to_its_end_once(tmp_path: Path) -> None:
    with scene(tmp_path, teacher=Teacher({**USUAL, "broken": 0.3})) as found:
        assert await found.run() == Ended()
        assert_whole(found)
        assert found.model.asked == found.attempts() > COUNT
        assert len(found.workers) == 2
        assert found.model.most == 8
        assert found.job.meter.spent.money == found.attempts()


async def test_two_teachers_and_a_judge_are_asked_by_workers_too(tmp_path: Path) -> None:
    with scene(tmp_path, second=True) as found:
        assert await found.run() == Ended()
        assert_whole(found)
        assert {answer.role for work in found.works().values() for answer in work.answers} >= {"second"}


@pytest.mark.parametrize("asked", [1, 7, 20, 39])
async def test_a_lost_worker_costs_what_it_had_in_flight(tmp_path: Path, asked: int) -> None:
    with scene(tmp_path, teacher=Teacher({"broken": 0.5})) as found:
        running = asyncio.ensure_future(found.run())
        await when(found, asked)
        in_flight = found.model.in_flight
        found.workers[0].killed.set()
        assert await running == Ended()
        assert_whole(found)
        assert len(found.workers) == 3
        assert found.model.asked - found.attempts() <= min(in_flight, 4)
        assert found.model.asked > found.attempts() or asked == 1


async def test_the_first_answer_of_a_repair_outlives_its_worker(tmp_path: Path) -> None:
    with scene(tmp_path, 1, teacher=Teacher({"broken": 1.0}, stubborn=0.0)) as found:
        running = asyncio.ensure_future(found.run(workers=1))
        await when(found, 2)
        found.workers[0].killed.set()
        assert await running == Ended()
        (work,) = found.works().values()
        assert [answer.role for answer in work.answers] == ["teacher", "repair"]
        assert found.model.asked == 3


async def test_a_row_that_ends_its_workers_fails_and_the_others_do_not(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        found.workers[-1].killed.set()

    with scene(tmp_path, 1, meet=meet) as found:
        assert await found.run(workers=1) == Ended(
            "gave_up", "3 workers were lost without an answer between: killed"
        )
        (work,) = found.works().values()
        assert work.failed()
        assert work.answers[-1].error == "its worker was lost 3 times: killed"
        assert (found.model.asked, found.attempts()) == (3, 0)


async def test_workers_that_cannot_be_started_end_the_run(tmp_path: Path) -> None:
    with scene(tmp_path) as found:
        found.hire_error = "no such module"
        said = "4 workers were lost without an answer between: no such module"
        assert await found.run() == Ended("gave_up", said)
        assert found.ended_rows == []


@pytest.mark.parametrize("calls", [1, 8, 15, 39])
async def test_a_limit_on_calls_is_not_passed_without_repairs(tmp_path: Path, calls: int) -> None:
    with scene(tmp_path, limits=Limits(calls=calls)) as found:
        said = f"the limit of {calls} calls is reached ({calls} spent); resume with a larger one"
        assert await found.run() == Ended("budget", said)
        assert found.model.asked == found.attempts() == calls
    with scene(tmp_path) as found:
        assert await found.run() == Ended()
        assert found.model.asked == COUNT - calls


async def test_a_limit_that_all_rows_keep_is_no_end(tmp_path: Path) -> None:
    with scene(tmp_path, limits=Limits(calls=COUNT)) as found:
        assert await found.run() == Ended()
        assert_whole(found)


async def test_a_limit_on_money_is_passed_by_what_is_in_work_at_most(tmp_path: Path) -> None:
    with scene(tmp_path, limits=Limits(money=10.0)) as found:
        ended = await found.run()
        assert ended.why == "budget"
        assert ended.detail.startswith("the limit of 10 money is reached (10 spent)")
        assert 10 <= found.model.asked == found.attempts() <= 10 + 8


async def test_rows_that_wait_at_a_worker_are_not_begun_once_a_limit_is_reached(tmp_path: Path) -> None:
    with scene(tmp_path, 96, limits=Limits(money=1.0)) as found:
        assert (await found.run(workers=1, at_once=40)).why == "budget"
        assert found.model.asked == found.attempts() == 40


async def test_a_stop_drains(tmp_path: Path) -> None:
    with scene(tmp_path) as found:
        running = asyncio.ensure_future(found.run())
        await when(found, 10)
        found.job.stop.set()
        assert await running == Ended("interrupted")
        assert found.model.asked == found.attempts() <= 10 + 8
    with scene(tmp_path) as found:
        assert await found.run() == Ended()
        assert {work.settled for work in found.works().values()} == {True}


async def test_a_refused_key_ends_the_run_and_keeps_what_came(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        if number > 12:
            raise AuthenticationFailed("the key is refused")

    with scene(tmp_path, meet=meet) as found:
        assert await found.run() == Ended("gave_up", "the key is refused")
        assert found.attempts() == 12
        assert found.model.asked <= 12 + 8


async def test_failed_rows_are_kept_and_asked_again_by_the_next_run(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        if number % 4 == 0:
            raise RequestRejected("too long")

    with scene(tmp_path, meet=meet) as found:
        assert await found.run() == Ended()
        assert sum(work.failed() for work in found.works().values()) == COUNT // 4
    with scene(tmp_path) as found:
        assert await found.run() == Ended()
        assert found.model.asked == COUNT // 4
        assert not any(work.failed() for work in found.works().values())


async def test_a_long_series_of_failures_ends_the_run(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        raise RequestRejected("too long")

    with scene(tmp_path, meet=meet) as found:
        ended = await found.run(patience=6)
        assert ended == Ended("gave_up", "the last 6 rows got no answer: too long")
        assert found.model.asked < COUNT


async def test_failures_with_answers_between_are_no_series(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        if number % 3:
            raise RequestRejected("too long")

    with scene(tmp_path, meet=meet) as found:
        assert await found.run(workers=1, at_once=1, patience=3) == Ended()
        assert sum(work.failed() for work in found.works().values()) == 27


async def test_lost_workers_with_answers_between_are_no_series(tmp_path: Path) -> None:
    def meet(number: int) -> None:
        if number % 6 == 0:
            found.workers[-1].killed.set()

    with scene(tmp_path, meet=meet) as found:
        assert await found.run(workers=1, at_once=1) == Ended()
        assert_whole(found)
        assert len(found.workers) > 4


async def test_a_worker_that_is_never_there_keeps_nobody_waiting(tmp_path: Path) -> None:
    with scene(tmp_path) as found:
        hire, hired = found.hire, asyncio.Event()

        async def hire_one(brief: bytes):  # type: ignore[no-untyped-def]
            if found.workers:
                hired.set()
                await asyncio.Event().wait()
            return await hire(brief)

        found.hire = hire_one  # type: ignore[method-assign]
        assert await found.run() == Ended()
        assert hired.is_set()
        assert_whole(found)
