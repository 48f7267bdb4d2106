import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.effects import (
    cliffs_delta,
    cohens_d,
    cohens_d_paired,
    cohens_h,
    hedges_g,
    jensen_shannon,
    jensen_shannon_of,
    odds_ratio,
    spearman,
)

VALUES = st.lists(st.integers(-5, 5), min_size=2, max_size=25)


def test_cohens_d_and_hedges_g_by_hand() -> None:
    # Means 2 and 4, variances 1 and 4, pooled 2.5: d = 2 / sqrt(2.5) = 1.264911
    # J(4) = Gamma(2) / (sqrt(2) Gamma(1.5)) = 0.797885
    first, second = [1, 2, 3], [2, 4, 6]
    assert cohens_d(first, second) == pytest.approx(1.2649110640673518, abs=1e-12)
    assert hedges_g(first, second) == pytest.approx(1.2649110640673518 * 0.7978845608028654, abs=1e-12)


def test_d_is_the_t_statistic_rescaled() -> None:
    draw = np.random.default_rng(1)
    first, second = draw.normal(size=12), draw.normal(1, 2, size=17)
    t = stats.ttest_ind(second, first).statistic
    assert cohens_d(first, second) == pytest.approx(t * math.sqrt(1 / 12 + 1 / 17), abs=1e-9)
    paired = stats.ttest_rel(second[:12], first).statistic
    assert cohens_d_paired(first, second[:12]) == pytest.approx(paired / math.sqrt(12), abs=1e-9)


def test_hedges_correction_is_that_of_statsmodels() -> None:
    power = pytest.importorskip("statsmodels.stats.meta_analysis", reason="statsmodels is no dependency")
    g, _ = power.effectsize_smd(4.0, 2.0, 30, 2.0, 1.0, 30)
    draw = np.random.default_rng(3)
    first, second = draw.normal(size=30), draw.normal(size=30)
    first, second = ((side - side.mean()) / side.std(ddof=1) for side in (first, second))
    # statsmodels uses the approximation 1 - 3 / (4 m - 1) of the exact factor.
    assert hedges_g(first + 2, second * 2 + 4) == pytest.approx(g, abs=1e-3)


def test_without_spread_there_is_no_unit() -> None:
    assert cohens_d([1, 1], [2, 2]) is None
    assert hedges_g([1, 1], [2, 2]) is None
    assert cohens_d_paired([1, 2], [2, 3]) is None


@settings(deadline=None)
@given(VALUES, VALUES)
def test_cliffs_delta_counts_pairs_and_follows_from_mann_and_whitney(
    first: list[int], second: list[int]
) -> None:
    pairs = [(one, other) for one in first for other in second]
    above = sum(other > one for one, other in pairs) - sum(other < one for one, other in pairs)
    assert cliffs_delta(first, second) == above / len(pairs)
    u = stats.mannwhitneyu(second, first).statistic
    assert cliffs_delta(first, second) == pytest.approx(2 * u / len(pairs) - 1, abs=1e-9)


def test_cohens_h_is_that_of_statsmodels() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion", reason="statsmodels is no dependency")
    for first, second in ((0.0, 1.0), (0.3, 0.45), (0.5, 0.2)):
        expected = proportion.proportion_effectsize(second, first)
        assert cohens_h(first, second) == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ConfigurationError, match=r"1\.2 is no share"):
        cohens_h(0.5, 1.2)


def test_the_odds_ratio_is_that_of_statsmodels() -> None:
    tables = pytest.importorskip(
        "statsmodels.stats.contingency_tables", reason="statsmodels is no dependency"
    )
    other = tables.Table2x2([[45, 55], [30, 90]])
    found = odds_ratio(30, 120, 45, 100)
    assert found.value == pytest.approx(other.oddsratio, abs=1e-9)
    assert (found.low, found.high) == pytest.approx(other.oddsratio_confint(), abs=1e-9)


def test_an_empty_cell_gets_a_half() -> None:
    # (5.5 * 10.5) / (5.5 * 0.5) = 21
    assert odds_ratio(0, 10, 5, 10).value == pytest.approx(21.0, abs=1e-9)
    with pytest.raises(ConfigurationError, match="is no share"):
        odds_ratio(1, 0, 1, 2)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=1), st.lists(st.sampled_from("abcde"), min_size=1))
def test_the_divergence_is_that_of_scipy(first: list[str], second: list[str]) -> None:
    one, other = Counter(first), Counter(second)
    p, q = ([side[label] for label in "abcde"] for side in (one, other))
    found = jensen_shannon(one, other)
    assert found == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2, abs=1e-9)
    assert found == jensen_shannon(other, one)
    assert found is not None
    assert 0 <= found <= 1 + 1e-12


def test_the_divergence_of_nothing_is_none() -> None:
    assert jensen_shannon({}, {"a": 1}) is None
    assert jensen_shannon({"a": 3}, {"a": 7}) == 0.0
    assert np.isnan(jensen_shannon_of(np.array([[0.0, 0.0, 1.0, 2.0]]), 2)).all()
    with pytest.raises(ConfigurationError, match="below 0"):
        jensen_shannon({"a": -1}, {"a": 1})


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=30))
def test_spearman_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)
