"""Limits on calls, tokens, money and time, checked before each call.

A `Meter` counts calls in flight together with finished ones, so a limit of B calls is never passed,
however many run at once. Tokens and money are known only after a call: those limits stop the next call
and can be overshot by what was in flight.

    >>> meter = Meter(Limits(calls=1), clock=lambda: 0.0)
    >>> meter.admit()
    >>> meter.record(Usage(prompt_tokens=10))
    >>> meter.spent.calls, meter.spent.tokens
    (1, 10)
"""

import time
from collections.abc import Callable

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DeadlineExceeded
from skillofmind.core.record import Record


class Limits(Record, frozen=True):
    """The most that may be spent; `None` is no limit.

    Attributes:
        calls: model calls, failed ones included.
        tokens: tokens in plus tokens out.
        money: in the currency of the prices.
        seconds: wall time from the making of the meter.
    """

    calls: int | None = None
    tokens: int | None = None
    money: float | None = None
    seconds: float | None = None


NO_LIMITS = Limits()


class Prices(Record, frozen=True):
    """Price of a million tokens in (`prompt`) and out (`completion`), in any one currency."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, usage: Usage) -> float:
        """Return the price of `usage`."""
        return (usage.prompt_tokens * self.prompt + usage.completion_tokens * self.completion) / 1e6


class Spent(Record, frozen=True):
    """What was spent so far.

    Attributes:
        calls: finished calls, failed ones included, cached ones not.
        usage: tokens of those calls.
        money: their price; 0 without prices.
        seconds: wall time.
        cached: calls that the cache answered.
    """

    calls: int = 0
    usage: Usage = Usage()
    money: float = 0.0
    seconds: float = 0.0
    cached: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in plus tokens out."""
        return self.usage.total_tokens


class Meter:
    """Counts what is spent and refuses what would go beyond the limits."""

    def __init__(
        self,
        limits: Limits = NO_LIMITS,
        prices: Prices | None = None,
        *,
        before: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting.

        Args:
            limits: the most that may be spent, `before` included.
            prices: needed for a limit on money.
            before: what an earlier part of the same run spent.
            clock: monotonic seconds.

        Raises:
            ConfigurationError: a limit is negative, or money is limited without prices.
        """
        _check(limits, prices)
        self.limits = limits
        self._prices = prices or Prices()
        self._clock = clock
        earlier = before or Spent()
        self._start = clock() - earlier.seconds
        self._calls = earlier.calls
        self._usage = earlier.usage
        self._cached = earlier.cached
        self._money = earlier.money
        self._in_flight = 0

    @property
    def spent(self) -> Spent:
        """What was spent up to now."""
        return Spent(
            calls=self._calls,
            usage=self._usage,
            money=self._money,
            seconds=self._clock() - self._start,
            cached=self._cached,
        )

    @property
    def in_flight(self) -> int:
        """Calls that were admitted and not yet recorded."""
        return self._in_flight

    def admit(self) -> None:
        """Let one call begin; `record` must follow, whether it succeeds or not.

        Raises:
            BudgetExhausted: the calls, tokens or money are used up.
            DeadlineExceeded: the time is over.
        """
        limits = self.limits
        if limits.seconds is not None and self._clock() - self._start >= limits.seconds:
            raise DeadlineExceeded(f"the limit of {limits.seconds:g} seconds is reached; raise it to go on")
        _refuse_above("calls", self._calls + self._in_flight, limits.calls)
        _refuse_above("tokens", self._usage.total_tokens, limits.tokens)
        _refuse_above("money", self._money, limits.money)
        self._in_flight += 1

    def record(self, usage: Usage, cached: bool = False) -> None:
        """End one admitted call; a failed one has the usage that is known, often none.

        Args:
            usage: tokens of the call.
            cached: the cache answered; nothing is counted as spent.
        """
        self._in_flight -= 1
        if cached:
            self._cached += 1
            return
        self._calls += 1
        self._usage += usage
        self._money += self._prices.cost(usage)

    def remaining_seconds(self) -> float | None:
        """Return the seconds left, at least 0; `None` without a limit."""
        if self.limits.seconds is None:
            return None
        return max(0.0, self.limits.seconds - (self._clock() - self._start))


def _refuse_above(name: str, spent: float, limit: float | None) -> None:
    if limit is not None and spent >= limit:
        raise BudgetExhausted(
            f"the limit of {limit:g} {name} is reached ({spent:g} spent or in flight); "
            "resume with a larger one"
        )


def _check(limits: Limits, prices: Prices | None) -> None:
    for name, value in msgspec.structs.asdict(limits).items():
        if value is not None and value < 0:
            raise ConfigurationError(f"limit {name}={value!r} is negative; use 0 or more, or leave it out")
    if limits.money is not None and prices is None:
        raise ConfigurationError(f"a limit of money={limits.money!r} needs prices; give them or leave it out")
