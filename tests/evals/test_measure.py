from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.measure import (
    Measure,
    corrected,
    differences,
    estimates,
    mean_of,
    quotient,
    ratio_of,
)
from skillofmind.evals.records import Difference
from skillofmind.evals.statistics.intervals import levels
from skillofmind.evals.statistics.resampling import Floats, group_weights, swapped_groups
from skillofmind.evals.statistics.tests import permutation_test

CASES = st.lists(
    st.tuples(st.integers(0, 8).map(float), st.integers(0, 8).map(float), st.sampled_from("abcdef")),
    min_size=2,
    max_size=30,
)
QUICK = settings(deadline=None, max_examples=40)


def macro_f1(gold: list[int], said: list[int]) -> Measure:
    rows = np.hstack([np.eye(3)[gold] * (np.array(gold) == said)[:, None], np.eye(3)[gold] + np.eye(3)[said]])

    def value(sums: Floats) -> Floats:
        below = sums[..., 3:]
        each: Floats = np.divide(2 * sums[..., :3], below, out=np.zeros_like(below), where=below > 0)
        found: Floats = each.mean(axis=-1)
        return found

    return Measure("macro_f1", rows, value, len(gold))


def both(cases: list[tuple[float, float, str]]) -> tuple[tuple[Measure, Measure], list[str]]:
    first, second, groups = zip(*cases, strict=True)
    return (mean_of("m", list(first)), mean_of("m", list(second))), list(groups)


def compared(cases: list[tuple[float, float, str]]) -> Difference:
    pair, groups = both(cases)
    return differences("task", ("one", "two"), [pair], groups, resamples=60, permutations=60)[0]


def small_only(sums: Floats) -> Floats:
    """Return the first column over the second, and nothing above one half."""
    shares = sums[..., 0] / sums[..., 1]
    return np.where(shares <= 0.5, shares, np.nan)


