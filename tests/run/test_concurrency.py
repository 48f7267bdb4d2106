import asyncio
import time
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import ConfigurationError
from skillofmind.run.concurrency import EPISODE_SECONDS, Gate, Limited, Succeeded, Window, advance
from tests.models.virtual_time import now, run_virtually

_EVENTS = st.one_of(
    st.builds(Succeeded, st.integers(0, 200)), st.builds(Limited, st.none() | st.floats(0, 60))
)
_TIMED = st.lists(st.tuples(st.floats(0, 5), _EVENTS), max_size=80)


def _limit(window: Window, now: float) -> Window:
    """Refuse as many calls as it takes for the signals not to be stray."""
    for _ in range(5):
        window = advance(window, Limited(), now)
    return window


def _round(window: Window, now: float) -> Window:
    for _ in range(window.size):
        window = advance(window, Succeeded(window.size), now)
    return window


def test_slow_start_doubles_each_clean_round() -> None:
    window = Window(size=1, ceiling=20)
    sizes = []
    for _ in range(6):
        window = _round(window, 0.0)
        sizes.append(window.size)
    assert sizes == [2, 4, 8, 16, 20, 20]


def test_after_a_cut_each_clean_round_adds_one() -> None:
    window = _limit(Window(size=16, ceiling=64), 0.0)
    assert (window.size, window.slow_start, window.threshold) == (8, False, 8)
    window = _round(_round(window, 15.0), 15.0)
    assert window.size == 10
    assert _limit(window, 16.0).size == 8


def test_slow_start_ends_at_the_ceiling() -> None:
    window = _round(_round(Window(size=16, ceiling=64), 0.0), 0.0)
    assert (window.size, window.slow_start) == (64, False)
    assert _limit(window, 0.0).size == 51


def test_slow_start_ends_at_the_threshold() -> None:
    window = _round(Window(size=4, ceiling=64, threshold=6), 0.0)
    assert (window.size, window.slow_start) == (6, False)
    assert _round(window, 0.0).size == 7


def test_an_idle_window_does_not_grow() -> None:
    window = Window(size=10, ceiling=64)
    for _ in range(100):
        window = advance(window, Succeeded(7), 0.0)
    assert window.size == 10
    for _ in range(10):
        window = advance(window, Succeeded(8), 0.0)
    assert window.size == 20


def test_a_cut_ends_the_round() -> None:
    window = Window(size=8, ceiling=64)
    for _ in range(7):
        window = advance(window, Succeeded(8), 0.0)
    window = _limit(window, 0.0)
    assert (window.size, window.successes) == (4, 0)


def test_a_stray_limit_neither_cuts_nor_grows() -> None:
    window = Window(size=8, ceiling=64)
    for _ in range(7):
        window = advance(window, Succeeded(8), 0.0)
    stray = advance(window, Limited(30.0), 0.0)
    assert stray == msgspec.structs.replace(window, pressure=1 / 16)
    assert advance(stray, Succeeded(8), 0.0).size == 16


def test_the_fifth_signal_in_a_row_cuts() -> None:
    window = Window(size=64, ceiling=64)
    sizes = []
    for _ in range(6):
        window = advance(window, Limited(), 0.0)
        sizes.append(window.size)
    assert sizes == [64, 64, 64, 64, 32, 32]


def test_successes_make_signals_stray_again() -> None:
    window = _limit(Window(size=64, ceiling=64), 0.0)
    assert window.is_pressed
    window = advance(advance(window, Succeeded(32), 20.0), Succeeded(32), 20.0)
    assert not window.is_pressed
    assert advance(window, Succeeded(32), 20.0).pressure < window.pressure


@pytest.mark.parametrize("seed", range(5))
def test_a_few_stray_limits_leave_the_window_wide(seed: int) -> None:
    random = Random(seed)
    window = Window(size=4, ceiling=64)
    sizes = []
    now = 0.0
    for _ in range(5000):
        now += 1.0 / window.size
        event = Limited(1.0) if random.random() < 0.05 else Succeeded(window.size)
        window = advance(window, event, now)
        sizes.append(window.size)
    assert sum(sizes) / len(sizes) >= 48


