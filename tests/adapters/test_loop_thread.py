import asyncio
import os
import threading

import pytest

from skillofmind.adapters.loop_thread import wait_for


async def where() -> tuple[str, int]:
    return threading.current_thread().name, id(asyncio.get_running_loop())


def test_all_coroutines_run_in_one_loop_of_their_own_thread() -> None:
    assert wait_for(where(), None) == wait_for(where(), 5)
    assert wait_for(where(), None)[0] == f"skillofmind-{os.getpid()}"


async def test_it_waits_inside_a_running_loop_too() -> None:
    assert wait_for(where(), 5)[1] != id(asyncio.get_running_loop())


def test_what_is_too_slow_is_cancelled() -> None:
    cancelled = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        wait_for(slow(), 0.01)
    assert cancelled.wait(5)


def test_an_error_comes_through() -> None:
    async def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        wait_for(fails(), 5)


def test_a_forked_child_starts_its_own() -> None:
    wait_for(where(), 5)
    child = os.fork()
    if child == 0:
        os._exit(0 if wait_for(where(), 5)[0] == f"skillofmind-{os.getpid()}" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
