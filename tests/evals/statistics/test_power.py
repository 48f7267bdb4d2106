import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.power import (
    accuracy_power,
    design_effect,
    detectable_accuracy,
    detectable_rating,
    detectable_win_rate,
    effective,
    exact_items_for_win_rate,
    inflated,
    items_for_accuracy,
    items_for_rating,
    items_for_win_rate,
    rating_power,
    win_rate_power,
)
from skillofmind.evals.statistics.tests import mcnemar

TABLE = {0.55: 783, 0.60: 194, 0.65: 85, 0.70: 47, 0.75: 29}
SEEN = {25: 0.77, 30: 0.75, 100: 0.64, 500: 0.56}


class TestWinRate:
    @pytest.mark.parametrize(("rate", "items"), TABLE.items())
    def test_the_table_of_items(self, rate: float, items: int) -> None:
        assert items_for_win_rate(rate) == items_for_win_rate(1 - rate) == items

    @pytest.mark.parametrize(("items", "rate"), SEEN.items())
    def test_the_table_of_what_is_seen(self, items: int, rate: float) -> None:
        found = detectable_win_rate(items)
        assert found is not None
        assert round(found, 2) == rate
        assert items_for_win_rate(found + 1e-9) <= items < items_for_win_rate(found - 1e-3)

    def test_only_the_score_test_gives_the_table_and_not_wald_or_equal_variances(self) -> None:
        za, zb = stats.norm.ppf([0.975, 0.8])
        wald = [math.ceil((za + zb) ** 2 * p * (1 - p) / (p - 0.5) ** 2) for p in TABLE]
        equal = [math.ceil(((za + zb) / 2 / (p - 0.5)) ** 2) for p in TABLE]
        score = [math.ceil(((za / 2 + zb * math.sqrt(p * (1 - p))) / (p - 0.5)) ** 2) for p in TABLE]
        assert score == list(TABLE.values())
        assert (wald[0], equal[0]) == (778, 785)

    def test_the_formula_has_the_power_of_a_normal_score_test(self) -> None:
        for rate, items in TABLE.items():
            for n, enough in ((items, True), (items - 1, False)):
                edge = (rate - 0.5) * math.sqrt(n) - stats.norm.ppf(0.975) / 2
                assert (stats.norm.cdf(edge / math.sqrt(rate * (1 - rate))) >= 0.8) == enough

    @settings(deadline=None, max_examples=30)
    @given(st.integers(1, 200), st.floats(0.001, 0.999))
    def test_exact_power_is_the_sum_over_what_binomtest_rejects(self, items: int, rate: float) -> None:
        likely = stats.binom.pmf(np.arange(items + 1), items, rate)
        k = np.arange(items // 2 + 1)
        # At 50 % both tails are alike: the test rejects where twice the smaller one is at most alpha.
        below = 2 * stats.binom.cdf(k, items, 0.5) <= 0.05
        expected = sum(likely[n] + likely[items - n] for n in k[below])
        assert win_rate_power(items, rate) == pytest.approx(expected, abs=1e-9)
        last = int(below.sum())
        assert stats.binomtest(last, items).pvalue > 0.05
        if last:
            assert stats.binomtest(last - 1, items).pvalue <= 0.05

    def test_exact_items_keep_the_power_from_there_on(self) -> None:
        for rate in (0.6, 0.75, 0.9):
            found = exact_items_for_win_rate(rate)
            assert win_rate_power(found - 1, rate) < 0.8
            assert all(win_rate_power(n, rate) >= 0.8 for n in range(found, found + 60))
        # Rejecting up to the 2.5 % point of a fair coin, less one; 34 is the last n with too little power.
        edges = {n: stats.binom.ppf(0.025, n, 0.5) - 1 for n in range(6, 90)}
        short = [n for n, edge in edges.items() if stats.binom.cdf(edge, n, 0.25) < 0.8]
        assert exact_items_for_win_rate(0.75) == max(short) + 1 == 35

    def test_too_few_items_show_nothing(self) -> None:
        assert detectable_win_rate(3) is None
        assert detectable_win_rate(4) is not None
        assert win_rate_power(5, 1.0) == 0.0
        assert win_rate_power(6, 1.0) == 1.0

    def test_simulated_studies_find_it_as_often(self) -> None:
        draw = np.random.default_rng(1)
        wins = draw.binomial(194, 0.6, 4000)
        rejects = {int(k): stats.binomtest(int(k), 194).pvalue <= 0.05 for k in np.unique(wins)}
        rate = np.mean([rejects[int(k)] for k in wins])
        assert rate == pytest.approx(win_rate_power(194, 0.6), abs=3 * math.sqrt(0.16 / 4000))

    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="by nothing"):
            items_for_win_rate(0.5)
        with pytest.raises(ConfigurationError, match="win rate 1"):
            items_for_win_rate(1.0)
        with pytest.raises(ConfigurationError, match=r"power 0\.05"):
            items_for_win_rate(0.6, power=0.05)
        with pytest.raises(ConfigurationError, match="alpha 0"):
            items_for_win_rate(0.6, alpha=0.0)
        with pytest.raises(ConfigurationError, match="0 items"):
            detectable_win_rate(0)
        with pytest.raises(ConfigurationError, match="too near"):
            exact_items_for_win_rate(0.51)
        with pytest.raises(ConfigurationError, match="is no share"):
            win_rate_power(10, 1.5)


