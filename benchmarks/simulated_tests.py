"""Tests on data in which nothing differs, for `benchmarks.statistics_check`."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.simulated import (
    ALPHA,
    DRAWS,
    Check,
    Draw,
    accuracy,
    cost,
    dialogues,
    labelled,
    ratings,
    rejects,
    skewed,
)
from skillofmind.evals.measure import Measure, differences
from skillofmind.evals.statistics import clusters, multiple, tests
from skillofmind.evals.statistics.distributions import binomial
from skillofmind.evals.statistics.resampling import Floats


@cache
def checks_of_tests() -> list[Check]:
    """Return the checks of tests."""
    return [*_paired(), *_counts(), *_by_dialogue(), *_measures(), *_several()]


def _paired() -> list[Check]:
    def normal(draw: Draw, seed: int, n: int, test: Callable[..., tests.Finding], **more: int) -> bool:
        first = draw.normal(size=n)
        return rejects(test(first, first + draw.normal(size=n), seed=seed, **more).p)

    # 2^10 sign patterns come in pairs: p <= 0.05 takes the 25 most extreme of 512.
    exact = int(ALPHA * 1024) // 2 * 2 / 1024
    return [
        Check("permutation_test, exact, 10 pairs", partial(normal, n=10, test=tests.permutation_test), exact),
        Check(
            "permutation_test, drawn, 40 pairs",
            partial(normal, n=40, test=tests.permutation_test, permutations=DRAWS),
            ALPHA,
        ),
        *(
            Check(
                f"paired_bootstrap_test, {n} pairs",
                partial(normal, n=n, test=tests.paired_bootstrap_test, resamples=DRAWS),
                ALPHA,
            )
            for n in (15, 40)
        ),
    ]


def _counts() -> list[Check]:
    """Return the tests of counts, whose sizes are exact sums."""

    def mcnemar(draw: Draw, _: int, method: Any) -> bool:
        lost, won = draw.multinomial(200, [0.1, 0.1, 0.8])[:2]
        return rejects(tests.mcnemar(int(lost), int(won), method=method).p)

    def sign(draw: Draw, _: int) -> bool:
        return rejects(tests.sign_test(draw.normal(size=50)).p)

    def wins(draw: Draw, _: int) -> bool:
        return rejects(tests.binomial_test(int(draw.binomial(100, 0.5)), 100).p)

    def shares(draw: Draw, _: int) -> bool:
        first, second = draw.binomial(100, 0.3, 2)
        return rejects(tests.two_proportions(int(first), 100, int(second), 100).p)

    methods = ("exact", "mid-p", "chi2", "corrected")
    return [
        *(
            Check(
                f"mcnemar {method}, 200 items, 20 % differ",
                partial(mcnemar, method=method),
                mcnemar_size(method),
            )
            for method in methods
        ),
        Check(
            "sign_test, 50 values", sign, _size(50, lambda k: tests.sign_test([1] * k + [-1] * (50 - k)).p)
        ),
        Check("binomial_test, 100 wins or losses", wins, _size(100, lambda k: tests.binomial_test(k, 100).p)),
        Check("two_proportions, 100 and 100 at 0.3", shares, proportions_size()),
    ]


def _size(n: int, p: Callable[[int], float]) -> float:
    return float(sum(likely for k, likely in enumerate(binomial(n, 0.5)) if rejects(p(k))))


def mcnemar_size(method: Any) -> float:
    """Return how often it rejects with 200 items, 20 % of which differ, and no difference."""
    found = 0.0
    for n, likely in enumerate(binomial(200, 0.2)):
        if likely > 1e-9:
            found += float(likely) * _size(n, lambda k, n=n: tests.mcnemar(k, n - k, method=method).p)  # type: ignore[misc]
    return found


def proportions_size() -> float:
    """Return how often it rejects with two shares of 0.3 among 100."""
    likely = binomial(100, 0.3)
    near = [k for k, share in enumerate(likely) if share > 1e-9]
    return float(
        sum(
            likely[one] * likely[other]
            for one in near
            for other in near
            if rejects(tests.two_proportions(one, 100, other, 100).p)
        )
    )


def _by_dialogue() -> list[Check]:
    def permuted(draw: Draw, seed: int, count: int, kind: Callable[..., Floats], known: bool) -> bool:
        groups = dialogues(draw, count)
        values = kind(draw, groups)
        of = groups if known else None
        zero = np.zeros(len(values))
        return rejects(tests.permutation_test(zero, values, of, permutations=DRAWS, seed=seed).p)

    def drawn(draw: Draw, seed: int, count: int) -> bool:
        groups = dialogues(draw, count)
        values = ratings(draw, groups)
        found = tests.paired_bootstrap_test(np.zeros(len(values)), values, groups, resamples=DRAWS, seed=seed)
        return rejects(found.p)

    def robust(draw: Draw, _: int, count: int, correction: Any, known: bool = True) -> bool:
        groups = dialogues(draw, count)
        of = groups if known else [str(n) for n in range(len(groups))]
        return rejects(clusters.mean_with_cluster_errors(ratings(draw, groups), of, correction=correction).p)

    def apart(draw: Draw, _: int, count: int) -> bool:
        one, other = dialogues(draw, count), dialogues(draw, count)
        names = [f"other {group}" for group in other]
        found = clusters.difference_with_cluster_errors(ratings(draw, one), one, ratings(draw, other), names)
        return rejects(found.p)

    found = []
    for count in (15, 30):
        places = f"{count} dialogues"
        found += [
            Check(
                f"permutation_test by dialogue, {places}",
                partial(permuted, count=count, kind=ratings, known=True),
                ALPHA,
            ),
            Check(f"paired_bootstrap_test by dialogue, {places}", partial(drawn, count=count), ALPHA),
            Check(
                f"mean_with_cluster_errors CR1, {places}",
                partial(robust, count=count, correction="CR1"),
                ALPHA,
            ),
            Check(
                f"mean_with_cluster_errors CR0, {places}",
                partial(robust, count=count, correction="CR0"),
                ALPHA,
                True,
            ),
            Check(f"difference_with_cluster_errors, {places} a side", partial(apart, count=count), ALPHA),
        ]
    return [
        *found,
        Check(
            "permutation_test by case, 30 dialogues",
            partial(permuted, count=30, kind=ratings, known=False),
            ALPHA,
            True,
        ),
        Check(
            "naive t test by case, 30 dialogues",
            partial(robust, count=30, correction="CR1", known=False),
            ALPHA,
            True,
        ),
        Check(
            "permutation_test by dialogue, 30 dialogues, means equal and sides not (log-normal)",
            partial(permuted, count=30, kind=skewed, known=True),
            ALPHA,
            True,
        ),
    ]


def _measures() -> list[Check]:
    def tested(draw: Draw, seed: int, count: int, kind: Callable[..., Measure], known: bool = True) -> bool:
        groups = dialogues(draw, count)
        pair = kind(draw, groups), kind(draw, groups)
        of = groups if known else [str(n) for n in range(len(groups))]
        return rejects(differences("", ("", ""), [pair], of, resamples=2, permutations=DRAWS, seed=seed)[0].p)

    def check(name: str, kind: Callable[..., Measure], count: int) -> Check:
        # A difference of shares takes few values; the test rejects at the last one that is below alpha.
        discrete = kind is accuracy
        once = partial(tested, count=count, kind=kind)
        return Check(f"measure.differences, {name}, {count} dialogues", once, ALPHA, at_most=discrete)

    return [
        *(check("accuracy", accuracy, count) for count in (15, 30, 100)),
        *(check("macro-F1", labelled, count) for count in (15, 30, 100)),
        check("log-normal mean", cost, 30),
        Check(
            "measure.differences by case, accuracy, 30 dialogues",
            partial(tested, count=30, kind=accuracy, known=False),
            ALPHA,
            True,
        ),
    ]


def _several() -> list[Check]:
    """Return families of ten tests: how often any of them, or a share of what is found, is false."""

    def ps(draw: Draw, true: int) -> list[float]:
        """Ten p-values of arms that share half of their noise, `true` of which differ."""
        common = draw.normal(size=(40, 1))
        values = (common + draw.normal(size=(40, 10))) / 2**0.5
        values[:, :true] += 0.8
        groups = [str(n) for n in range(40)]
        return [clusters.mean_with_cluster_errors(column, groups).p for column in values.T]

    def family(draw: Draw, _: int, adjust: Callable[..., Sequence[float | None]], true: int) -> bool:
        return any(rejects(p) for p in adjust(ps(draw, true))[true:])

    def one_of_found(draw: Draw, _: int) -> bool:
        """Say whether one drawn from what is found is false: so often as the false discovery rate."""
        adjusted = multiple.benjamini_hochberg(ps(draw, 5))
        found = [place for place, p in enumerate(adjusted) if rejects(p)]
        return bool(found) and int(draw.choice(found)) >= 5

    return [
        Check(
            "holm, any of 10 with none true",
            partial(family, adjust=multiple.holm, true=0),
            ALPHA,
            at_most=True,
        ),
        Check(
            "holm, any false of 10 with 5 true",
            partial(family, adjust=multiple.holm, true=5),
            ALPHA,
            at_most=True,
        ),
        Check(
            "benjamini_hochberg, any of 10 with none true",
            partial(family, adjust=multiple.benjamini_hochberg, true=0),
            ALPHA,
            at_most=True,
        ),
        Check(
            "benjamini_hochberg, false share of what is found, 5 of 10 true",
            one_of_found,
            ALPHA,
            at_most=True,
        ),
        Check("no correction, any of 10 with none true", partial(family, adjust=list, true=0), ALPHA, True),
    ]
