from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import ConfigurationError
from skillofmind.scorers.agreement import Alpha, Rating, Scale, fleiss_kappa, krippendorff_alpha

# Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", D: 4 observers, 12 units, by unit.
TEXTBOOK: tuple[tuple[int | None, ...], ...] = (
    (1, 1, None, 1),
    (2, 2, 3, 2),
    (3, 3, 3, 3),
    (3, 3, 3, 3),
    (2, 2, 2, 2),
    (1, 2, 3, 4),
    (4, 4, 4, 4),
    (1, 1, 2, 1),
    (2, 2, 2, 2),
    (None, 5, 5, 5),
    (None, None, 1, 1),
    (None, None, 3, None),
)
SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval")
RATED = st.lists(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.5, None]), min_size=4, max_size=4),
    min_size=1,
    max_size=15,
)


def without_loops(items: list[list[float | None]], scale: Scale) -> float | None:
    """Every pair of ratings, one by one."""
    units = [[v for v in item if v is not None] for item in items]
    units = [unit for unit in units if len(unit) > 1]
    every = sorted(v for unit in units for v in unit)

    def distance(one: float, other: float) -> float:
        if scale == "nominal":
            return float(one != other)
        if scale == "interval":
            return (one - other) ** 2
        low, high = min(one, other), max(one, other)
        between = sum(low <= v <= high for v in every)
        return (between - (every.count(one) + every.count(other)) / 2) ** 2 if one != other else 0.0

    n = len(every)
    observed = sum(
        sum(distance(a, b) for x, a in enumerate(unit) for y, b in enumerate(unit) if x != y)
        / (len(unit) - 1)
        for unit in units
    )
    expected = sum(distance(a, b) for x, a in enumerate(every) for y, b in enumerate(every) if x != y)
    return None if not expected else 1 - (n - 1) * observed / expected


@pytest.mark.parametrize(
    ("scale", "value"), [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107)]
)
def test_the_textbook(scale: Literal["nominal", "ordinal", "interval"], value: float) -> None:
    found = krippendorff_alpha(TEXTBOOK, scale)
    assert found.value == pytest.approx(value, abs=1e-6)
    assert (found.scale, found.items, found.ratings, found.left_out) == (scale, 11, 40, 1)
    assert found.value == pytest.approx(1 - (found.observed or 0) / (found.expected or 1), abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert found.low < value < found.high <= 1


@settings(deadline=None)
@given(RATED, st.sampled_from(SCALES))
def test_it_is_the_sum_over_pairs_and_that_of_the_package(
    items: list[list[float | None]], scale: Scale
) -> None:
    package = pytest.importorskip("krippendorff", reason="krippendorff is no dependency")
    found = krippendorff_alpha(items, scale).value
    expected = without_loops(items, scale)
    if expected is None:
        assert found is None
        return
    assert found == pytest.approx(expected, abs=1e-9)
    by_rater = np.array([[np.nan if v is None else v for v in item] for item in items]).T
    assert found == pytest.approx(package.alpha(by_rater, level_of_measurement=scale), abs=1e-9)


@settings(deadline=None)
@given(RATED, st.sampled_from(SCALES))
def test_the_interval_is_the_jackknife_over_items(items: list[list[float | None]], scale: Scale) -> None:
    found = krippendorff_alpha(items, scale)
    counted = [item for item in items if sum(v is not None for v in item) > 1]
    rest = [without_loops(counted[:n] + counted[n + 1 :], scale) for n in range(len(counted))]
    there = [one for one in rest if one is not None]
    if found.value is None or len(there) < len(rest):
        assert (found.low, found.high) == (None, None)
        return
    n = len(there)
    margin = 1.959963984540054 * ((n - 1) / n * sum((one - sum(there) / n) ** 2 for one in there)) ** 0.5
    assert found.low == pytest.approx(max(-1, found.value - margin), abs=1e-7)
    assert found.high == pytest.approx(min(1, found.value + margin), abs=1e-7)


@given(RATED, st.sampled_from(SCALES))
def test_the_order_of_items_and_raters_changes_nothing(items: list[list[float | None]], scale: Scale) -> None:
    turned = [item[::-1] for item in reversed(items)]
    assert krippendorff_alpha(turned, scale) == krippendorff_alpha(items, scale)


@given(RATED)
def test_other_units_of_an_interval_scale_and_other_places_of_an_order_change_nothing(
    items: list[list[float | None]],
) -> None:
    scaled = [[None if v is None else 4 * v - 8 for v in item] for item in items]
    squared = [[None if v is None else v**2 for v in item] for item in items]
    plain, other = krippendorff_alpha(items, "interval"), krippendorff_alpha(scaled, "interval")
    assert other.value == (None if plain.value is None else pytest.approx(plain.value, abs=1e-9))
    assert krippendorff_alpha(squared, "ordinal") == krippendorff_alpha(items, "ordinal")


def test_names_are_nominal() -> None:
    found = krippendorff_alpha([["a", "a"], ["b", "a"], ["b", None, "b"], [None, "c"]])
    assert found.left_out == 1
    # Totals a 3, b 3 of 6; one disagreeing pair, counted both ways: 2 / 6; expected 18 / 30.
    assert found.observed == pytest.approx(1 / 3, abs=1e-12)
    assert found.expected == pytest.approx(0.6, abs=1e-12)
    assert found.value == pytest.approx(4 / 9, abs=1e-12)


def test_with_many_full_items_it_comes_near_fleiss() -> None:
    draw = np.random.default_rng(1)
    gold = draw.integers(0, 3, (400, 1))
    rated = np.where(draw.random((400, 3)) < 0.7, gold, draw.integers(0, 3, (400, 3))).tolist()
    kappa = fleiss_kappa({str(v): row.count(v) for v in range(3)} for row in rated)
    assert kappa.value is not None
    # alpha = 1 - (1 - kappa) (n - 1) / n of n ratings, from its definition.
    assert krippendorff_alpha(rated).value == pytest.approx(1 - (1 - kappa.value) * 1199 / 1200, abs=1e-12)


@pytest.mark.parametrize(
    "items", [[], [[1.0, None]], [[None, None]], [[0.1, 0.1, 0.1], [0.1, 0.1]], [[2, 2], [3, None]]]
)
def test_without_chance_there_is_no_value(items: list[list[Rating | None]]) -> None:
    for scale in SCALES:
        assert krippendorff_alpha(items, scale).value is None
    assert isinstance(krippendorff_alpha(items), Alpha)


def test_full_agreement_is_1() -> None:
    assert krippendorff_alpha([[1, 1], [2, 2], [5, 5]], "interval").value == 1.0


def test_ratings_that_do_not_fit_the_scale_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="item 2 has the rating 'high'; ordinal ratings are numbers"):
        krippendorff_alpha([[1, 2], ["high", 1]], "ordinal")
    with pytest.raises(ConfigurationError, match="item 1 has the rating nan; write None"):
        krippendorff_alpha([[float("nan"), 1.0]], "interval")
