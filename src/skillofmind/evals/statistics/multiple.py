"""Many tests at once: p-values as they have to be read when any of several could have been the lucky one.

- *Holm*: the chance of one false find or more stays below alpha, however the tests depend on each other.
- *Benjamini-Hochberg*: of what is found, the expected share of false finds stays below alpha; for tests that
  are independent or positively dependent.

    Holm: sorted p_1 <= ... <= p_m, adjusted_i = max over j <= i of min(1, (m - j + 1) p_j)
    BH:   adjusted_i = min over j >= i of min(1, m p_j / j)

Reject where the adjusted value is at most alpha. Tests that could not be made (`None`) stay `None` and do not
count. Equal to `statsmodels.stats.multitest.multipletests` with `holm` and `fdr_bh`.

    >>> holm([0.01, 0.04, None, 0.03])
    (0.03, 0.06, None, 0.06)
"""

from collections.abc import Callable, Sequence

import numpy as np

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.resampling import Floats


def holm(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return the p-values adjusted by Holm's step-down method, in the order given.

    Raises:
        ConfigurationError: a p-value is not between 0 and 1.
    """
    return _adjusted(ps, lambda p: np.maximum.accumulate(p * np.arange(len(p), 0, -1)))


def benjamini_hochberg(ps: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return the p-values adjusted by Benjamini's and Hochberg's step-up method, in the order given.

    Raises:
        ConfigurationError: a p-value is not between 0 and 1.
    """
    return _adjusted(
        ps, lambda p: np.minimum.accumulate((p * (len(p) / np.arange(1, len(p) + 1)))[::-1])[::-1]
    )


def _adjusted(ps: Sequence[float | None], adjust: Callable[[Floats], Floats]) -> tuple[float | None, ...]:
    there = [index for index, p in enumerate(ps) if p is not None]
    given = np.array([ps[index] for index in there], dtype=np.float64)
    for p in given:
        if not 0 <= p <= 1:
            raise ConfigurationError(f"{float(p)!r} is no p-value; give numbers from 0 to 1.")
    order = np.argsort(given, kind="stable")
    found: list[float | None] = [None] * len(ps)
    for place, value in zip(order, np.minimum(adjust(given[order]), 1.0), strict=True):
        found[there[place]] = float(value)
    return tuple(found)
