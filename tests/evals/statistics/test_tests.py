import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.resampling import group_weights
from skillofmind.evals.statistics.tests import (
    Finding,
    binomial_test,
    discordant,
    mcnemar,
    paired_bootstrap_test,
    permutation_test,
    sign_test,
    two_proportions,
)

NUMBERS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=9)
COUNTS = st.integers(0, 60)


class TestPermutation:
    @settings(deadline=None, max_examples=40)
    @given(NUMBERS)
    def test_all_permutations_give_the_p_of_scipy(self, pairs: list[tuple[int, int]]) -> None:
        first, second = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
        found = permutation_test(first, second)
        other = stats.permutation_test(
            (second, first), lambda a, b: (a - b).mean(), permutation_type="samples", n_resamples=np.inf
        )
        assert found.exact
        assert found.p == pytest.approx(min(1.0, other.pvalue), abs=1e-9)
        assert found.statistic == pytest.approx(other.statistic, abs=1e-9)

    @settings(deadline=None)
    @given(NUMBERS, st.integers(1, 4))
    def test_by_group_it_is_the_loop_over_all_swaps(self, pairs: list[tuple[int, int]], size: int) -> None:
        away = [other - one for one, other in pairs]
        groups = [str(place // size) for place in range(len(away))]
        names = sorted(set(groups))
        far = 0
        for signs in itertools.product((1, -1), repeat=len(names)):
            sign = dict(zip(names, signs, strict=True))
            total = sum(value * sign[group] for value, group in zip(away, groups, strict=True))
            far += abs(total) >= abs(sum(away))
        found = permutation_test([one for one, _ in pairs], [other for _, other in pairs], groups)
        assert found.statistic == pytest.approx(sum(away) / len(away), abs=1e-12)
        assert found[1:] == (far / 2 ** len(names), len(names), True)

    def test_drawn_permutations_come_near_the_exact_p_and_are_never_0(self) -> None:
        draw = np.random.default_rng(1)
        first = draw.normal(size=12)
        second = first + draw.normal(0.4, 1, size=12)
        exact, drawn = permutation_test(first, second), permutation_test(first, second, permutations=4000)
        assert (exact.exact, drawn.exact) == (True, False)
        assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p / 4000))
        assert permutation_test(first, first + 1, permutations=999).p == pytest.approx(1 / 1000, abs=1.1e-3)
        assert permutation_test(np.zeros(60), np.ones(60), permutations=999).p == 1 / 1000

    def test_equal_arms_have_p_1(self) -> None:
        assert permutation_test([0.1, 0.7], [0.1, 0.7]) == Finding(0.0, 1.0, 2, True)

    def test_rounding_does_not_make_a_tie_nearer(self) -> None:
        # 0.1 + 0.2 + 0.3 in another order is not 0.6 exactly; all equal signs are the two far ones of eight.
        assert permutation_test([0, 0, 0], [0.3, 0.2, 0.1]).p == 0.25


class TestPairedBootstrap:
    def test_it_is_the_loop_over_resamples(self) -> None:
        draw = np.random.default_rng(2)
        values, groups = draw.normal(0.3, 1, 30), [str(n % 8) for n in range(30)]
        of = np.array([int(group) for group in groups])

        def t_parts(cases: list[int], drawn: list[int]) -> tuple[float, float]:
            mean = values[cases].mean()
            square = sum((values[of == group] - mean).sum() ** 2 for group in drawn)
            return mean, math.sqrt(square) / len(cases)

        whole = t_parts(list(range(30)), list(range(8)))
        drawn = group_weights(8, resamples=400, seed=7)[1:].astype(int)
        far = 0
        for weights in drawn:
            chosen = [group for group in range(8) for _ in range(weights[group])]
            mean, error = t_parts([case for group in chosen for case in range(group, 30, 8)], chosen)
            far += abs(mean - whole[0]) >= abs(whole[0] / whole[1]) * error
        found = paired_bootstrap_test(np.zeros(30), values, groups, resamples=400)
        assert found.p == pytest.approx((1 + far) / 401, abs=1e-12)
        assert found.statistic == pytest.approx(whole[0] / whole[1], abs=1e-9)
        assert (found.n, found.exact) == (8, False)

    def test_without_spread_there_is_nothing_or_all(self) -> None:
        assert paired_bootstrap_test([1, 2], [1, 2]).p == 1.0
        found = paired_bootstrap_test([1, 2, 3], [2, 3, 4], resamples=99)
        assert (found.statistic, found.p) == (math.inf, 0.01)

    def test_one_group_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="1 group"):
            paired_bootstrap_test([1, 2], [2, 3], ["a", "a"])