class TestAccuracy:
    def test_by_hand(self) -> None:
        # s = 0.2, d = 0.05: (1.959964 * 0.447214 + 0.841621 * sqrt(0.1975))^2 / 0.0025 = 625.2
        assert items_for_accuracy(0.05, 0.2) == items_for_accuracy(-0.05, 0.2) == 626

    def test_all_discordant_pairs_are_the_win_rate(self) -> None:
        assert items_for_accuracy(0.2, 1.0) == items_for_win_rate(0.6) == 194
        assert accuracy_power(194, 0.2, 1.0) == pytest.approx(win_rate_power(194, 0.6), abs=1e-9)

    def test_what_is_seen_is_what_needs_so_many(self) -> None:
        found = detectable_accuracy(626, 0.2)
        assert found is not None
        assert found == pytest.approx(0.05, abs=1e-4)
        assert items_for_accuracy(found + 1e-9, 0.2) <= 626
        assert detectable_accuracy(10, 0.1) is None

    def test_simulated_studies_find_it_as_often(self) -> None:
        draw = np.random.default_rng(2)
        cells = draw.multinomial(300, [0.06, 0.14, 0.8], 4000)[:, :2]
        ps = {(int(b), int(c)): mcnemar(int(b), int(c)).p for b, c in np.unique(cells, axis=0)}
        rate = np.mean([ps[int(b), int(c)] <= 0.05 for b, c in cells])
        power = accuracy_power(300, 0.08, 0.2)
        assert rate == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / 4000))
        assert accuracy_power(300, 0.0, 0.2) < 0.05

    def test_what_cannot_be_is_refused(self) -> None:
        for difference, differ in ((0.0, 0.2), (0.3, 0.2), (0.1, 0.0), (0.1, 1.1)):
            with pytest.raises(ConfigurationError, match="discordant"):
                items_for_accuracy(difference, differ)
        with pytest.raises(ConfigurationError, match="more than the discordant"):
            accuracy_power(10, 0.3, 0.2)


class TestRating:
    @pytest.mark.parametrize("paired", [True, False])
    @pytest.mark.parametrize("effect", [0.1, 0.3, 0.5, 1.2])
    def test_it_is_that_of_statsmodels(self, effect: float, paired: bool) -> None:
        powers = pytest.importorskip("statsmodels.stats.power", reason="statsmodels is no dependency")
        one = powers.TTestPower() if paired else powers.TTestIndPower()
        more = {} if paired else {"ratio": 1.0}
        for n in (5, 20, 90):
            expected = one.power(effect, n, 0.05, **more)
            assert rating_power(n, effect * 1.5, 1.5, paired=paired) == pytest.approx(expected, abs=1e-9)
        needed = one.solve_power(effect, alpha=0.05, power=0.8, **more)
        assert items_for_rating(effect * 1.5, 1.5, paired=paired) == math.ceil(needed)

    def test_what_is_seen_has_the_power(self) -> None:
        found = detectable_rating(40, 1.2)
        assert rating_power(40, found, 1.2) == pytest.approx(0.8, abs=1e-9)
        assert items_for_rating(found, 1.2) in (40, 41)
        assert rating_power(5000, 3.0, 1.0) == 1.0
        # One degree of freedom has long tails: with this shift one study in twenty still misses it.
        assert rating_power(2, 24.7 / math.sqrt(2), 1.0) == pytest.approx(0.9467, abs=1e-3)

    def test_simulated_studies_find_it_as_often(self) -> None:
        values = np.random.default_rng(3).normal(0.3, 1, (4000, 50))
        rate = np.mean(stats.ttest_1samp(values, 0, axis=1).pvalue <= 0.05)
        assert rate == pytest.approx(rating_power(50, 0.3, 1.0), abs=3 * math.sqrt(0.25 / 4000))

    def test_what_cannot_be_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="difference of 0"):
            items_for_rating(0.0, 1.0)
        with pytest.raises(ConfigurationError, match="deviation 0"):
            items_for_rating(0.5, 0.0)
        with pytest.raises(ConfigurationError, match="1 items"):
            rating_power(1, 0.5, 1.0)
        with pytest.raises(ConfigurationError, match="10,000,000"):
            items_for_rating(1e-9, 1.0)


class TestDialogues:
    def test_alike_items_count_for_less(self) -> None:
        assert design_effect(1, 0.5) == 1.0
        assert design_effect(5, 0.3) == pytest.approx(2.2, abs=1e-12)
        assert inflated(194, 2.2) == 427
        assert (effective(427, 2.2), effective(3, 10.0)) == (194, 1)

    def test_simulated_dialogues_vary_by_the_design_effect(self) -> None:
        draw = np.random.default_rng(4)
        own = draw.normal(0, 0.3**0.5, (4000, 20, 1)) + draw.normal(0, 0.7**0.5, (4000, 20, 5))
        assert own.mean(axis=(1, 2)).var() * 100 == pytest.approx(design_effect(5, 0.3), rel=0.07)

    @pytest.mark.parametrize(("size", "rho"), [(0.5, 0.1), (4, 1.1), (4, -0.9)])
    def test_what_cannot_be_is_refused(self, size: float, rho: float) -> None:
        with pytest.raises(ConfigurationError, match="cannot be"):
            design_effect(size, rho)
