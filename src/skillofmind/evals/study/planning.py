"""How large a study has to be, and what one of a given size can see; to be asked before it is made.

What `evals.statistics.power` says of independent decided votes is carried over to a study:

- ties decide nothing, so a share of them asks for 1 / (1 - ties) times as many items;
- K raters of one item are no K items: they are worth K / (1 + (K - 1) rho) of them, where rho says how alike
  they vote (near 0 where it is a matter of taste, 1 where everybody sees the same);
- several questions share alpha (Bonferroni; Holm, which the results use, never needs more).
"""

import math

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.evals.statistics.power import (
    design_effect,
    detectable_rating,
    detectable_win_rate,
    items_for_rating,
    items_for_win_rate,
)
from skillofmind.evals.study.records import Kind

WIN_RATES = (0.55, 0.60, 0.65, 0.70, 0.75)
"""Win rates that a plan tells the items for."""

DIFFERENCES = (0.1, 0.2, 0.3, 0.5, 0.8)
"""Differences of mean ratings, in points of the scale, likewise."""

SIZES = (25, 50, 100, 200, 500)
"""Numbers of items that a plan tells the smallest effect for."""


class Assumptions(Record, frozen=True):
    """What a plan takes for granted.

    Attributes:
        kind: pairs or ratings.
        overlap: raters of each item.
        raters: people who share the items.
        alike: rho, how alike raters of one item vote, 0 to 1.
        ties: share of votes for neither.
        criteria: questions that are tested.
        deviation: of the differences between two systems' ratings of one item, in points.
        alpha: rate of false finds, two-sided.
        power: rate of finds.
        seconds: of one page.
    """

    kind: Kind = "pairs"
    overlap: int = 1
    raters: int = 1
    alike: float = 0.3
    ties: float = 0.0
    criteria: int = 1
    deviation: float = 1.0
    alpha: float = 0.05
    power: float = 0.8
    seconds: float = 40.0


class Needed(Record, frozen=True):
    """One effect and what it takes, or one size and what it sees.

    Attributes:
        effect: a win rate, or a difference in points; `None` where the items are too few to show any.
        items: how many.
        votes: of each question, of all raters.
        minutes: of one rater.
    """

    effect: float | None
    items: int
    votes: int
    minutes: float


class StudyPlan(Record, frozen=True):
    """What a study of these assumptions takes and sees.

    Attributes:
        assumptions: all of them.
        needed: effects and the items that show them.
        seen: numbers of items and the smallest effect that they show.
    """

    assumptions: Assumptions
    needed: tuple[Needed, ...]
    seen: tuple[Needed, ...]


def plan(given: Assumptions, effects: tuple[float, ...] = (), sizes: tuple[int, ...] = ()) -> StudyPlan:
    """Return what a study takes and sees; without effects and sizes, of those that are usual.

    Raises:
        ConfigurationError: a number is outside of what it may be.
    """
    _check(given)
    usual = WIN_RATES if given.kind == "pairs" else DIFFERENCES
    return StudyPlan(
        given,
        tuple(_row(given, effect, items_for(given, effect)) for effect in effects or usual),
        tuple(_row(given, smallest_effect(given, items), items) for items in sizes or SIZES),
    )


def items_for(given: Assumptions, effect: float) -> int:
    """Return the items that show an effect: a win rate, or a difference in points.

    Raises:
        ConfigurationError: there is no such effect, or no number of items shows it.
    """
    alpha = given.alpha / given.criteria
    if given.kind == "pairs":
        alone = items_for_win_rate(effect, alpha=alpha, power=given.power) / (1 - given.ties)
    else:
        alone = items_for_rating(effect, given.deviation, alpha=alpha, power=given.power)
    return max(1, math.ceil(alone / _worth(given) - 1e-9))


def smallest_effect(given: Assumptions, items: int) -> float | None:
    """Return the smallest effect that so many items show; `None` where they are too few.

    Raises:
        ConfigurationError: there are fewer than one.
    """
    alpha = given.alpha / given.criteria
    if items < 1:
        raise ConfigurationError(f"{items!r} items are no study; give 1 or more.")
    if given.kind == "pairs":
        decided = math.floor(items * _worth(given) * (1 - given.ties) + 1e-9)
        return detectable_win_rate(decided, alpha=alpha, power=given.power) if decided else None
    worth = math.floor(items * _worth(given) + 1e-9)
    return detectable_rating(worth, given.deviation, alpha=alpha, power=given.power) if worth > 1 else None


def _worth(given: Assumptions) -> float:
    """Return how many items with one rater an item with all of its raters is worth."""
    return given.overlap / design_effect(given.overlap, given.alike)


def _row(given: Assumptions, effect: float | None, items: int) -> Needed:
    votes = items * given.overlap
    return Needed(effect, items, votes, votes / given.raters * given.seconds / 60)


def _check(given: Assumptions) -> None:
    for name, value, low, high in (
        ("overlap", given.overlap, 1, given.raters),
        ("alike", given.alike, 0, 1),
        ("ties", given.ties, 0, 0.99),
        ("criteria", given.criteria, 1, 1000),
        ("seconds", given.seconds, 1, 86400),
    ):
        if not low <= value <= high:
            raise ConfigurationError(f"--{name} {value!r} must be {low} to {high}.")