@given(st.integers(1, 100), _TIMED)
def test_the_size_stays_between_floor_and_ceiling(
    size: int, events: list[tuple[float, Succeeded | Limited]]
) -> None:
    window = Window(size=max(size, 3), floor=3, ceiling=100)
    now = 0.0
    for wait, event in events:
        now += wait
        window = advance(window, event, now)
        assert 3 <= window.size <= 100


@given(_TIMED)
def test_an_episode_has_one_cut_and_no_growth(events: list[tuple[float, Succeeded | Limited]]) -> None:
    window = Window(size=50, ceiling=100)
    now = 0.0
    last_cut = -EPISODE_SECONDS
    for wait, event in events:
        now += wait
        before, window = window, advance(window, event, now)
        if window.cool_until != before.cool_until:
            assert isinstance(event, Limited)
            assert window.pressure > 0.25
            assert now - last_cut >= EPISODE_SECONDS
            assert window.cool_until == now + max(EPISODE_SECONDS, event.retry_after or 0.0)
            last_cut = now
        elif now < before.cool_until:
            assert window == msgspec.structs.replace(before, pressure=window.pressure)
        else:
            assert window.size >= before.size


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 128), st.integers(0, 1000))
def test_it_settles_near_the_capacity_of_a_limiter(capacity: int, start: int, seed: int) -> None:
    random = Random(seed)
    window = Window(size=start, ceiling=128)
    sizes = []
    for second in range(400):
        refused = max(0, window.size - capacity)
        events = [Limited()] * refused + [Succeeded(window.size)] * (window.size - refused)
        random.shuffle(events)
        for event in events:
            window = advance(window, event, float(second))
        sizes.append(window.size)
    # A quarter of the calls may be refused before it counts, and chance and a round add to it.
    assert all(0.8 * capacity - 1 <= size <= 4 / 3 * capacity + 4 for size in sizes[200:])


def test_the_state_is_a_plain_record() -> None:
    window = Window(size=3, ceiling=9)
    assert msgspec.json.decode(msgspec.json.encode(window), type=Window) == window


def _close(gate: Gate, seconds: float) -> None:
    for _ in range(5):
        gate.limited(seconds)


async def _hold(gate: Gate, order: list[int], number: int, release: asyncio.Event) -> None:
    async with gate.slot():
        order.append(number)
        await release.wait()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_gate_lets_in_as_many_as_the_window_in_order() -> None:
    gate = Gate(2, start=2)
    order: list[int] = []
    releases = [asyncio.Event() for _ in range(5)]
    tasks = [asyncio.create_task(_hold(gate, order, i, releases[i])) for i in range(5)]
    await _settle()
    assert (order, gate.in_flight) == ([0, 1], 2)
    releases[1].set()
    await _settle()
    assert (order, gate.in_flight) == ([0, 1, 2], 2)
    for release in releases:
        release.set()
    await asyncio.gather(*tasks)
    assert (order, gate.in_flight) == ([0, 1, 2, 3, 4], 0)


async def test_a_newcomer_does_not_overtake_the_waiting() -> None:
    now = 0.0
    gate = Gate(1, clock=lambda: now)
    _close(gate, 100.0)
    order: list[int] = []
    release = asyncio.Event()
    release.set()
    first = asyncio.create_task(_hold(gate, order, 1, release))
    await _settle()
    assert order == []
    # The pause is over, but the first one has not been woken yet.
    now = 200.0
    await _hold(gate, order, 2, release)
    await first
    assert order == [1, 2]


async def test_a_cancelled_waiter_leaves_the_line() -> None:
    gate = Gate(1)
    order: list[int] = []
    release = asyncio.Event()
    tasks = [asyncio.create_task(_hold(gate, order, i, release)) for i in range(3)]
    await _settle()
    tasks[1].cancel()
    await _settle()
    release.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (order, gate.in_flight) == ([0, 2], 0)


async def test_a_slot_handed_to_a_cancelled_waiter_is_not_lost() -> None:
    gate = Gate(1)
    order: list[int] = []
    releases = [asyncio.Event() for _ in range(3)]
    releases[2].set()
    tasks = [asyncio.create_task(_hold(gate, order, i, releases[i])) for i in range(3)]
    await _settle()
    releases[0].set()
    await asyncio.sleep(0)
    # The first task gave its slot to the second, which has not run since.
    assert gate.in_flight == 1
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (order, gate.in_flight) == ([0, 2], 0)


