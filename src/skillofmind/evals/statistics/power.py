"""How many items a comparison needs, and what it can see with those there are. To be asked before it is made.

| question | formula |
| --- | --- |
| win rate p against 50 % | n = ((z_a / 2 + z_b sqrt(p (1 - p))) / (p - 1/2))^2; exact binomial test |
| paired accuracy | n = ((z_a sqrt(s) + z_b sqrt(s - d^2)) / d)^2 (Connor 1987); exact McNemar test |
| mean rating, difference in deviations | paired and unpaired t test by the non-central t |
| several items of one dialogue | n times the design effect 1 + (m - 1) rho |

z_a and z_b are the normal quantiles of 1 - alpha / 2 (two-sided) and of the power. The first is the score
test: variance 1/4 where nothing differs, p (1 - p) where it does. It counts what is decided; ties are extra.
In the second, d is the difference and s the share of items that just one of both arms gets right. In the
last, m are the items of a dialogue and rho is their intraclass correlation.

    >>> [items_for_win_rate(p) for p in (0.55, 0.60, 0.65, 0.70, 0.75)]
    [783, 194, 85, 47, 29]
    >>> [round(detectable_win_rate(n), 2) for n in (25, 30, 100, 500)]
    [0.77, 0.75, 0.64, 0.56]
"""

import math
from collections.abc import Callable

import numpy as np

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.distributions import (
    binomial,
    binomial_at_most,
    noncentral_t_below,
    normal_quantile,
    share,
    t_quantile,
)

ALPHA = 0.05
"""Rate of false finds, two-sided."""

POWER = 0.8
"""Rate of finds where there is something to find."""

_MOST = 10_000_000
"""Items that nobody has; a question for more has no answer."""


