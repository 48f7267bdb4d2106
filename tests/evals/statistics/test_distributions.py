import sys

import numpy as np
import pytest
from scipy import stats

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.evals.statistics import distributions as d


def test_quantiles_and_tails_are_those_of_scipy_stats() -> None:
    assert d.normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), abs=1e-12)
    assert d.normal_below(-1.3) == pytest.approx(stats.norm.cdf(-1.3), abs=1e-12)
    assert d.two_sided(2.1) == d.two_sided(-2.1) == pytest.approx(2 * stats.norm.sf(2.1), abs=1e-12)
    assert d.t_quantile(0.975, 6) == pytest.approx(stats.t.ppf(0.975, 6), abs=1e-9)
    assert d.t_two_sided(-2.5, 11) == pytest.approx(2 * stats.t.sf(2.5, 11), abs=1e-12)
    assert d.noncentral_t_below(1.5, 20, 0.8) == pytest.approx(stats.nct.cdf(1.5, 20, 0.8), abs=1e-9)
    # P(T < 12.7) = P(chi > (24.7 + Z) / 12.7), and far out the series of scipy has no value.
    assert d.noncentral_t_below(12.7, 1, 24.7) == pytest.approx(stats.nct.cdf(12.7, 1, 24.7), abs=1e-9)
    assert d.noncentral_t_below(-2.0, 89, 11.4) == 0.0
    # Some versions of scipy give 1e-184 here.
    assert d.noncentral_t_below(d.t_quantile(0.975, 9), 9, 40) == pytest.approx(0.0, abs=1e-12)
    assert d.chi_squared_above(3.2) == pytest.approx(stats.chi2.sf(3.2, 1), abs=1e-12)
    assert d.beta_quantile(0.025, 3, 8) == pytest.approx(stats.beta.ppf(0.025, 3, 8), abs=1e-12)


@pytest.mark.parametrize(("trials", "probability"), [(0, 0.5), (1, 0.0), (12, 1.0), (30, 0.7), (1500, 0.02)])
def test_binomial_probabilities_are_those_of_scipy_stats(trials: int, probability: float) -> None:
    k = np.arange(trials + 1)
    found = d.binomial(trials, probability)
    assert found == pytest.approx(stats.binom.pmf(k, trials, probability), abs=1e-10)
    assert found.sum() == pytest.approx(1, abs=1e-10)
    below = d.binomial_at_most(k, trials, probability)
    assert below == pytest.approx(stats.binom.cdf(k, trials, probability), abs=1e-12)


def test_the_ratio_of_gammas_stays_finite() -> None:
    assert d.gamma_ratio(5, 3) == pytest.approx(12, rel=1e-12)
    assert d.gamma_ratio(500.5, 500) == pytest.approx(22.3551, abs=1e-3)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_is_between_0_and_1(value: float) -> None:
    assert d.share("alpha", 0.05) == 0.05
    with pytest.raises(ConfigurationError, match="must be more than 0 and less than 1"):
        d.share("alpha", value)


def test_without_scipy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "skillofmind.evals.statistics.distributions")
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtra, match=r"pip install 'skillofmind\[eval\]'"):
        import skillofmind.evals.statistics.distributions  # noqa: F401