class TestEstimates:
    def test_a_mean_counts_what_is_there(self) -> None:
        [found] = estimates(
            [mean_of("m", [1.0, None, 0.0, 1.0], "lower", "says")], list("aabb"), resamples=50
        )
        assert (found.measure, found.n, found.missing, found.better, found.about) == (
            "m",
            3,
            1,
            "lower",
            "says",
        )
        assert found.value == pytest.approx(2 / 3, abs=1e-12)

    @QUICK
    @given(CASES)
    def test_it_is_the_loop_over_copied_groups(self, cases: list[tuple[float, float, str]]) -> None:
        values, groups = [first for first, _, _ in cases], [group for _, _, group in cases]
        names = list(dict.fromkeys(groups))
        [found] = estimates([mean_of("m", list(values))], groups, resamples=50, seed=3)
        assert found.value == pytest.approx(np.mean(values), abs=1e-9)
        if len(names) < 2:
            assert (found.low, found.high) == (None, None)
            return
        means = []
        for weights in group_weights(len(names), resamples=50, seed=3)[1:]:
            copied = [
                v for v, g in zip(values, groups, strict=True) for _ in range(int(weights[names.index(g)]))
            ]
            means.append(np.mean(copied))
        sizes = np.array([groups.count(name) for name in names])
        ends = np.quantile(means, levels(sizes.sum() ** 2 / (sizes**2).sum()))
        assert (found.low, found.high) == pytest.approx(tuple(ends), abs=1e-9)

    def test_a_measure_of_sums_is_resampled_as_a_whole(self) -> None:
        draw = np.random.default_rng(1)
        gold, groups = draw.integers(0, 3, 40), [str(n // 5) for n in range(40)]
        said = np.where(draw.random(40) < 0.6, gold, draw.integers(0, 3, 40))
        [found] = estimates([macro_f1(gold.tolist(), said.tolist())], groups, resamples=80, seed=2)
        assert found.value == pytest.approx(f1_score(gold, said, average="macro"), abs=1e-9)
        again = []
        for weights in group_weights(8, resamples=80, seed=2)[1:]:
            cases = [n for n in range(40) for _ in range(int(weights[n // 5]))]
            again.append(
                f1_score(gold[cases], said[cases], average="macro", labels=[0, 1, 2], zero_division=0)
            )
        assert (found.low, found.high) == pytest.approx(tuple(np.quantile(again, levels(8))), abs=1e-9)

    @QUICK
    @given(CASES)
    def test_the_order_of_cases_in_a_group_and_its_name_change_nothing(
        self, cases: list[tuple[float, float, str]]
    ) -> None:
        order = sorted(range(len(cases)), key=lambda n: ([g for _, _, g in cases].index(cases[n][2]), -n))
        moved = [cases[n] for n in order]
        renamed = [(first, second, f"dialogue {group}") for first, second, group in cases]
        plain = compared(cases)
        assert compared(renamed) == plain
        assert compared(moved) == plain

    def test_every_case_twice_is_the_same_number_and_interval(self) -> None:
        values, groups = [1.0, 0.0, 1.0, 1.0, 0.0], list("aabcc")
        [once] = estimates([mean_of("m", list(values))], groups)
        [twice] = estimates([mean_of("m", list(values) * 2)], groups * 2)
        assert (twice.value, twice.low, twice.high) == pytest.approx(
            (once.value, once.low, once.high), abs=1e-12
        )
        assert (once.n, twice.n) == (5, 10)

    def test_what_is_undefined_is_none(self) -> None:
        [nothing] = estimates([mean_of("m", [None, None])], ["a", "b"])
        assert (nothing.value, nothing.low, nothing.n, nothing.missing) == (None, None, 0, 2)
        [empty] = estimates([mean_of("m", [])], [])
        assert (empty.value, empty.low, empty.n) == (None, None, 0)

    def test_resamples_without_a_value_are_left_out(self) -> None:
        [found] = estimates([mean_of("m", [1.0, None])], ["a", "b"], resamples=200)
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)

    def test_measures_share_their_resamples(self) -> None:
        one, other = estimates(
            [mean_of("m", [1.0, 2.0, 5.0]), mean_of("minus", [-1.0, -2.0, -5.0])], list("abc"), resamples=99
        )
        assert (other.low, other.high) == pytest.approx((-(one.high or 0), -(one.low or 0)), abs=1e-12)

    def test_rows_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="'m' has 2 rows for 3 cases"):
            estimates([mean_of("m", [1.0, 2.0])], list("abc"))


class TestDifferences:
    @QUICK
    @given(CASES)
    def test_it_is_the_loop_over_swapped_groups(self, cases: list[tuple[float, float, str]]) -> None:
        names = list(dict.fromkeys(group for _, _, group in cases))
        whole = np.mean([second - first for first, second, _ in cases])
        far = 0
        for swap in swapped_groups(len(names), permutations=60, seed=7)[1:]:
            away = [
                (first - second) if swap[names.index(group)] else (second - first)
                for first, second, group in cases
            ]
            far += abs(np.mean(away)) >= abs(whole) - 1e-9
        found = compared(cases)
        assert found.value == pytest.approx(whole, abs=1e-9)
        assert found.p == pytest.approx((1 + far) / 61, abs=1e-12)
        assert (found.task, found.measure, found.first, found.second) == ("task", "m", "one", "two")
        assert (found.n, found.adjusted) == (len(cases), None)
        assert (found.low is None) == (len(names) < 2)

    def test_its_p_comes_near_the_exact_one(self) -> None:
        draw = np.random.default_rng(8)
        first, second = draw.normal(size=36), draw.normal(0.4, 1, 36)
        groups = [str(n // 3) for n in range(36)]
        pair = mean_of("m", first.tolist()), mean_of("m", second.tolist())
        [found] = differences("", ("", ""), [pair], groups, permutations=8000)
        exact = permutation_test(first, second, groups)
        assert exact.exact
        assert found.p == pytest.approx(exact.p, abs=4 * (exact.p / 8000) ** 0.5)
        assert found.value == pytest.approx(exact.statistic, abs=1e-9)

    @QUICK
    @given(CASES)
    def test_turning_sides_turns_the_sign_alone(self, cases: list[tuple[float, float, str]]) -> None:
        found, turned = compared(cases), compared([(second, first, group) for first, second, group in cases])
        assert found.p == turned.p
        assert found.value == pytest.approx(-(turned.value or 0.0), abs=1e-12)
        if found.low is not None:
            assert (found.low, found.high) == pytest.approx(
                (-(turned.high or 0), -(turned.low or 0)), abs=1e-12
            )

    @pytest.mark.parametrize(
        "kind", [lambda v: mean_of("m", v), lambda v: macro_f1([0, 1, 2, 1], [int(x) for x in v])]
    )
    def test_equal_arms_differ_by_nothing(self, kind: Callable[[list[float | None]], Measure]) -> None:
        values: list[float | None] = [0.0, 2.0, 2.0, 1.0]
        [found] = differences("", ("", ""), [(kind(values), kind(values))], list("aabc"))
        assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)

    def test_a_clear_difference_has_the_smallest_p(self) -> None:
        zeros: list[float | None] = [0.0] * 30
        ones: list[float | None] = [1.0] * 30
        [found] = differences(
            "",
            ("", ""),
            [(mean_of("m", zeros), mean_of("m", ones))],
            [str(n) for n in range(30)],
            permutations=499,
        )
        assert (found.value, found.low, found.high, found.p) == (1.0, 1.0, 1.0, 1 / 500)

    def test_large_numbers_that_round_differently_are_a_tie(self) -> None:
        # Swapping both groups gives the same distance from 0, but for the last digits of the means.
        first: list[float | None] = [1000.1, 2000.3, 3000.7]
        second: list[float | None] = [1000.4, 2000.2, 3000.9]
        [found] = differences(
            "", ("", ""), [(mean_of("m", first), mean_of("m", second))], list("abc"), permutations=4000
        )
        exact = permutation_test(np.array(first), np.array(second))
        assert found.p == pytest.approx(exact.p, abs=0.02)

    def test_a_permutation_without_a_value_is_no_evidence(self) -> None:
        # Where both groups' counts go to one side, the other has no value: such swaps count as far out.
        one = ratio_of("m", np.array([[1.0, 1.0], [0.0, 0.0]]), 1)
        other = ratio_of("m", np.array([[0.0, 0.0], [5.0, 1.0]]), 1)
        [found] = differences("", ("", ""), [(one, other)], ["a", "b"], permutations=400)
        assert found.value == 4.0
        assert found.p == 1.0

    def test_undefined_and_empty_differences_are_none(self) -> None:
        nothing = mean_of("m", [None, None])
        [found] = differences("", ("", ""), [(nothing, mean_of("m", [1.0, 2.0]))], ["a", "b"])
        assert (found.value, found.low, found.p, found.n) == (None, None, None, 0)
        [empty] = differences("", ("", ""), [(mean_of("m", []), mean_of("m", []))], [])
        assert (empty.value, empty.p, empty.n) == (None, None, 0)

    def test_rows_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="'m' has 1 rows for 2 cases"):
            differences("", ("", ""), [(mean_of("m", [1.0, 2.0]), mean_of("m", [1.0]))], ["a", "b"])


def test_differences_are_corrected_together() -> None:
    def one(p: float | None) -> Difference:
        return Difference("", "m", "", "", 0.1, 0.0, 0.2, p, None, 5)

    found = corrected([one(0.01), one(None), one(0.03)])
    assert [each.adjusted for each in found] == [0.02, None, 0.03]
    assert [each.p for each in found] == [0.01, None, 0.03]
    assert corrected([]) == ()


def test_a_quotient_of_nothing_is_nan() -> None:
    found = quotient(np.array([[1.0, 2.0], [0.0, 0.0]]))
    assert found[0] == 0.5
    assert np.isnan(found[1])


def test_a_permutation_that_leaves_the_measure_undefined_is_no_evidence() -> None:
    groups = [str(place) for place in range(8)]
    first, second = (
        Measure("m", mean_of("m", hits).rows, small_only, 8) for hits in ([0.0] * 8, [1.0] * 4 + [0.0] * 4)
    )
    found = differences("t", ("x", "y"), [(first, second)], groups, permutations=500)[0]
    assert found.value == 0.5
    # Sides that change leave 0 to 4 hits to each arm, all of which are defined.
    assert found.p is not None
    assert 0.05 < found.p < 0.3
    worse = Measure("m", mean_of("m", [1.0] * 4 + [0.0] * 4).rows, small_only, 8)
    other = Measure("m", mean_of("m", [0.0] * 4 + [1.0] * 4).rows, small_only, 8)
    unclear = differences("t", ("x", "y"), [(worse, other)], groups, permutations=500)[0]
    assert (unclear.value, unclear.p) == (0.0, 1.0)