def items_for_win_rate(rate: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Return how many decided comparisons show that a win rate is not 50 %.

    Args:
        rate: the true win rate, more than 0 and less than 1, not 0.5.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Raises:
        ConfigurationError: one of them is outside.
    """
    share("win rate", rate)
    if rate == 0.5:
        raise ConfigurationError(
            "a win rate of 0.5 differs from 50 % by nothing; no number of items shows it."
        )
    return _whole((_wins(rate, alpha, power) / (rate - 0.5)) ** 2)


def _wins(rate: float, alpha: float, power: float) -> float:
    za, zb = _quantiles(alpha, power)
    return za / 2 + zb * math.sqrt(rate * (1 - rate))


def detectable_win_rate(items: int, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the smallest win rate above 50 % that so many decided comparisons show.

    Args:
        items: at least 1.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Returns:
        More than 0.5 and less than 1; `None` where the items are too few to show any.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _count(items)
    return _lowest(lambda p: (p - 0.5) * math.sqrt(items) - _wins(p, alpha, power), 0.5, 1.0)


def win_rate_power(items: int, rate: float, *, alpha: float = ALPHA) -> float:
    """Return how often the exact binomial test finds a win rate, 0 to 1.

    The test rejects where twice the smaller tail is at most alpha, so with 50 % it finds less than alpha.

    Args:
        items: decided comparisons, at least 1.
        rate: the true win rate, 0 to 1.
        alpha: rate of false finds, two-sided.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _count(items)
    if not 0 <= rate <= 1:
        raise ConfigurationError(f"win rate {rate!r} is no share; give a number from 0 to 1.")
    return float(binomial(items, rate)[_rejected(items, share("alpha", alpha))].sum())


def _rejected(trials: int, alpha: float) -> "np.typing.NDArray[np.bool_]":
    """Return for each count of successes whether the exact two-sided test of 50 % rejects."""
    k = np.arange(trials + 1)
    found: np.typing.NDArray[np.bool_] = 2 * binomial_at_most(np.minimum(k, trials - k), trials, 0.5) <= alpha
    return found


def exact_items_for_win_rate(rate: float, *, alpha: float = ALPHA, power: float = POWER) -> int:
    """Return the number of decided comparisons from which on the exact binomial test has the power.

    The power of a test of counts goes up and down with one item more; from this number on it stays above.

    Args:
        rate: the true win rate, more than 0 and less than 1, at least 0.02 from 0.5.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Raises:
        ConfigurationError: one of them is outside.
    """
    if abs(rate - 0.5) < 0.02:
        raise ConfigurationError(
            f"win rate {rate!r} is too near 0.5 to count exactly; use items_for_win_rate."
        )
    about = items_for_win_rate(rate, alpha=alpha, power=power)
    # The saw never goes further than a tooth from the normal curve; twice that and some is past its end.
    for items in range(2 * about + 50, 0, -1):
        if win_rate_power(items, rate, alpha=alpha) < power:
            return items + 1
    return 1


def items_for_accuracy(
    difference: float, discordant: float, *, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Return how many items show a difference in accuracy of two arms on the same items.

    Args:
        difference: of the accuracies, not 0; at most `discordant` either way.
        discordant: share of items that just one of them gets right, at most 1.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _discordant(discordant)
    if not 0 < abs(difference) <= discordant:
        raise ConfigurationError(
            f"difference {difference!r} must not be 0, nor more than the discordant share {discordant!r}."
        )
    return _whole((_apart(abs(difference), discordant, alpha, power) / difference) ** 2)


def _apart(difference: float, discordant: float, alpha: float, power: float) -> float:
    za, zb = _quantiles(alpha, power)
    return za * math.sqrt(discordant) + zb * math.sqrt(max(discordant - difference**2, 0.0))


def detectable_accuracy(
    items: int, discordant: float, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """Return the smallest difference in accuracy of two arms that so many items show.

    Args:
        items: at least 1.
        discordant: share of items that just one arm gets right, more than 0 and at most 1.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Returns:
        More than 0, at most `discordant`; `None` where the items are too few to show any.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _count(items)
    _discordant(discordant)
    return _lowest(lambda d: d * math.sqrt(items) - _apart(d, discordant, alpha, power), 0.0, discordant)


def accuracy_power(items: int, difference: float, discordant: float, *, alpha: float = ALPHA) -> float:
    """Return how often the exact McNemar test finds a difference in accuracy, 0 to 1.

    Summed over how many items are discordant, and over which arm is right on them.

    Args:
        items: at least 1.
        difference: of the accuracies, at most `discordant` either way.
        discordant: share of items that just one arm gets right, more than 0 and at most 1.
        alpha: rate of false finds, two-sided.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _count(items)
    _discordant(discordant)
    if abs(difference) > discordant:
        raise ConfigurationError(
            f"difference {difference!r} is more than the discordant share {discordant!r}."
        )
    wins = (discordant + difference) / (2 * discordant)
    likely = binomial(items, discordant)
    found = 0.0
    for count in np.flatnonzero(likely > 1e-12):
        found += float(likely[count]) * float(binomial(int(count), wins)[_rejected(int(count), alpha)].sum())
    return found


def items_for_rating(
    difference: float, deviation: float, *, paired: bool = True, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Return how many items show a difference of mean ratings by Student's t test.

    Args:
        difference: of the means, not 0.
        deviation: standard deviation of the differences where `paired`, else of the ratings of one arm; more
            than 0.
        paired: both arms are rated on the same items; otherwise it is the number for each arm.
        alpha: rate of false finds, two-sided.
        power: rate of finds.

    Raises:
        ConfigurationError: one of them is outside, or more than ten million items were needed.
    """
    share("power", power)
    if not difference:
        raise ConfigurationError("a difference of 0 is none; no number of items shows it.")

    def enough(items: int) -> bool:
        return rating_power(items, difference, deviation, paired=paired, alpha=alpha) >= power

    most = 2
    while not enough(most):
        most *= 2
        if most > _MOST:
            raise ConfigurationError(
                f"difference {difference!r} needs more than {_MOST:,} items; ask for a larger one."
            )
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def rating_power(
    items: int, difference: float, deviation: float, *, paired: bool = True, alpha: float = ALPHA
) -> float:
    """Return how often Student's t test finds a difference of mean ratings, 0 to 1.

    Args:
        items: at least 2; of each arm where not `paired`.
        difference: of the means.
        deviation: as in `items_for_rating`.
        paired: both arms are rated on the same items.
        alpha: rate of false finds, two-sided.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _count(items, 2)
    if deviation <= 0:
        raise ConfigurationError(f"deviation {deviation!r} must be more than 0.")
    df = items - 1 if paired else 2 * (items - 1)
    shift = abs(difference) / deviation * math.sqrt(items if paired else items / 2)
    edge = t_quantile(1 - share("alpha", alpha) / 2, df)
    return 1 - noncentral_t_below(edge, df, shift) + noncentral_t_below(-edge, df, shift)


def detectable_rating(
    items: int, deviation: float, *, paired: bool = True, alpha: float = ALPHA, power: float = POWER
) -> float:
    """Return the smallest difference of mean ratings that so many items show.

    Args:
        items: at least 2; of each arm where not `paired`.
        deviation: as in `items_for_rating`.
        paired: both arms are rated on the same items.
        alpha: rate of false finds, two-sided.
        power: rate of finds, more than alpha.

    Raises:
        ConfigurationError: one of them is outside.
    """
    _quantiles(alpha, power)
    most = deviation
    while rating_power(items, most, deviation, paired=paired, alpha=alpha) < power:
        most *= 2
    found = _lowest(
        lambda d: rating_power(items, d, deviation, paired=paired, alpha=alpha) - power, 0.0, most
    )
    return most if found is None else found


def design_effect(per_group: float, correlation: float) -> float:
    """Return how many times more items are needed where several come from one dialogue: 1 + (m - 1) rho.

    Args:
        per_group: items of one dialogue, at least 1.
        correlation: intraclass correlation of what is compared, at least -1 / (m - 1) and at most 1; of
            paired differences it is often much lower than that of each arm.

    Raises:
        ConfigurationError: one of them is outside.
    """
    found = 1 + (per_group - 1) * correlation
    if per_group < 1 or correlation > 1 or found < 0:
        raise ConfigurationError(
            f"{per_group!r} items a dialogue, correlation {correlation!r} cannot be; give 1 or more, 0 to 1."
        )
    return found


def inflated(items: int, effect: float) -> int:
    """Return how many items are needed with a design effect, rounded up."""
    return _whole(items * effect)


def effective(items: int, effect: float) -> int:
    """Return how many independent items so many are worth, at least 1 and rounded down."""
    return max(1, math.floor(items / effect + 1e-9))


def _quantiles(alpha: float, power: float) -> tuple[float, float]:
    share("alpha", alpha)
    if not alpha < power < 1:
        raise ConfigurationError(f"power {power!r} must be more than alpha {alpha!r} and less than 1.")
    return normal_quantile(1 - alpha / 2), normal_quantile(power)


def _count(items: int, least: int = 1) -> None:
    if items < least:
        raise ConfigurationError(f"{items!r} items do not do; give {least} or more.")


def _discordant(discordant: float) -> None:
    if not 0 < discordant <= 1:
        raise ConfigurationError(f"discordant share {discordant!r} must be more than 0 and at most 1.")


def _whole(items: float) -> int:
    return max(1, math.ceil(items - 1e-9))


def _lowest(above: Callable[[float], float], low: float, high: float) -> float | None:
    """Return where a rising function passes 0, halving 60 times; `None` where it does not before `high`."""
    if above(high) < 0:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) >= 0 else (middle, high)
    return high
