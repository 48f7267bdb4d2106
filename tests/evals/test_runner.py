import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from skillofmind.core.errors import (
    BudgetExhausted,
    ConfigurationError,
    DataError,
    ModelBusy,
    RunMismatch,
    StorageError,
)
from skillofmind.core.plan import Plan
from skillofmind.evals.answering import Ask
from skillofmind.evals.files import read_answers, read_items, read_run
from skillofmind.evals.records import Answer, Item
from skillofmind.evals.runner import FEWEST, Ended, answered, finish, standing
from skillofmind.run.directory import RunDirectory
from skillofmind.run.log import read_log
from tests.evals.fake import SKILLS, fake_task, items

TASKS = {"numbers": fake_task()}


class Asked:
    """Answers rightly, counts what it is asked, and fails where told."""

    def __init__(self, fails: Callable[[int], BaseException | None] = lambda number: None) -> None:
        self.count: Counter[str] = Counter()
        self.order: list[str] = []
        self.fails = fails

    async def __call__(self, item: Item) -> Answer:
        self.count[item.key] += 1
        self.order.append(item.key)
        await asyncio.sleep(0)
        number = int(item.id.partition("-")[2])
        error = self.fails(number)
        if error is not None:
            raise error
        return Answer(plan=Plan("I see.", SKILLS[number % len(SKILLS)], valid=True))


def opened(path: Path) -> RunDirectory:
    return RunDirectory.open(path, command="test", options={"settings": {"planner": "scripted"}})


async def ask(path: Path, ask: Ask, count: int = 60, **more: object) -> Ended:
    with opened(path) as run:
        ended = await answered(run, items(count), ask, concurrency=4, **more)  # type: ignore[arg-type]
        if ended.complete:
            finish(path, TASKS)
        return ended


async def test_every_item_is_asked_once_and_kept_with_its_time(tmp_path: Path) -> None:
    asked = Asked()
    assert await ask(tmp_path / "run", asked) == Ended(items=60, asked=60)
    assert set(asked.count.values()) == {1}
    assert list(read_items(tmp_path / "run")) == items(60)
    answers = read_answers(tmp_path / "run")
    assert answers.keys() == asked.count.keys()
    assert all(answer.seconds > 0 for answer in answers.values())


async def test_the_same_again_asks_nobody(tmp_path: Path) -> None:
    await ask(tmp_path / "run", Asked())
    again = Asked()
    assert await ask(tmp_path / "run", again) == Ended(items=60, before=60)
    assert again.count == {}


async def test_a_failed_item_is_an_answer_and_is_asked_again_last(tmp_path: Path) -> None:
    first = Asked(lambda number: ModelBusy("busy") if number in (3, 7) else None)
    stop = asyncio.Event()

    def stop_soon(answer: Answer) -> None:
        if len(first.order) >= 30:
            stop.set()

    ended = await ask(tmp_path / "run", first, stop=stop, on_done=stop_soon)
    assert ended.interrupted
    assert not ended.complete
    assert ended.failed == 2
    assert ended.unasked == 60 - ended.asked
    errors = [answer.error for answer in read_answers(tmp_path / "run").values() if answer.error]
    assert errors == ["busy", "busy"]
    second = Asked()
    ended = await ask(tmp_path / "run", second)
    assert ended == Ended(items=60, before=len(first.order) - 2, asked=60 - len(first.order) + 2)
    assert second.order[-2:] == ["numbers//item-3", "numbers//item-7"]
    assert standing(tmp_path / "run").complete


async def test_what_is_raised_is_data_apart_from_what_ends_the_run(tmp_path: Path) -> None:
    found = await ask(tmp_path / "a", Asked(lambda number: KeyError("x") if number == 5 else None))
    assert (found.failed, found.unasked) == (1, 0)
    assert read_answers(tmp_path / "a")["numbers//item-5"].error == "KeyError: 'x'"
    for number, error in enumerate((ConfigurationError("no"), StorageError("full"))):

        def fails(_: int, error: BaseException = error) -> BaseException:
            return error

        with pytest.raises(type(error)):
            await ask(tmp_path / f"b{number}", Asked(fails))


async def test_a_budget_ends_it_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    ended = await ask(tmp_path / "run", Asked(lambda n: BudgetExhausted("spent") if n >= 40 else None))
    assert (ended.asked, ended.unasked, ended.why) == (40, 20, "spent")
    assert (await ask(tmp_path / "run", Asked())).asked == 20


