"""An estimate is the sample's mean times the rows, with an interval that a hand can work out."""

import math

import pytest

from skillofmind.core.completion import Usage
from skillofmind.mind.annotate.course import Answer
from skillofmind.mind.annotate.filters import Filters
from skillofmind.mind.dataset.estimate import estimate, rough_estimate, sample_ids
from skillofmind.mind.dataset.files import Finish
from skillofmind.mind.dataset.rows import Maker
from skillofmind.run.budget import Prices
from tests.mind.annotate.rows import course, numbered

PRICES = Prices(10.0, 30.0)


def work(prompt: int, completion: int, attempts: int = 1) -> tuple[Answer, ...]:
    return (Answer("teacher", usage=Usage(prompt, completion), attempts=attempts),)


def test_totals_and_intervals_by_hand() -> None:
    found = estimate(100, [work(90, 10), work(110, 10), work(100, 40, 2)], {"teacher": PRICES}, "USD")
    assert found.prompt_tokens.value == pytest.approx(10_000)
    # Variance of 90, 110, 100 is 100; error of the mean 10/sqrt(3) * sqrt(0.97).
    half = 1.959963984540054 * math.sqrt(100 / 3 * 0.97) * 100
    assert found.prompt_tokens.low == pytest.approx(10_000 - half)
    assert found.prompt_tokens.high == pytest.approx(10_000 + half)
    assert found.completion_tokens.value == pytest.approx(2000)
    assert found.calls.value == pytest.approx(400 / 3)
    assert found.money is not None
    assert found.money.value == pytest.approx((10_000 * 10 + 2000 * 30) / 1e6)
    assert found.spent == pytest.approx((300 * 10 + 60 * 30) / 1e6)


def test_a_sample_of_everything_is_exact() -> None:
    found = estimate(2, [work(90, 10), work(110, 30)], {"teacher": PRICES})
    assert (found.prompt_tokens.low, found.prompt_tokens.value, found.prompt_tokens.high) == (200, 200, 200)


def test_small_samples_promise_nothing() -> None:
    assert estimate(10, [], {}).calls.high == math.inf
    one = estimate(10, [work(90, 10)], {})
    assert (one.prompt_tokens.value, one.prompt_tokens.low, one.prompt_tokens.high) == (900, 0.0, math.inf)
    assert one.money is None


def test_the_sample_does_not_follow_the_order_of_the_input() -> None:
    rows = numbered(1000)
    ids = sample_ids(rows, 100)
    assert ids == sample_ids(reversed(rows), 100)
    assert len(ids) == 100
    assert 30 <= sum(row.id in ids for row in rows[:500]) <= 70


def test_the_rough_one_doubles_for_a_second_teacher() -> None:
    rows = numbered(300)
    finish = Finish(Filters(), Maker({"teacher": "x"}, ""), {"teacher": PRICES, "second": PRICES}, "USD")
    one = rough_estimate(lambda: iter(rows), course(), finish)
    two = rough_estimate(lambda: iter(rows), course(second=True), finish)
    assert (one.rows, one.sampled, one.calls.value, two.calls.value) == (300, 0, 300, 600)
    assert two.prompt_tokens.value == pytest.approx(2 * one.prompt_tokens.value)
    assert one.money is not None
    assert two.money is not None
    assert two.money.value == pytest.approx(2 * one.money.value, rel=1e-6)
    assert one.money.low < one.money.value < one.money.high