async def test_a_failing_or_cancelled_holder_gives_its_slot_back() -> None:
    gate = Gate(1)
    with pytest.raises(ZeroDivisionError):
        async with gate.slot():
            raise ZeroDivisionError
    holder = asyncio.create_task(_hold(gate, [], 0, asyncio.Event()))
    await _settle()
    holder.cancel()
    await asyncio.gather(holder, return_exceptions=True)
    assert gate.in_flight == 0


async def test_nothing_starts_before_retry_after_has_passed() -> None:
    gate = Gate(8)
    _close(gate, 0.05)
    begun = time.monotonic()
    async with gate.slot():
        assert time.monotonic() - begun >= 0.045
    assert gate.window.size == 2


async def test_a_stray_limit_holds_nobody_back() -> None:
    gate = Gate(8)
    for _ in range(4):
        gate.limited(60.0)
    async with asyncio.timeout(1.0), gate.slot():
        assert gate.window.size == 4
    gate.limited(60.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), gate.slot():
            pass


class Crowded:
    """A server with so many places; who finds none is refused after a moment."""

    def __init__(self, places: int, retry_after: float | None) -> None:
        self.places = places
        self.retry_after = retry_after
        self.served: list[float] = []
        self.refused: list[float] = []
        self.busy = 0

    async def call(self, gate: Gate, seconds: float) -> bool:
        async with gate.slot():
            if self.busy == self.places:
                await asyncio.sleep(0.05)
                gate.limited(self.retry_after)
                self.refused.append(now())
                return False
            self.busy += 1
            await asyncio.sleep(seconds)
            self.busy -= 1
            gate.succeeded()
            self.served.append(now())
            return True


async def _crowd(server: Crowded, gate: Gate, seconds: float) -> list[int]:
    random = Random(5)

    async def work() -> None:
        while True:
            while not await server.call(gate, random.uniform(0.5, 1.5)):
                await asyncio.sleep(random.random() + (server.retry_after or 0.0))

    workers = [asyncio.create_task(work()) for _ in range(96)]
    sizes = []
    while now() < seconds:
        await asyncio.sleep(1.0)
        sizes.append(gate.window.size)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)
    return sizes


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_it_settles_below_a_hard_limit_with_few_calls_refused(retry_after: float | None) -> None:
    server = Crowded(32, retry_after)

    async def main() -> list[int]:
        return await _crowd(server, Gate(64, clock=now), 600)

    sizes = run_virtually(main())[120:]
    assert 26 <= sum(sizes) / len(sizes) <= 33
    assert min(sizes) >= 25
    assert max(sizes) <= 40
    served, refused = (sum(time > 120 for time in times) for times in (server.served, server.refused))
    assert refused / (served + refused) < 0.05
    assert served / 480 >= 0.8 * 32


def test_a_gate_serves_one_event_loop_after_another() -> None:
    gate = Gate(8)
    _close(gate, 0.1)

    async def enter() -> None:
        async with gate.slot():
            pass

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(enter(), 0.01)

    asyncio.run(give_up())
    asyncio.run(asyncio.wait_for(enter(), 1.0))
    assert gate.in_flight == 0


async def test_success_widens_the_gate() -> None:
    gate = Gate(4, start=1)
    for size in (2, 2, 2):
        async with gate.slot():
            gate.succeeded()
        assert gate.window.size == size


async def test_many_callers_never_pass_the_window() -> None:
    gate = Gate(7, start=7)
    most = 0

    async def call(i: int) -> None:
        nonlocal most
        async with gate.slot():
            most = max(most, gate.in_flight)
            await asyncio.sleep(0.0001 * (i % 3))
            gate.succeeded()

    await asyncio.gather(*(call(i) for i in range(300)))
    assert (most, gate.in_flight) == (7, 0)


@pytest.mark.parametrize(("ceiling", "start", "floor"), [(0, 1, 1), (4, 0, 1), (4, 1, 5), (4, 1, 0)])
def test_impossible_gates_are_refused(ceiling: int, start: int, floor: int) -> None:
    with pytest.raises(ConfigurationError, match="1 <= floor <= ceiling"):
        Gate(ceiling, start=start, floor=floor)
