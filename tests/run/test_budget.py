import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DeadlineExceeded
from skillofmind.run.budget import Limits, Meter, Prices, Spent


def test_calls_in_flight_count_against_the_limit() -> None:
    meter = Meter(Limits(calls=2))
    meter.admit()
    meter.admit()
    with pytest.raises(BudgetExhausted, match=r"limit of 2 calls is reached \(2 spent or in flight\)"):
        meter.admit()
    meter.record(Usage())
    assert (meter.in_flight, meter.spent.calls) == (1, 1)
    with pytest.raises(BudgetExhausted):
        meter.admit()


@given(st.integers(0, 5), st.lists(st.sampled_from(["admit", "record", "cached"]), max_size=40))
def test_the_limit_of_calls_is_never_passed(limit: int, steps: list[str]) -> None:
    meter = Meter(Limits(calls=limit))
    for step in steps:
        if step == "admit":
            try:
                meter.admit()
            except BudgetExhausted:
                assert meter.spent.calls + meter.in_flight == limit
        elif meter.in_flight:
            meter.record(Usage(), cached=step == "cached")
        assert meter.spent.calls + meter.in_flight <= limit


def test_tokens_stop_the_next_call() -> None:
    meter = Meter(Limits(tokens=10))
    meter.admit()
    meter.record(Usage(6, 4))
    with pytest.raises(BudgetExhausted, match="10 tokens"):
        meter.admit()


def test_money_follows_the_prices() -> None:
    meter = Meter(Limits(money=3.5), Prices(prompt=1.0, completion=2.5))
    meter.admit()
    meter.record(Usage(1_000_000, 999_999))
    meter.admit()
    meter.record(Usage(0, 1))
    assert meter.spent.money == pytest.approx(3.5)
    with pytest.raises(BudgetExhausted, match=r"3\.5 money"):
        meter.admit()


def test_cached_calls_cost_nothing() -> None:
    meter = Meter(Limits(calls=1, tokens=1), clock=lambda: 0.0)
    meter.admit()
    meter.record(Usage(5, 5), cached=True)
    meter.admit()
    assert meter.spent == Spent(calls=0, cached=1)


def test_time_ends_with_deadline_exceeded() -> None:
    now = [100.0]
    meter = Meter(Limits(seconds=5), clock=lambda: now[0])
    assert meter.remaining_seconds() == 5
    now[0] = 104.0
    meter.admit()
    assert meter.remaining_seconds() == 1
    now[0] = 105.0
    with pytest.raises(DeadlineExceeded, match="5 seconds"):
        meter.admit()
    now[0] = 200.0
    assert meter.remaining_seconds() == 0
    assert meter.spent.seconds == 100


def test_without_limits_everything_is_admitted() -> None:
    meter = Meter()
    for _ in range(100):
        meter.admit()
    assert meter.remaining_seconds() is None


def test_an_earlier_part_of_the_run_counts() -> None:
    before = Spent(calls=2, usage=Usage(1, 2), money=0.5, seconds=3.0, cached=4)
    meter = Meter(Limits(calls=3, seconds=4), before=before, clock=lambda: 0.0)
    assert meter.spent == before
    assert meter.remaining_seconds() == 1
    meter.admit()
    with pytest.raises(BudgetExhausted):
        meter.admit()


def test_wrong_limits_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="tokens=-1"):
        Meter(Limits(tokens=-1))
    with pytest.raises(ConfigurationError, match="needs prices"):
        Meter(Limits(money=1.0))
