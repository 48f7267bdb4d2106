import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DataError, StorageError
from skillofmind.core.seams import Store
from skillofmind.run.batch import BatchOutcome, run_batch, stop_on_interrupt
from skillofmind.run.log import AppendLog, read_log
from tests.run.children import child


class Memory:
    """A store in memory."""

    def __init__(self, *keys: str) -> None:
        self.records: list[tuple[str, Any]] = [(key, None) for key in keys]

    def append(self, key: str, value: Any) -> None:
        self.records.append((key, value))

    def read(self) -> Iterator[tuple[str, Any]]:
        return iter(self.records)

    def has(self, key: str) -> bool:
        return key in dict(self.records)


def _items(count: int) -> list[tuple[str, int]]:
    return [(str(i), i) for i in range(count)]


async def _square(x: int) -> int:
    await asyncio.sleep(0)
    return x * x


async def test_every_result_is_kept_under_its_key() -> None:
    store = Memory()
    seen: list[tuple[str, int]] = []
    outcome = await run_batch(
        _items(20), _square, store, concurrency=3, on_done=lambda key, result: seen.append((key, result))
    )
    assert outcome == BatchOutcome(done=20)
    assert dict(store.records) == {str(i): i * i for i in range(20)}
    assert seen == store.records


async def test_what_the_store_holds_is_skipped() -> None:
    store = Memory("1", "3")
    outcome = await run_batch(_items(5), _square, store, concurrency=2)
    assert outcome == BatchOutcome(done=3, skipped=2)
    assert sorted(key for key, _ in store.records[2:]) == ["0", "2", "4"]


async def test_items_are_pulled_as_workers_are_free() -> None:
    pulled = running = most = 0

    def items() -> Iterator[tuple[str, int]]:
        nonlocal pulled
        for i in range(100):
            pulled += 1
            yield str(i), i

    async def work(x: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.0001 * (x % 3))
        assert pulled - len(store.records) <= 4
        running -= 1

    store = Memory()
    await run_batch(items(), work, store, concurrency=4)
    assert (most, len(store.records)) == (4, 100)


async def test_stop_finishes_what_was_started_and_nothing_else() -> None:
    stop = asyncio.Event()
    store = Memory()

    async def work(x: int) -> int:
        if x == 4:
            stop.set()
        await asyncio.sleep(0.01)
        return x

    outcome = await run_batch(_items(100), work, store, concurrency=5, stop=stop)
    assert outcome == BatchOutcome(done=5, stopped=True)
    assert sorted(key for key, _ in store.records) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("kind", [ConfigurationError, StorageError, ZeroDivisionError])
async def test_an_error_cancels_the_rest_and_keeps_what_finished(kind: type[Exception]) -> None:
    cancelled: list[int] = []

    async def work(x: int) -> int:
        if x == 3:
            await asyncio.sleep(0.01)
            raise kind("broken")
        try:
            await asyncio.sleep(60 if x == 4 else 0)
        except asyncio.CancelledError:
            cancelled.append(x)
            raise
        return x

    store = Memory()
    with pytest.raises(kind, match="broken") as caught:
        await run_batch(_items(5), work, store, concurrency=5)
    assert sorted(key for key, _ in store.records) == ["0", "1", "2"]
    assert cancelled == [4]
    assert caught.value.__context__ is None


async def test_an_exhausted_budget_keeps_the_calls_that_are_paid_for() -> None:
    async def work(x: int) -> int:
        if x >= 3:
            raise BudgetExhausted(f"no more for {x}")
        await asyncio.sleep(0.01)
        return x

    store = Memory()
    with pytest.raises(BudgetExhausted, match="no more for 3"):
        await run_batch(_items(50), work, store, concurrency=8)
    assert sorted(key for key, _ in store.records) == ["0", "1", "2"]


async def test_a_store_that_fails_ends_the_batch() -> None:
    class Full(Memory):
        def append(self, key: str, value: Any) -> None:
            if len(self.records) == 2:
                raise StorageError("full")
            super().append(key, value)

    store = Full()
    with pytest.raises(StorageError, match="full"):
        await run_batch(_items(50), _square, store, concurrency=3)
    assert len(store.records) == 2