async def test_an_item_that_takes_too_long_fails(tmp_path: Path) -> None:
    async def slow(item: Item) -> Answer:
        await asyncio.sleep(30 if item.id == "item-2" else 0)
        return Answer(reply="Yes.")

    ended = await ask(tmp_path / "run", slow, 5, seconds=0.05)
    assert ended.failed == 1
    assert read_answers(tmp_path / "run")["numbers//item-2"].error == "no answer within 0.05 seconds"


class TestMostFailed:
    async def test_a_dead_server_is_left_after_twenty_items(self, tmp_path: Path) -> None:
        dead = Asked(lambda number: ModelBusy("down"))
        ended = await ask(tmp_path / "run", dead, 500, most_failed=0.5)
        assert FEWEST <= ended.asked <= FEWEST + 4
        assert ended.failed == ended.asked
        assert ended.unasked == 500 - ended.asked
        assert "items finished now failed, the last one with: down" in ended.why
        assert not (tmp_path / "run" / "summary.json").exists()

    async def test_fewer_failures_than_that_end_nothing(self, tmp_path: Path) -> None:
        half = Asked(lambda number: ModelBusy("busy") if number % 2 else None)
        ended = await ask(tmp_path / "run", half, 200, most_failed=0.6)
        assert (ended.asked, ended.failed, ended.why) == (200, 100, "")

    async def test_without_it_everything_is_tried(self, tmp_path: Path) -> None:
        ended = await ask(tmp_path / "run", Asked(lambda number: ModelBusy("down")), 100)
        assert (ended.asked, ended.failed, ended.complete) == (100, 100, True)

    async def test_items_that_keep_failing_do_not_keep_a_run_from_its_end(self, tmp_path: Path) -> None:
        bad = Asked(lambda number: ModelBusy("busy") if number < 40 else None)
        await ask(tmp_path / "run", bad, 200)
        ended = await ask(tmp_path / "run", bad, 200, most_failed=0.5)
        assert ended.complete
        assert (ended.before, ended.failed) == (160, 40)
        assert read_run(tmp_path / "run", TASKS).summary.results[0].failed == 40


class TestItems:
    async def test_other_items_are_refused_with_the_difference(self, tmp_path: Path) -> None:
        await ask(tmp_path / "run", Asked(), 10)
        with opened(tmp_path / "run") as run:
            changed = [*items(10)[1:9], *items(12)[10:]]
            with pytest.raises(RunMismatch, match=r"2 new \(such as 'numbers//item-10'\), 2 gone") as caught:
                await answered(run, changed, Asked(), concurrency=1)
            assert "use another folder" in str(caught.value)
            with pytest.raises(RunMismatch, match="in another order"):
                await answered(run, items(10)[::-1], Asked(), concurrency=1)

    async def test_a_key_twice_is_refused_before_anything_is_asked(self, tmp_path: Path) -> None:
        asked = Asked()
        with opened(tmp_path / "run") as run, pytest.raises(DataError, match="occurs twice"):
            await answered(run, [*items(3), items(3)[0]], asked, concurrency=1)
        assert asked.count == {}
        assert not (tmp_path / "run" / "items.jsonl").exists()


class TestDerived:
    async def test_it_is_removed_before_an_answer_is_added(self, tmp_path: Path) -> None:
        path = tmp_path / "run"
        await ask(path, Asked(lambda number: ModelBusy("busy") if number == 3 else None))
        before = (path / "summary.json").read_bytes()
        seen = []

        async def look(item: Item) -> Answer:
            seen.append([(path / name).exists() for name in ("summary.json", "cases.jsonl")])
            return await Asked()(item)

        assert (await ask(path, look)).asked == 1
        assert seen == [[False, False]]
        assert (path / "summary.json").read_bytes() != before

    async def test_it_is_the_same_whatever_came_between(self, tmp_path: Path) -> None:
        await ask(tmp_path / "whole", Asked())
        for start in range(4):
            stop, broken = asyncio.Event(), Asked(partial(_at, start))
            await ask(tmp_path / "parts", broken, stop=stop, on_done=_after(10, stop))
        await ask(tmp_path / "parts", Asked())
        assert len(list(read_log(tmp_path / "parts" / "log.jsonl"))) > 60
        for name in ("items.jsonl", "cases.jsonl", "summary.json"):
            assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def _at(start: int, number: int) -> BaseException | None:
    return ModelBusy("busy") if number % 5 == start else None


def _after(count: int, stop: asyncio.Event) -> Callable[[Answer], None]:
    left = [count]

    def done(answer: Answer) -> None:
        left[0] -= 1
        if left[0] <= 0:
            stop.set()

    return done
