import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.intervals import (
    Interval,
    bca,
    bootstrap,
    bootstrap_mean,
    clopper_pearson,
    levels,
    paired_bootstrap,
    quantiles,
    wilson,
)
from skillofmind.evals.statistics.resampling import Floats, group_weights

COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.8, 0.95, 0.99])


class TestShares:
    @settings(deadline=None)
    @given(COUNTS, LEVELS)
    def test_both_are_those_of_scipy(self, counts: tuple[int, int], level: float) -> None:
        found = stats.binomtest(*counts)
        for mine, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
            one = mine(*counts, level=level)
            other = found.proportion_ci(level, method=method)
            assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-9)
            assert one.value == counts[0] / counts[1]
            assert 0 <= one.low <= one.value <= one.high <= 1
            assert one.level == level

    @settings(deadline=None)
    @given(COUNTS)
    def test_both_are_those_of_statsmodels(self, counts: tuple[int, int]) -> None:
        proportion = pytest.importorskip(
            "statsmodels.stats.proportion", reason="statsmodels is no dependency"
        )
        for mine, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
            other = proportion.proportion_confint(*counts, method=method)
            assert mine(*counts)[1:3] == pytest.approx(other, abs=1e-9)

    def test_a_tie_may_be_half_a_success(self) -> None:
        assert wilson(4.5, 10).value == 0.45
        assert wilson(4, 10).low < wilson(4.5, 10).low < wilson(5, 10).low

    @pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 3), (4, 3)])
    def test_what_is_no_share_is_refused(self, k: int, n: int) -> None:
        for interval in (wilson, clopper_pearson):
            with pytest.raises(ConfigurationError, match="is no share"):
                interval(k, n)
            with pytest.raises(ConfigurationError, match="level"):
                interval(1, 2, level=1.0)


class TestBootstrap:
    values = np.random.default_rng(3).lognormal(size=40)

    def reference(self, method: str, level: float) -> tuple[Any, Any]:
        drawn = stats.bootstrap(
            (self.values,), np.mean, n_resamples=999, rng=np.random.default_rng(1), method=method
        )
        same = stats.bootstrap(
            (self.values,),
            np.mean,
            n_resamples=0,
            bootstrap_result=drawn,
            confidence_level=level,
            method=method,
        )
        return drawn.bootstrap_distribution, same.confidence_interval

    @pytest.mark.parametrize("level", [0.9, 0.95])
    def test_bca_and_percentile_are_those_of_scipy_on_the_same_resamples(self, level: float) -> None:
        left_out = (self.values.sum() - self.values) / (len(self.values) - 1)
        resampled, ends = self.reference("BCa", level)
        assert bca(float(self.values.mean()), resampled, left_out, level) == pytest.approx(
            tuple(ends), abs=1e-9
        )
        resampled, ends = self.reference("percentile", level)
        found = quantiles(resampled, *levels(40, level, expanded=False))
        assert found == pytest.approx(tuple(ends), abs=1e-9)

    def test_expanded_levels_by_hand_and_their_limit(self) -> None:
        # 15 groups: t(0.975, 14) = 2.144787, times sqrt(15 / 14) = 2.220064, Phi(-2.220064) = 0.013207
        low, high = levels(15)
        assert low == pytest.approx(stats.norm.cdf(-2.1447866879 * math.sqrt(15 / 14)), abs=1e-9)
        assert (round(low, 6), high) == (0.013207, 1 - low)
        assert levels(10**7)[0] == pytest.approx(0.025, abs=1e-6)
        assert levels(15, expanded=False) == pytest.approx((0.025, 0.975), abs=1e-12)
        assert 0 <= levels(1.0)[0] < 1e-12

    def test_drawing_groups_is_copying_their_cases(self) -> None:
        groups = [str(n % 7) for n in range(40)]
        means = []
        for weights in group_weights(7, resamples=300, seed=5):
            cases = [n for n in range(40) for _ in range(int(weights[n % 7]))]
            means.append(self.values[cases].mean())
        found = bootstrap_mean(self.values, groups, resamples=300, seed=5, method="percentile")
        low, high = np.quantile(means[1:], [0.025, 0.975])
        assert found == pytest.approx((self.values.mean(), low, high, 0.95), abs=1e-9)

    def test_few_groups_widen_the_interval(self) -> None:
        groups = [str(n % 7) for n in range(40)]
        narrow = bootstrap_mean(self.values, groups, method="percentile")
        wide = bootstrap_mean(self.values, groups)
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high

    def test_bca_leaves_whole_groups_out(self) -> None:
        groups = [str(n % 7) for n in range(40)]
        of = np.arange(40) % 7
        left_out = np.array([self.values[of != group].mean() for group in range(7)])
        drawn = group_weights(7, resamples=400, seed=2)
        sums = np.array([[self.values[of == group].sum(), (of == group).sum()] for group in range(7)])
        means = (drawn @ sums)[:, 0] / (drawn @ sums)[:, 1]
        found = bootstrap_mean(self.values, groups, resamples=400, seed=2, method="bca")
        assert found[1:3] == pytest.approx(bca(float(means[0]), means[1:], left_out), abs=1e-9)

    def test_a_pair_is_its_difference(self) -> None:
        second = self.values[::-1]
        assert paired_bootstrap(self.values, second) == bootstrap_mean(second - self.values)
        same = paired_bootstrap(self.values, self.values, method="bca")
        assert same == Interval(0.0, 0.0, 0.0)

    def test_any_function_of_sums_has_an_interval(self) -> None:
        def deviation(sums: Floats) -> Floats:
            found: Floats = np.sqrt(
                np.maximum(sums[..., 1] / sums[..., 2] - (sums[..., 0] / sums[..., 2]) ** 2, 0)
            )
            return found

        rows = np.column_stack([self.values, self.values**2, np.ones(40)])
        found = bootstrap(rows, deviation)
        assert found.value == pytest.approx(self.values.std(), abs=1e-9)
        assert found.low < found.value < found.high

    def test_what_has_no_interval_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="1 group has no interval"):
            bootstrap_mean([1, 2], ["a", "a"])
        with pytest.raises(ConfigurationError, match="there are 2 groups for 3 values"):
            bootstrap_mean([1, 2, 3], ["a", "b"])
        with pytest.raises(ConfigurationError, match="not finite"):
            bootstrap_mean([1, math.nan])
        with pytest.raises(ConfigurationError, match="shape"):
            bootstrap_mean([])
        with pytest.raises(ConfigurationError, match="2 and 1 values"):
            paired_bootstrap([1, 2], [1])
        with pytest.raises(ConfigurationError, match="undefined"):
            bootstrap(np.zeros((3, 1)), lambda sums: sums[..., 0] * np.nan)
        with pytest.raises(ConfigurationError, match="one side"):
            bca(0.0, np.array([1.0, 2.0]), np.array([1.0, 2.0]))