@pytest.mark.parametrize("held", [(), ("1",)])
async def test_a_key_that_occurs_twice_is_never_worked_on_twice(held: tuple[str, ...]) -> None:
    worked: list[str] = []

    async def work(item: str) -> None:
        worked.append(item)

    items = [("0", "a"), ("1", "b"), ("2", "c"), ("1", "d"), ("3", "e")]
    with pytest.raises(DataError, match="the key '1' of item 4 occurs twice in the input, first as item 2"):
        await run_batch(items, work, Memory(*held), concurrency=1)
    assert worked == (["a", "c"] if held else ["a", "b", "c"])


async def test_cancelling_the_batch_keeps_what_finished() -> None:
    store = Memory()

    async def work(x: int) -> int:
        await asyncio.sleep(60 if x else 0)
        return x

    task = asyncio.create_task(run_batch(_items(5), work, store, concurrency=2))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.records == [("0", 0)]


async def test_concurrency_below_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="concurrency 0"):
        await run_batch(_items(1), _square, Memory(), concurrency=0)


async def test_no_items_are_no_work() -> None:
    assert await run_batch([], _square, Memory(), concurrency=3) == BatchOutcome()


async def test_work_that_never_waits_can_be_stopped() -> None:
    stop = asyncio.Event()

    async def work(x: int) -> int:
        return x

    asyncio.get_running_loop().call_later(0.01, stop.set)
    outcome = await run_batch(
        ((str(i), i) for i in range(10**9)), work, Forgetful(), concurrency=2, stop=stop
    )
    assert outcome.stopped
    assert outcome.done > 0


class Forgetful(Memory):
    """Forgets, so that it stays fast."""

    def append(self, key: str, value: Any) -> None:
        pass


@given(st.integers(0, 12), st.sets(st.integers(0, 11)), st.integers(1, 5))
def test_each_item_is_done_or_skipped_exactly_once(count: int, held: set[int], concurrency: int) -> None:
    store = Memory(*map(str, sorted(held)))
    outcome = asyncio.run(run_batch(_items(count), _square, store, concurrency=concurrency))
    expected = {i for i in range(count) if i not in held}
    assert outcome == BatchOutcome(done=len(expected), skipped=count - len(expected))
    assert sorted(int(key) for key, _ in store.records[len(held) :]) == sorted(expected)


async def test_a_real_ctrl_c_drains_and_keeps(tmp_path: Path) -> None:
    async def work(x: int) -> int:
        if x == 6:
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.01)
        return x

    before = signal.getsignal(signal.SIGINT)
    with AppendLog(tmp_path / "a.jsonl") as log, stop_on_interrupt() as stop:
        outcome = await run_batch(_items(1000), work, log, concurrency=4, stop=stop)
    assert outcome == BatchOutcome(done=8, stopped=True)
    assert sorted(int(key) for key, _ in read_log(tmp_path / "a.jsonl")) == list(range(8))
    assert signal.getsignal(signal.SIGINT) is before


async def test_a_second_ctrl_c_cancels() -> None:
    async def interrupted() -> None:
        with stop_on_interrupt():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(interrupted())


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen: list[bool] = []

    async def main() -> None:
        with stop_on_interrupt() as stop:
            seen.append(stop.is_set())

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    thread.join()
    assert seen == [False]


_INTERRUPTED = """
import asyncio, os, sys
from pathlib import Path
from skillofmind.run.batch import run_batch, stop_on_interrupt
from skillofmind.run.log import AppendLog

async def work(x):
    os.write(1, b"%d\\n" % x)
    await asyncio.sleep(0.05)
    return x

async def main():
    with AppendLog(Path(sys.argv[1])) as log, stop_on_interrupt() as stop:
        items = ((str(i), i) for i in range(10**6))
        outcome = await run_batch(items, work, log, concurrency=4, stop=stop)
    sys.exit(40 + outcome.stopped)

asyncio.run(main())
"""


def test_a_process_drains_on_ctrl_c_and_resumes_without_doing_anything_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for _ in range(2):
        with child(_INTERRUPTED, path) as (process, output):
            started = {int(output.readline()) for _ in range(6)}
            process.send_signal(signal.SIGINT)
            started |= set(map(int, output.read().split()))
            assert process.wait() == 41
        keys = [int(key) for key, _ in read_log(path)]
        assert started <= set(keys)
        assert sorted(keys) == list(range(len(keys)))


def test_an_append_log_is_a_store(tmp_path: Path) -> None:
    store: Store = AppendLog(tmp_path / "a.jsonl")
    outcome = asyncio.run(run_batch(_items(3), _square, store, concurrency=1))
    assert outcome.done == 3
    assert isinstance(store, AppendLog)
    store.close()