class TestMcnemar:
    @settings(deadline=None)
    @given(COUNTS, COUNTS)
    def test_it_is_that_of_statsmodels(self, lost: int, won: int) -> None:
        tables = pytest.importorskip(
            "statsmodels.stats.contingency_tables", reason="statsmodels is no dependency"
        )
        table = [[20, lost], [won, 30]]
        exact = tables.mcnemar(table, exact=True)
        assert mcnemar(lost, won).p == pytest.approx(exact.pvalue, abs=1e-9)
        assert mcnemar(lost, won).statistic == exact.statistic
        if lost + won:
            for method, correction in (("chi2", False), ("corrected", True)):
                other = tables.mcnemar(table, exact=False, correction=correction)
                found = mcnemar(lost, won, method=method)  # type: ignore[arg-type]
                assert (found.statistic, found.p) == pytest.approx((other.statistic, other.pvalue), abs=1e-9)

    @settings(deadline=None)
    @given(COUNTS, COUNTS)
    def test_mid_p_leaves_out_half_of_what_was_seen(self, lost: int, won: int) -> None:
        likely = stats.binom(lost + won, 0.5)
        least = min(lost, won)
        expected = 1.0 if lost == won else 2 * (likely.cdf(least - 1) + likely.pmf(least) / 2)
        assert mcnemar(lost, won, method="mid-p").p == pytest.approx(expected, abs=1e-9)
        assert mcnemar(lost, won, method="mid-p").p <= mcnemar(lost, won).p

    def test_pairs_are_counted(self) -> None:
        assert discordant([True, True, False, False], [True, False, True, True]) == (1, 2)
        with pytest.raises(ConfigurationError, match="1 and 2 answers"):
            discordant([True], [True, False])

    @pytest.mark.parametrize("method", ["exact", "mid-p", "chi2", "corrected"])
    def test_without_a_discordant_pair_p_is_1(self, method: str) -> None:
        assert mcnemar(0, 0, method=method).p in (1.0, mcnemar(0, 0).p)  # type: ignore[arg-type]

    def test_a_count_below_0_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="-1 is no count"):
            mcnemar(3, -1)


class TestCounts:
    @settings(deadline=None)
    @given(
        st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.05, 0.95)
    )
    def test_binomial_is_that_of_scipy(self, counts: tuple[int, int], probability: float) -> None:
        found = binomial_test(*counts, probability)
        assert found.p == pytest.approx(stats.binomtest(*counts, probability).pvalue, abs=1e-9)

    @settings(deadline=None)
    @given(st.lists(st.integers(-3, 3), min_size=1, max_size=60))
    def test_sign_is_that_of_statsmodels_and_drops_zeros(self, values: list[int]) -> None:
        descriptive = pytest.importorskip(
            "statsmodels.stats.descriptivestats", reason="statsmodels is no dependency"
        )
        found = sign_test(values)
        assert found.n == sum(value != 0 for value in values)
        if found.n:
            statistic, p = descriptive.sign_test(values)
            assert (found.statistic, found.p) == pytest.approx((statistic, p), abs=1e-9)
        else:
            assert found.p == 1.0

    @settings(deadline=None)
    @given(COUNTS, COUNTS)
    def test_two_proportions_are_those_of_statsmodels(self, first: int, second: int) -> None:
        proportion = pytest.importorskip(
            "statsmodels.stats.proportion", reason="statsmodels is no dependency"
        )
        found = two_proportions(first, 60, second, 75)
        if 0 < first + second < 135:
            z, p = proportion.proportions_ztest([second, first], [75, 60])
            assert (found.statistic, found.p) == pytest.approx((z, p), abs=1e-9)
        else:
            assert found.p == 1.0

    @pytest.mark.parametrize("counts", [(4, 3), (0, 0), (-1, 5)])
    def test_what_is_no_share_is_refused(self, counts: tuple[int, int]) -> None:
        with pytest.raises(ConfigurationError, match="is no share"):
            binomial_test(*counts)
        with pytest.raises(ConfigurationError, match="is no share"):
            two_proportions(1, 2, *counts)
