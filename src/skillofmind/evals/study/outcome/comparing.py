"""Systems compared by one criterion, with the statistics of `evals.statistics`; needs the extra `eval`."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from statistics import fmean

import numpy as np

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.clusters import mean_with_cluster_errors
from skillofmind.evals.statistics.pairwise import Comparison, bradley_terry, win_rate
from skillofmind.evals.statistics.power import detectable_rating, detectable_win_rate
from skillofmind.evals.statistics.tests import permutation_test
from skillofmind.evals.study.outcome.records import PairResult, RatingDifference, RatingResult, StrengthResult
from skillofmind.evals.study.outcome.votes import FIRST, SAME, Vote

ALPHA, POWER = 0.05, 0.8
"""Of the smallest effect that is told."""


def pair_result(given: Sequence[Vote], first: str, second: str) -> PairResult:
    """Return how two systems that were compared stand to one another, by one criterion."""
    mine = [vote for vote in given if (vote.first, vote.second) == (first, second)]
    found = win_rate([_comparison(vote) for vote in mine], first, second)
    points = [0.5 if vote.value == SAME else float(vote.value == FIRST) for vote in mine]
    test = permutation_test(points, [1 - one for one in points], [vote.group for vote in mine])
    return PairResult(
        first=first,
        second=second,
        wins=found.wins,
        losses=found.losses,
        ties=found.ties,
        rate=found.rate.value,
        low=found.rate.low,
        high=found.rate.high,
        wilson=(found.wilson.low, found.wilson.high),
        p=test.p,
        adjusted=None,
        dialogues=found.groups,
        detectable=detectable_win_rate(found.groups, alpha=ALPHA, power=POWER),
    )


def strengths(given: Sequence[Vote], name: str, notes: list[str]) -> tuple[StrengthResult, ...]:
    """Return the strength of each system by one criterion; says in `notes` where the votes give none."""
    try:
        found = bradley_terry([_comparison(vote) for vote in given])
    except ConfigurationError as error:
        notes.append(f"No strengths by {name}: {error}")
        return ()
    return tuple(StrengthResult(one.name, one.value, one.low, one.high) for one in found.strengths)


def _comparison(vote: Vote) -> Comparison:
    winner = "" if vote.value == SAME else vote.first if vote.value == FIRST else vote.second
    return Comparison(vote.first, vote.second, winner, vote.group)


def ratings(systems: Sequence[str], given: Sequence[Vote], points: int) -> Iterator[RatingResult]:
    """Yield the mean rating of each system that was rated, by one criterion on a scale of `points`."""
    for system in systems:
        mine = [vote for vote in given if vote.first == system]
        values, groups = [int(vote.value) for vote in mine], [vote.group for vote in mine]
        if not values:
            continue
        counts = tuple(values.count(point) for point in range(1, points + 1))
        if len(set(groups)) < 2:
            yield RatingResult(system, fmean(values), None, None, None, counts)
            continue
        found = mean_with_cluster_errors(values, groups)
        yield RatingResult(system, found.value, found.low, found.high, found.error, counts)


def differences(systems: Sequence[str], given: Sequence[Vote]) -> Iterator[RatingDifference]:
    """Yield each pair of systems that were rated on two dialogues or more; an item counts once."""
    means = {system: _item_means(given, system) for system in systems}
    for first, second in combinations(systems, 2):
        items = [item for item in means[first] if item in means[second]]
        groups = [means[first][item][1] for item in items]
        if len(set(groups)) < 2:
            continue
        one, other = ([means[system][item][0] for item in items] for system in (first, second))
        apart = np.array(other) - np.array(one)
        found = mean_with_cluster_errors(apart, groups)
        spread = float(apart.std(ddof=1))
        yield RatingDifference(
            first=first,
            second=second,
            value=found.value,
            low=found.low,
            high=found.high,
            p=permutation_test(one, other, groups).p,
            adjusted=None,
            items=len(items),
            detectable=detectable_rating(len(items), spread, alpha=ALPHA, power=POWER) if spread else None,
        )


def _item_means(given: Sequence[Vote], system: str) -> dict[str, tuple[float, str]]:
    """Return item -> mean rating and dialogue."""
    found: dict[str, list[Vote]] = {}
    for vote in given:
        if vote.first == system:
            found.setdefault(vote.item, []).append(vote)
    return {item: (fmean(int(one.value) for one in of), of[0].group) for item, of in found.items()}
