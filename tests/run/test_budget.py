from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.core.errors import BudgetExhausted, ConfigurationError, DataError, DeadlineExceeded
from skillofmind.run.budget import Limits, Meter, ModelPrices, Prices, PriceTable, Spent, load_prices


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


def test_prices_of_a_call_go_before_those_of_the_meter() -> None:
    meter = Meter(prices=Prices(prompt=1.0))
    meter.admit()
    meter.record(Usage(1_000_000, 0))
    meter.admit()
    meter.record(Usage(1_000_000, 0), prices=Prices(prompt=5.0))
    assert meter.spent.money == pytest.approx(6.0)


def test_a_meter_can_ask_for_prices_with_each_call() -> None:
    meter = Meter(Limits(money=1.0), "per call")
    assert meter.needs_prices
    meter.admit()
    meter.record(Usage(1, 1), cached=True)
    meter.admit()
    with pytest.raises(ConfigurationError, match="give them with each call"):
        meter.record(Usage(1, 1))
    assert (meter.in_flight, meter.spent.calls, meter.spent.cached) == (0, 1, 1)
    meter.admit()
    meter.record(Usage(1_000_000, 0), prices=Prices(prompt=1.0))
    with pytest.raises(BudgetExhausted):
        meter.admit()
    assert not Meter().needs_prices


def _prices(folder: Path, text: str) -> PriceTable:
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return load_prices(path)


_WHOLE = """
currency = "EUR"

["org/teacher-1.5"]
prompt = 2
completion = 10.5
batch = 0.5

[student]
prompt = 0.0
completion = 1.0
"""


def test_prices_come_from_a_file(tmp_path: Path) -> None:
    table = _prices(tmp_path, _WHOLE)
    assert table == PriceTable(
        "EUR", {"org/teacher-1.5": ModelPrices(2.0, 10.5, 0.5), "student": ModelPrices(0.0, 1.0)}
    )
    assert table.of("org/teacher-1.5") == Prices(2.0, 10.5)
    assert table.of("org/teacher-1.5", batch=True) == Prices(1.0, 5.25)
    assert table.of("student", batch=True) == Prices(0.0, 1.0)


def test_a_model_without_a_price_names_the_closest_one(tmp_path: Path) -> None:
    table = _prices(tmp_path, _WHOLE)
    with pytest.raises(ConfigurationError) as near:
        table.of("studnet")
    assert str(near.value) == (
        "there is no price for model 'studnet'; did you mean 'student'? "
        "known are 'org/teacher-1.5', 'student'"
    )
    with pytest.raises(ConfigurationError, match=r"'xyz'; known are 'org/teacher-1\.5', 'student'"):
        table.of("xyz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has currency=None; begin it with"),
        ("currency = 5\n[a]\nprompt = 1\ncompletion = 1", "has currency=5"),
        ('currency = "USD"', "has no prices; add a table"),
        ('currency = "USD"\nprompt = 1', "has the unknown key 'prompt'; apart from currency"),
        ('currency = "USD"\n[a]\npromt = 1', "unknown key 'promt' for model 'a'; known are prompt, comp"),
        ('currency = "USD"\n[a.5]\nprompt = 1', "unknown key '5' for model 'a'; .* a dot needs quotes"),
        ('currency = "USD"\n[a]\nprompt = 1', "for model 'a': .*missing required field `completion`"),
        ('currency = "USD"\n[a]\nprompt = "1"\ncompletion = 1', r"for model 'a': .*\$\.prompt"),
        ('currency = "USD"\n[a]\nprompt = 1\ncompletion = -1', "completion=-1.0 for model 'a'; use"),
        ('currency = "USD"\n[a]\nprompt = nan\ncompletion = 1', "prompt=nan for model 'a'"),
        ('currency = "USD"\n[a]\nprompt = 1\ncompletion = 1\nbatch = inf', "batch=inf for model 'a'"),
        ("currency", "is not a TOML file in UTF-8"),
    ],
)
def test_a_wrong_price_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"prices\.toml' .*{message}"):
        _prices(tmp_path, text)


def test_a_missing_price_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read '.*none\.toml': No such file"):
        load_prices(tmp_path / "none.toml")


def test_what_was_spent_elsewhere_counts_against_the_limits() -> None:
    meter = Meter(Limits(calls=5, money=1.0), Prices(1.0, 1.0), clock=lambda: 0.0)
    meter.carry(Spent(calls=3, usage=Usage(10, 5), money=0.25, cached=2))
    meter.carry(Spent(calls=1, usage=Usage(1, 1), money=0.25))
    assert meter.spent == Spent(calls=4, usage=Usage(11, 6), money=0.5, cached=2)
    meter.admit()
    with pytest.raises(BudgetExhausted, match="5 calls"):
        meter.admit()
