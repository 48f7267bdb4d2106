import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.intervals import levels
from skillofmind.evals.statistics.resampling import group_weights
from skillofmind.evals.statistics.scaling import Law, fit_law, scaling

SIZES = (100, 300, 1000, 3000, 10000)
WRONG = (np.random.default_rng(2).random((120, 5)) < 0.1 + 3 * np.array(SIZES) ** -0.5).astype(float)
GROUPS = [str(case // 3) for case in range(120)]


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 0.3), st.floats(0.5, 5), st.floats(0.1, 1.5))
def test_a_law_without_noise_is_found(a: float, b: float, c: float) -> None:
    errors = [a + b * (n / 100) ** -c for n in SIZES]
    found = fit_law(SIZES, errors)
    assert found.residual == pytest.approx(0, abs=1e-8)
    assert found.c == pytest.approx(c, abs=1e-4)
    assert [found.at(n) for n in SIZES] == pytest.approx(errors, abs=1e-7)
    assert found.at(10**6) == pytest.approx(a + b * 1e4**-c, abs=1e-4)


def test_no_other_law_is_nearer() -> None:
    errors = np.array([0.52, 0.33, 0.27, 0.18, 0.17])
    found = fit_law(SIZES, errors)

    def squares(at: tuple[float, float, float]) -> float:
        a, b, c = at
        return float(((errors - a - b * np.array(SIZES, dtype=float) ** -c) ** 2).sum())

    mine = squares((found.a, found.b, found.c))
    best = optimize.minimize(
        lambda at: squares((at[0], at[1] * 100 ** at[2], at[2])),
        (0.1, 0.5, 0.5),
        method="Nelder-Mead",
        options={"xatol": 1e-12, "fatol": 1e-16, "maxiter": 4000},
    )
    assert mine == pytest.approx(best.fun, abs=1e-9)
    assert (found.a, found.c) == pytest.approx((best.x[0], best.x[2]), abs=1e-5)
    assert found.residual == pytest.approx((mine / 5) ** 0.5, abs=1e-12)
    assert not found.at_bound


def test_bounds_hold_and_are_named() -> None:
    # A straight line in log-log goes to 0; errors that rise are a constant.
    to_zero = fit_law(SIZES, [10 * n**-0.5 - 0.02 for n in SIZES])
    assert (to_zero.a, to_zero.at_bound) == (0.0, True)
    rising = fit_law(SIZES, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert rising.b == 0
    assert rising.at_bound
    assert rising.at(50) == pytest.approx(0.3, abs=1e-9)


def test_a_size_may_stand_there_for_every_seed() -> None:
    twice = fit_law([*SIZES, *SIZES], [0.5, 0.3, 0.2, 0.15, 0.1, 0.6, 0.4, 0.25, 0.2, 0.12])
    once = fit_law(SIZES, [0.55, 0.35, 0.225, 0.175, 0.11])
    assert (twice.a, twice.b, twice.c) == pytest.approx((once.a, once.b, once.c), abs=1e-6)


class TestIntervals:
    def test_they_are_those_of_copied_dialogues(self) -> None:
        found = scaling(SIZES, WRONG, GROUPS, ahead=[30000], resamples=40, seed=5)
        drawn = group_weights(40, resamples=40, seed=5)[1:]
        laws: list[Law] = []
        for weights in drawn:
            cases = [case for case in range(120) for _ in range(int(weights[case // 3]))]
            laws.append(fit_law(SIZES, WRONG[cases].mean(axis=0)))
        ends = levels(40)
        assert found.c[1:3] == pytest.approx(tuple(np.quantile([law.c for law in laws], ends)), abs=1e-6)
        assert found.a[1:3] == pytest.approx(tuple(np.quantile([law.a for law in laws], ends)), abs=1e-6)
        ahead = found.ahead[30000.0]
        expected = np.quantile([law.at(30000) for law in laws], ends)
        assert ahead[1:3] == pytest.approx(tuple(expected), abs=1e-6)
        assert ahead.value == pytest.approx(found.law.at(30000), abs=1e-9)

    def test_the_law_is_that_of_all_cases(self) -> None:
        found = scaling(SIZES, WRONG, GROUPS, resamples=20)
        assert found.law == fit_law(SIZES, WRONG.mean(axis=0))
        assert [one.value for one in found.errors] == pytest.approx(WRONG.mean(axis=0).tolist(), abs=1e-12)
        assert (found.sizes, found.groups, found.ahead) == (tuple(map(float, SIZES)), 40, {})
        assert found.c.low <= found.c.value <= found.c.high


@pytest.mark.parametrize(
    ("sizes", "errors", "said"),
    [
        ((1, 2), [0.1, 0.2], "three different"),
        ((1, 2, 2), [0.1, 0.2, 0.3], "three different"),
        ((0, 1, 2), [0.1, 0.2, 0.3], "three different"),
        ((1, 2, 3), [0.1, 0.2], "do not fit 3 sizes"),
        ((1, 2, 3), [0.1, 0.2, float("nan")], "not finite"),
    ],
)
def test_what_cannot_be_fitted_is_refused(sizes: tuple[int, ...], errors: list[float], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        fit_law(sizes, errors)


def test_one_dialogue_has_no_interval() -> None:
    with pytest.raises(ConfigurationError, match="1 groups"):
        scaling(SIZES, WRONG[:3], ["a"] * 3)
