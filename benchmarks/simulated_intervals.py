"""Intervals on data with a known true value, for `benchmarks.statistics_check`."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.simulated import (
    ALPHA,
    DRAWS,
    Check,
    Draw,
    accuracy,
    dialogues,
    holds,
    labelled,
    ratings,
    skewed,
)
from skillofmind.evals.measure import Measure, differences, estimates
from skillofmind.evals.statistics import clusters, effects, intervals, pairwise, scaling
from skillofmind.evals.statistics.distributions import binomial
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.scorers.agreement import fleiss_kappa, krippendorff_alpha


@cache
def checks_of_intervals() -> list[Check]:
    """Return the checks of intervals."""
    return [*_shares(), *_means(), *_estimates(), *_compared(), *_agreements(), *_laws()]


def _shares() -> list[Check]:
    def share(draw: Draw, _: int, method: Callable[..., intervals.Interval], n: int, rate: float) -> bool:
        found = method(int(draw.binomial(n, rate)), n)
        return holds(found.low, found.high, rate)

    def odds(draw: Draw, _: int) -> bool:
        found = effects.odds_ratio(int(draw.binomial(100, 0.3)), 100, int(draw.binomial(100, 0.5)), 100)
        return holds(found.low, found.high, 7 / 3)

    methods = {"wilson": intervals.wilson, "clopper_pearson": intervals.clopper_pearson}
    return [
        *(
            Check(
                f"{name}, {rate:g} of {n}",
                partial(share, method=method, n=n, rate=rate),
                _coverage(method, n, rate),
            )
            for name, method in methods.items()
            for n, rate in ((30, 0.8), (30, 0.55), (200, 0.95))
        ),
        Check("odds_ratio, 0.3 and 0.5 of 100", odds, _odds_coverage()),
    ]


def _coverage(method: Callable[..., intervals.Interval], n: int, rate: float) -> float:
    likely = binomial(n, rate)
    return float(sum(p for k, p in enumerate(likely) if holds(*method(k, n)[1:3], rate)))


def _odds_coverage() -> float:
    first, second = binomial(100, 0.3), binomial(100, 0.5)
    return float(
        sum(
            p * q
            for k, p in enumerate(first)
            for m, q in enumerate(second)
            if p * q > 1e-9 and holds(*effects.odds_ratio(k, 100, m, 100)[1:3], 7 / 3)
        )
    )


def _means() -> list[Check]:
    def drawn(draw: Draw, seed: int, count: int, kind: Callable[..., Floats], method: Any) -> bool:
        groups = dialogues(draw, count)
        found = intervals.bootstrap_mean(
            kind(draw, groups), groups, method=method, resamples=DRAWS, seed=seed
        )
        return holds(found.low, found.high, 0)

    found = []
    for kind, name in ((ratings, "normal"), (skewed, "log-normal")):
        for count in (8, 15, 30, 100):
            # A long tail and few dialogues have no good interval of the mean; that is shown, not hidden.
            few = count < (15 if kind is ratings else 100)
            found += [
                Check(
                    f"bootstrap {method}, {name} mean, {count} dialogues",
                    partial(drawn, count=count, kind=kind, method=method),
                    1 - ALPHA,
                    few or method != "expanded",
                )
                for method in ("percentile", "expanded", "bca")
            ]
    return [*found, *_robust()]


def _robust() -> list[Check]:
    def t(draw: Draw, _: int, count: int, kind: Callable[..., Floats], equal: bool, known: bool) -> bool:
        groups = dialogues(draw, count, equal=equal)
        of = groups if known else [str(n) for n in range(len(groups))]
        found = clusters.mean_with_cluster_errors(kind(draw, groups), of)
        return holds(found.low, found.high, 0)

    found = []
    for count in (8, 15, 30, 100):
        # Sizes count against few dialogues, too: G - 1 degrees of freedom are too many for unequal ones.
        cases = (
            ("cluster-robust t, normal mean", ratings, True, True, False),
            ("cluster-robust t, normal mean, 1 to 11 cases each", ratings, False, True, count < 100),
            ("cluster-robust t, log-normal mean, 1 to 11 cases each", skewed, False, True, True),
            ("naive t by case, normal mean", ratings, True, False, True),
        )
        for name, kind, equal, known, contrast in cases:
            once = partial(t, count=count, kind=kind, equal=equal, known=known)
            found.append(Check(f"{name}, {count} dialogues", once, 1 - ALPHA, contrast))
    return found


def _estimates() -> list[Check]:
    def one(draw: Draw, seed: int, count: int, kind: Callable[..., Measure], known: bool = True) -> bool:
        groups = dialogues(draw, count)
        of = groups if known else [str(n) for n in range(len(groups))]
        found = estimates([kind(draw, groups)], of, resamples=DRAWS, seed=seed)[0]
        return holds(found.low, found.high, 0.7)

    def apart(draw: Draw, seed: int, count: int, kind: Callable[..., Measure]) -> bool:
        groups = dialogues(draw, count)
        pair = kind(draw, groups), kind(draw, groups)
        found = differences("", ("", ""), [pair], groups, resamples=DRAWS, permutations=2, seed=seed)[0]
        return holds(found.low, found.high, 0)

    found = []
    for count in (8, 15, 30, 100):
        few = count < 15
        for kind, name in ((accuracy, "accuracy"), (labelled, "macro-F1")):
            found += [
                Check(
                    f"interval of measure.estimates, {name}, {count} dialogues",
                    partial(one, count=count, kind=kind),
                    1 - ALPHA,
                    few,
                ),
                Check(
                    f"interval of measure.differences, {name}, {count} dialogues",
                    partial(apart, count=count, kind=kind),
                    1 - ALPHA,
                    few,
                ),
            ]
    by_case = Check(
        "interval of measure.estimates by case, accuracy, 30 dialogues",
        partial(one, count=30, kind=accuracy, known=False),
        1 - ALPHA,
        True,
    )
    return [*found, by_case]


def judged(draw: Draw, strengths: Mapping[str, float], items: int, tie: float) -> list[pairwise.Comparison]:
    """Return every pair of systems on every item by three judges, half of whom say what the first said."""
    names, found = list(strengths), []
    for item in range(items):
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                a, b = np.exp(strengths[one]), np.exp(strengths[other])
                chances = np.array([a, b, tie * (a * b) ** 0.5])
                said = draw.choice(3, 3, p=chances / chances.sum())
                said[1:] = np.where(draw.random(2) < 0.5, said[0], said[1:])
                found += [pairwise.Comparison(one, other, (one, other, "")[k], str(item)) for k in said]
    return found


def _compared() -> list[Check]:
    def rate(draw: Draw, seed: int, items: int, by_item: bool) -> bool:
        games = judged(draw, {"a": 0.5, "b": 0.0}, items, 0.3)
        found = pairwise.win_rate(games, "a", "b", resamples=DRAWS, seed=seed)
        a, tie = np.exp(0.5), 0.3 * np.exp(0.25)
        ends = found.rate if by_item else found.wilson
        return holds(ends.low, ends.high, float((a + tie / 2) / (a + 1 + tie)))

    def strength(draw: Draw, seed: int, items: int) -> bool:
        true = {"a": 0.8, "b": 0.2, "c": -0.2, "d": -0.8}
        ranking = pairwise.bradley_terry(judged(draw, true, items, 0.3), resamples=199, seed=seed)
        found = {one.name: one for one in ranking.strengths}
        return holds(found["a"].low, found["a"].high, true["a"])

    return [
        *(
            Check(
                f"win_rate by item, {n} items by three judges",
                partial(rate, items=n, by_item=True),
                1 - ALPHA,
            )
            for n in (30, 100)
        ),
        Check(
            "win_rate, Wilson by judgement, 100 items by three judges",
            partial(rate, items=100, by_item=False),
            1 - ALPHA,
            True,
        ),
        Check(
            "bradley_terry with ties, 4 systems, 30 items by three judges",
            partial(strength, items=30),
            1 - ALPHA,
        ),
    ]


def _agreements() -> list[Check]:
    def rated(draw: Draw, items: int) -> list[list[int]]:
        """Three people know which of four labels it is with probability 0.8, and guess otherwise: 0.64."""
        known, gold = draw.random((items, 3)) < 0.8, draw.integers(0, 4, (items, 1))
        found: list[list[int]] = np.where(known, gold, draw.integers(0, 4, (items, 3))).tolist()
        return found

    def alpha(draw: Draw, _: int, items: int) -> bool:
        found = krippendorff_alpha(rated(draw, items))
        return holds(found.low, found.high, 0.64)

    def kappa(draw: Draw, _: int, items: int) -> bool:
        counts = ({str(label): row.count(label) for label in range(4)} for row in rated(draw, items))
        found = fleiss_kappa(counts)
        return holds(found.low, found.high, 0.64)

    return [
        Check(f"{name}, {n} items, 3 raters", partial(once, items=n), 1 - ALPHA, n < 100)
        for name, once in (("krippendorff_alpha", alpha), ("fleiss_kappa", kappa))
        for n in (30, 100)
    ]


def _laws() -> list[Check]:
    sizes = (100, 200, 400, 800, 1600, 3200)

    def law(draw: Draw, seed: int, what: str) -> bool:
        groups = dialogues(draw, 300)
        rates = 0.1 + 4 * np.array(sizes, dtype=np.float64) ** -0.5
        # One hardness a case for all sizes, half of the way: what is right with little data is so with more.
        hard = draw.random((len(groups), 1))
        own = np.where(draw.random((len(groups), 1)) < 0.5, hard, draw.random((len(groups), len(sizes))))
        found = scaling.scaling(
            sizes, (own < rates).astype(np.float64), groups, ahead=[12800], resamples=199, seed=seed
        )
        ends, true = (found.c, 0.5) if what == "c" else (found.ahead[12800.0], 0.1 + 4 * 12800**-0.5)
        return holds(ends.low, ends.high, true)

    return [
        Check("scaling, c, 300 dialogues, 6 sizes", partial(law, what="c"), 1 - ALPHA),
        Check("scaling, error at 4 times the largest size", partial(law, what="ahead"), 1 - ALPHA),
    ]
