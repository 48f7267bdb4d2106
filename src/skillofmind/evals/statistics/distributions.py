"""The few distributions that intervals, tests and power need, as numbers and arrays from `scipy.special`.

Quantiles and tails of the normal, Student's t (central and not), binomial, beta and chi-squared distribution.
`scipy.stats` has all of them and takes a second to import; these are the functions it calls.

    >>> round(normal_quantile(0.975), 6), round(t_quantile(0.975, 14), 6)
    (1.959964, 2.144787)
"""

from typing import Any

import numpy as np

from skillofmind.core.errors import ConfigurationError, MissingExtra
from skillofmind.evals.statistics.resampling import Floats

try:
    from scipy import special
except ImportError as error:
    raise MissingExtra("statistics need scipy; pip install 'skillofmind[eval]'.") from error


def share(name: str, value: float) -> float:
    """Return `value`, which has to be more than 0 and less than 1.

    Raises:
        ConfigurationError: it is not; the message calls it `name`.
    """
    if not 0 < value < 1:
        raise ConfigurationError(f"{name} {value!r} must be more than 0 and less than 1.")
    return value


def normal_quantile(probability: float) -> float:
    """Return the value that a standard normal number stays below with this probability."""
    return float(special.ndtri(probability))


def normal_below(value: float) -> float:
    """Return the probability that a standard normal number is below `value`."""
    return float(special.ndtr(value))


def two_sided(z: float) -> float:
    """Return the probability that a standard normal number is as far from 0 as `z`."""
    return float(2 * special.ndtr(-abs(z)))


def t_quantile(probability: float, df: float) -> float:
    """Return the value that Student's t with `df` degrees of freedom stays below with this probability."""
    return float(special.stdtrit(df, probability))


def t_two_sided(t: float, df: float) -> float:
    """Return the probability that Student's t is as far from 0 as `t`."""
    return float(2 * special.stdtr(df, -abs(t)))


def noncentral_t_below(value: float, df: float, shift: float) -> float:
    """Return the probability that the non-central t with this shift, at least 0, is below `value`."""
    # (Z + shift) / chi is below 0 only where Z is below -shift; far out there, scipy's series gives nan.
    if value <= 0 and shift > 7.2:
        return 0.0
    found = float(special.nctdtr(df, shift, value))
    return found if found == found else 1 - float(special.nctdtr(df, -shift, -value))


def chi_squared_above(value: float, df: float = 1) -> float:
    """Return the probability that a chi-squared number is above `value`."""
    return float(special.chdtrc(df, value))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution with parameters `a` and `b`."""
    return float(special.betaincinv(a, b, probability))


def binomial(trials: int, probability: float) -> Floats:
    """Return the probability of 0, 1, ... `trials` successes, [trials + 1]."""
    k = np.arange(trials + 1)
    ways: Any = special.gammaln(trials + 1) - special.gammaln(k + 1) - special.gammaln(trials - k + 1)
    found: Floats = np.exp(ways + special.xlogy(k, probability) + special.xlog1py(trials - k, -probability))
    return found


def binomial_at_most(successes: Any, trials: Any, probability: float) -> Floats:
    """Return the probability of so many successes or fewer; numbers or arrays."""
    found: Floats = np.asarray(special.bdtr(successes, trials, probability), dtype=np.float64)
    return found


def gamma_ratio(above: float, below: float) -> float:
    """Return Gamma(`above`) / Gamma(`below`), both above 0."""
    return float(np.exp(special.gammaln(above) - special.gammaln(below)))
