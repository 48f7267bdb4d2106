"""How many calls to have in flight: found by trying, as TCP finds its window.

The rule is a pure function of a `Window`, an event and the time:

- *slow start*: after each clean round (as many successes as the window is wide) the window doubles, until
  it meets `threshold` or the ceiling;
- then each clean round adds one;
- only successes at 80 % use or more count, since an idle window proves nothing;
- a limit signal (429, overload) counts for what it is among others: `pressure` is its exponentially
  weighted share of about the last 16 outcomes. Up to 25 % it is stray, as busy servers refuse a call now
  and then: that call waits and is tried again, and nothing else changes. When everything is refused, the
  fifth signal passes 25 %;
- a limit signal that finds more cuts the window once, x 0.5 in slow start and x 0.8 later, and begins an
  *episode* of 15 seconds, or longer where the server says so; further signals of the episode come from
  calls sent before the cut and count for the pressure alone, and nothing grows until it is over.

`Gate` applies the rule to running calls, and lets nothing in for as long as the server asks, where a limit
signal comes under such pressure.

    >>> window = Window(size=4, ceiling=64)
    >>> for _ in range(5):
    ...     window = advance(window, Limited(retry_after=None), now=0.0)
    >>> window.size, window.is_pressed
    (2, True)
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record

EPISODE_SECONDS = 15.0
_SATURATED = 0.8
_CUT_SLOW_START = 0.5
_CUT = 0.8
# With a weight of 1/16, 5 % of stray signals pass 20 % by chance every 2,000 calls, and 25 % hardly ever.
_STRAY_SHARE = 0.25
_PRESSURE_WEIGHT = 1 / 16


class Window(Record, frozen=True):
    """State of the rule.

    Attributes:
        size: calls that may be in flight.
        ceiling: largest size.
        floor: smallest size, at least 1.
        slow_start: doubling, not yet adding one.
        threshold: size at which slow start ends.
        cool_until: time at which the episode of the last cut ends.
        successes: successes that count, in this round.
        pressure: share of limit signals among about the last 16 outcomes, 0 to 1.
    """

    size: int
    ceiling: int
    floor: int = 1
    slow_start: bool = True
    threshold: int = 1 << 30
    cool_until: float = 0.0
    successes: int = 0
    pressure: float = 0.0

    @property
    def is_pressed(self) -> bool:
        """Whether limit signals are more than stray."""
        return self.pressure > _STRAY_SHARE


class Succeeded(Record, frozen=True):
    """A call succeeded while `in_flight` calls were under way, itself included."""

    in_flight: int


class Limited(Record, frozen=True):
    """The server asked for less; `retry_after` in seconds where it said so."""

    retry_after: float | None = None


Event = Succeeded | Limited


def advance(window: Window, event: Event, now: float) -> Window:
    """Return the window after `event` at time `now` (monotonic seconds)."""
    window = _weighed(window, event)
    if now < window.cool_until:
        return window
    if isinstance(event, Limited):
        return _cut(window, event, now) if window.is_pressed else window
    if event.in_flight < _SATURATED * window.size:
        return window
    if window.successes + 1 < window.size:
        return msgspec.structs.replace(window, successes=window.successes + 1)
    return _grow(window)


def _weighed(window: Window, event: Event) -> Window:
    change = isinstance(event, Limited) - window.pressure
    return msgspec.structs.replace(window, pressure=window.pressure + _PRESSURE_WEIGHT * change)


def _cut(window: Window, event: Limited, now: float) -> Window:
    factor = _CUT_SLOW_START if window.slow_start else _CUT
    size = max(window.floor, int(window.size * factor))
    return msgspec.structs.replace(
        window,
        size=size,
        slow_start=False,
        threshold=size,
        cool_until=now + max(EPISODE_SECONDS, event.retry_after or 0.0),
        successes=0,
    )


def _grow(window: Window) -> Window:
    end = min(window.threshold, window.ceiling)
    wanted = min(2 * window.size, end) if window.slow_start else window.size + 1
    return msgspec.structs.replace(
        window,
        size=min(window.ceiling, max(window.size, wanted)),
        slow_start=window.slow_start and wanted < end,
        successes=0,
    )


class Gate:
    """Lets calls through, first come first served, as many at once as the window allows.

    Attributes:
        window: current state of the rule.
        in_flight: slots that are taken.
    """

    def __init__(
        self, ceiling: int, *, start: int = 4, floor: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open the gate.

        Args:
            ceiling: most calls at once.
            start: calls at once in the beginning; never above `ceiling`.
            floor: fewest calls at once.
            clock: monotonic seconds.

        Raises:
            ConfigurationError: not 1 <= floor <= ceiling, or start < 1.
        """
        if not 1 <= floor <= ceiling or start < 1:
            raise ConfigurationError(
                f"a gate needs 1 <= floor <= ceiling and start >= 1, not {floor=!r}, {ceiling=!r}, {start=!r}"
            )
        self.window = Window(size=min(max(start, floor), ceiling), ceiling=ceiling, floor=floor)
        self.in_flight = 0
        self._clock = clock
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one slot for the length of the block; waits until there is one."""
        await self._take()
        try:
            yield
        finally:
            self._give_back()

    def succeeded(self) -> None:
        """Say that a call succeeded; to be called inside its slot."""
        self.window = advance(self.window, Succeeded(self.in_flight), self._clock())

    def limited(self, retry_after: float | None = None) -> None:
        """Say that the server asked for less.

        Where such signals are more than stray, nothing new starts for `retry_after` seconds.
        """
        now = self._clock()
        self.window = advance(self.window, Limited(retry_after), now)
        if self.window.is_pressed:
            self._closed_until = max(self._closed_until, now + (retry_after or 0.0))

    async def _take(self) -> None:
        if not self._waiting and self._is_open():
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The slot was handed over in the moment of the cancellation: pass it on.
                self._give_back()
            else:
                self._forget(turn)
            raise

    def _forget(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        if not self._waiting and self._timer is not None:
            # A timer may not outlive its event loop: the gate would wait for it in the next one.
            self._timer.cancel()
            self._timer = None

    def _give_back(self) -> None:
        self.in_flight -= 1
        self._let_in()

    def _is_open(self) -> bool:
        return self.in_flight < self.window.size and self._clock() >= self._closed_until

    def _let_in(self) -> None:
        while self._waiting and self._is_open():
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
        if self._waiting and self._timer is None:
            self._wake_later()

    def _wake_later(self) -> None:
        wait = self._closed_until - self._clock()
        if wait > 0:
            self._timer = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._let_in()
