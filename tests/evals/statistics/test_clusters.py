import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.clusters import (
    difference_with_cluster_errors,
    intraclass_correlation,
    mean_with_cluster_errors,
)

CASES = st.lists(st.tuples(st.integers(-20, 20), st.sampled_from("abcde")), min_size=4, max_size=40).filter(
    lambda cases: len({group for _, group in cases}) > 1 and len({value for value, _ in cases}) > 1
)


def fitted(values: Any, columns: Any, groups: Any = None, *, corrected: bool = True) -> Any:
    api = pytest.importorskip("statsmodels.api", reason="statsmodels is no dependency")
    if groups is None:
        return api.OLS(values, columns).fit()
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    of = np.array([number[group] for group in groups])
    settings = {"groups": of, "use_correction": corrected, "df_correction": True}
    return api.OLS(values, columns).fit(cov_type="cluster", cov_kwds=settings, use_t=True)


@settings(deadline=None, max_examples=40)
@given(CASES)
def test_a_mean_is_the_intercept_of_statsmodels(cases: list[tuple[int, str]]) -> None:
    values, groups = [float(value) for value, _ in cases], [group for _, group in cases]
    for correction in ("CR0", "CR1"):
        found = mean_with_cluster_errors(values, groups, correction=correction)
        other = fitted(values, np.ones(len(values)), groups, corrected=correction == "CR1")
        assert found.value == pytest.approx(other.params[0], abs=1e-9)
        assert found.error == pytest.approx(other.bse[0], abs=1e-9)
        if found.error > 1e-9:
            assert found.p == pytest.approx(other.pvalues[0], abs=1e-9)
            assert (found.low, found.high) == pytest.approx(tuple(other.conf_int()[0]), abs=1e-6)
        assert found.naive == pytest.approx(stats.sem(values), abs=1e-9)
        assert (found.n, found.clusters, found.df) == (len(values), len(set(groups)), len(set(groups)) - 1)


@settings(deadline=None, max_examples=40)
@given(CASES, CASES)
def test_a_difference_is_the_slope_of_statsmodels(
    first: list[tuple[int, str]], second: list[tuple[int, str]]
) -> None:
    values = np.array([float(value) for value, _ in [*first, *second]])
    groups = [group for _, group in [*first, *second]]
    side = np.array([0.0] * len(first) + [1.0] * len(second))
    found = difference_with_cluster_errors(
        values[side == 0], groups[: len(first)], values[side == 1], groups[len(first) :]
    )
    other = fitted(values, np.column_stack([np.ones(len(side)), side]), groups, corrected=True)
    assert found.value == pytest.approx(other.params[1], abs=1e-9)
    # Where both sides of a cluster cancel out, rounding can make the variance of statsmodels negative.
    assert found.error**2 == pytest.approx(other.cov_params()[1, 1], abs=1e-9)
    naive = fitted(values, np.column_stack([np.ones(len(side)), side]))
    assert found.naive == pytest.approx(naive.bse[1], abs=1e-9)


def test_clusters_of_one_case_are_the_plain_t_test() -> None:
    values = [0.5, -0.2, 1.4, 0.7, 0.1]
    found = mean_with_cluster_errors(values, list("abcde"), level=0.9)
    t, p = stats.ttest_1samp(values, 0)
    assert (found.t, found.p, found.design_effect) == pytest.approx((t, p, 1.0), abs=1e-9)
    expected = stats.t.interval(0.9, 4, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_doubling_every_case_halves_the_naive_variance_alone() -> None:
    values, groups = [0.5, -0.2, 1.4, 0.7], list("abcd")
    once, twice = mean_with_cluster_errors(values, groups), mean_with_cluster_errors(values * 2, groups * 2)
    assert twice.error == pytest.approx(once.error, abs=1e-12)
    assert twice.naive == pytest.approx(once.naive * math.sqrt(3 / 7), abs=1e-12)
    assert twice.design_effect == pytest.approx(7 / 3, abs=1e-12)


def test_without_spread_there_is_no_error() -> None:
    nothing = mean_with_cluster_errors([0, 0, 0], list("abb"))
    assert (nothing.error, nothing.t, nothing.p, nothing.design_effect) == (0, 0, 1, 1)
    something = mean_with_cluster_errors([1, 1, 1], list("abb"))
    assert (something.t, something.p) == (math.inf, 0)


class TestIntraclassCorrelation:
    def test_equal_clusters_by_hand(self) -> None:
        # Means 1 and 4 around 2.5: MSB = 2 * (1.5^2 + 1.5^2) / 1 = 9; MSW = (0.5 + 0.5) / 2 = 0.5
        # (9 - 0.5) / (9 + 0.5) = 0.894737
        assert intraclass_correlation([0.5, 1.5, 3.5, 4.5], list("aabb")) == pytest.approx(
            8.5 / 9.5, abs=1e-12
        )

    def test_mean_squares_are_those_of_the_f_test(self) -> None:
        sides = ([1.0, 2.0, 4.0], [2.0, 5.0], [7.0, 7.0, 6.0, 9.0])
        values = [value for side in sides for value in side]
        groups = [str(n) for n, side in enumerate(sides) for _ in side]
        f = stats.f_oneway(*sides).statistic
        size = (9 - (9 + 4 + 16) / 9) / 2
        assert intraclass_correlation(values, groups) == pytest.approx((f - 1) / (f + size - 1), abs=1e-9)

    def test_it_is_what_was_drawn(self) -> None:
        draw = np.random.default_rng(5)
        values = (draw.normal(0, 0.3**0.5, (2000, 1)) + draw.normal(0, 0.7**0.5, (2000, 5))).ravel()
        groups = [str(n) for n in range(2000) for _ in range(5)]
        assert intraclass_correlation(values, groups) == pytest.approx(0.3, abs=0.03)
        found = mean_with_cluster_errors(values, groups)
        assert found.design_effect == pytest.approx(1 + 4 * 0.3, abs=0.15)

    def test_equal_values_are_0_and_single_cases_are_refused(self) -> None:
        assert intraclass_correlation([1, 1, 1], list("aab")) == 0.0
        with pytest.raises(ConfigurationError, match="2 clusters"):
            intraclass_correlation([1, 2], list("ab"))


def test_one_cluster_has_no_error() -> None:
    with pytest.raises(ConfigurationError, match="1 cluster has no error"):
        mean_with_cluster_errors([1, 2, 3], list("aaa"))
    with pytest.raises(ConfigurationError, match="there are 1 groups for 2 values"):
        difference_with_cluster_errors([1, 2], list("a"), [1, 2], list("ab"))
