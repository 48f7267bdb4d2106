"""Limits on calls, tokens, money and time, checked before each call.

A `Meter` counts calls in flight together with finished ones, so a limit of B calls is never passed,
however many run at once. Tokens and money are known only after a call: those limits stop the next call
and can be overshot by what was in flight. Several models with prices of their own share one meter: each
call is recorded with the prices of its model, which `load_prices` reads from a file of the user:

    currency = "USD"

    ["teacher-large"]
    prompt = 2.5        # for a million tokens
    completion = 10.0
    batch = 0.5         # factor for calls by way of the Batch API; 1 where it is left out

    >>> meter = Meter(Limits(calls=1), clock=lambda: 0.0)
    >>> meter.admit()
    >>> meter.record(Usage(prompt_tokens=10))
    >>> meter.spent.calls, meter.spent.tokens
    (1, 10)
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DataError, DeadlineExceeded
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


class ModelPrices(Record, frozen=True):
    """One table of a price file.

    Attributes:
        prompt: price of a million tokens in.
        completion: price of a million tokens out.
        batch: factor for calls by way of the Batch API.
    """

    prompt: float
    completion: float
    batch: float = 1.0


class PriceTable(Record, frozen=True):
    """What models cost.

    Attributes:
        currency: of all prices.
        models: prices by the name of the model.
    """

    currency: str
    models: dict[str, ModelPrices]

    def of(self, model: str, batch: bool = False) -> Prices:
        """Return the prices of one model; with `batch` those of the Batch API.

        Raises:
            ConfigurationError: the table does not have the model.
        """
        found = self.models.get(model)
        if found is None:
            raise ConfigurationError(_no_price(model, self.models))
        factor = found.batch if batch else 1.0
        return Prices(prompt=found.prompt * factor, completion=found.completion * factor)


def load_prices(path: Path) -> PriceTable:
    """Read a price file in TOML: a `currency`, and a table for each model.

    Raises:
        DataError: there is no such file, or it is not a price file; names the file and the key.
    """
    content = _read_toml(path)
    currency = content.pop("currency", None)
    if not isinstance(currency, str) or not currency:
        raise DataError(
            f'{str(path)!r} has currency={currency!r}; begin it with a line like currency = "USD"'
        )
    if not content:
        raise DataError(f"{str(path)!r} has no prices; add a table for each model")
    return PriceTable(currency, {name: _model_prices(path, name, content[name]) for name in content})


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}; name a price file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{str(path)!r} is not a TOML file in UTF-8: {error}") from error


def _model_prices(path: Path, name: str, table: Any) -> ModelPrices:
    if not isinstance(table, dict):
        raise DataError(
            f"{str(path)!r} has the unknown key {name!r}; apart from currency it holds a table for each model"
        )
    known = ModelPrices.__struct_fields__
    for key in table:
        if key not in known:
            raise DataError(
                f"{str(path)!r} has the unknown key {key!r} for model {name!r}; known are {', '.join(known)} "
                "(and a model name with a dot needs quotes)"
            )
    try:
        prices = msgspec.convert(table, ModelPrices)
    except msgspec.ValidationError as error:
        raise DataError(f"{str(path)!r} has wrong prices for model {name!r}: {error}") from error
    for key, value in msgspec.structs.asdict(prices).items():
        if not 0 <= value < math.inf:
            raise DataError(
                f"{str(path)!r} has {key}={value!r} for model {name!r}; use a number of 0 or more"
            )
    return prices


def _no_price(model: str, known: dict[str, ModelPrices]) -> str:
    import difflib

    near = difflib.get_close_matches(model, known, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no price for model {model!r}; {hint}known are {', '.join(map(repr, known))}"


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
        prices: Prices | Literal["per call"] | None = None,
        *,
        before: Spent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting.

        Args:
            limits: the most that may be spent, `before` included.
            prices: of calls that are recorded without any; `per call` means that each brings its own.
                A limit on money needs one or the other.
            before: what an earlier part of the same run spent.
            clock: monotonic seconds.

        Raises:
            ConfigurationError: a limit is negative, or money is limited without prices.
        """
        _check(limits, prices)
        self.limits = limits
        self._prices = prices
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

    @property
    def needs_prices(self) -> bool:
        """Whether each call has to bring its prices."""
        return self._prices == "per call"

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

    def carry(self, spent: Spent) -> None:
        """Add what was spent elsewhere: by an earlier part of the run, or by a job that a provider did.

        Its seconds do not count against the limit.
        """
        self._calls += spent.calls
        self._usage += spent.usage
        self._money += spent.money
        self._cached += spent.cached

    def record(self, usage: Usage, cached: bool = False, prices: Prices | None = None) -> None:
        """End one admitted call; a failed one has the usage that is known, often none.

        Args:
            usage: tokens of the call.
            cached: the cache answered; nothing is counted as spent.
            prices: of this call; the meter's own where there are none.

        Raises:
            ConfigurationError: the meter needs prices with each call and got none; the call was counted
                without its price.
        """
        self._in_flight -= 1
        if cached:
            self._cached += 1
            return
        self._calls += 1
        self._usage += usage
        self._money += self._prices_of_call(prices).cost(usage)

    def _prices_of_call(self, prices: Prices | None) -> Prices:
        if prices is not None:
            return prices
        if self._prices == "per call":
            raise ConfigurationError("this meter has no prices of its own; give them with each call")
        return self._prices or Prices()

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


def _check(limits: Limits, prices: Prices | Literal["per call"] | None) -> None:
    for name, value in msgspec.structs.asdict(limits).items():
        if value is not None and value < 0:
            raise ConfigurationError(f"limit {name}={value!r} is negative; use 0 or more, or leave it out")
    if limits.money is not None and prices is None:
        raise ConfigurationError(f"a limit of money={limits.money!r} needs prices; give them or leave it out")
