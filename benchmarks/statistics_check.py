"""Whether the tests and intervals of `evals` hold what they say, by simulation where the truth is known.

    python -m benchmarks.statistics_check --out results/statistics_check.json

- *tests*: data in which nothing differs is drawn 2,000 times. A test at alpha = 0.05 has to reject as often
  as its size says: 0.05, or less for a test of counts, whose exact size is found by going through all counts.
- *intervals*: data with a known true value is drawn 2,000 times. A 95 % interval has to hold it in 95 % of
  them, or as often as the exact coverage says.

A check *holds* where the rate lies within the central 99 % of the binomial distribution around what is
expected (with 80 checks, about one in a hundred falls outside by chance); below or above that it is
`conservative` or `liberal` for tests, `short` or `wide` for intervals. What ignores dialogues, or has too few
of them, is measured on purpose and marked `contrast`.

Cases of a dialogue are alike: its own rate or level is drawn first (intraclass correlation 0.2 to 0.3), and
dialogues have 1 to 11 cases. Every simulation draws its own data, resamples and permutations.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import machine, parser, report
from skillofmind.evals.measure import Measure, differences, estimates, mean_of
from skillofmind.evals.statistics import clusters, effects, intervals, multiple, pairwise, scaling, tests
from skillofmind.evals.statistics.distributions import binomial, binomial_at_most
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.scorers.agreement import fleiss_kappa, krippendorff_alpha

ALPHA = 0.05
SIMULATIONS = 2000
OUTSIDE = 0.01
_DRAWS = 499

Draw = np.random.Generator


class Check(NamedTuple):
    """One test or interval in one situation.

    Attributes:
        name: what is checked, and where.
        once: draws data with the generator and the seed of the resamples; says whether the test rejected, or
            the interval held the true value.
        expected: rate of that.
        contrast: measured to show that it fails.
        at_most: lower rates are as good.
    """

    name: str
    once: Callable[[Draw, int], bool]
    expected: float
    contrast: bool = False
    at_most: bool = False


def main() -> None:
    """Simulate, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--simulations", type=int, default=SIMULATIONS, metavar="N", help="of every check")
    options.add_argument("--processes", type=int, default=2, metavar="N", help="that simulate side by side")
    given = options.parse_args()
    found = simulate(given.simulations, given.processes)
    report({"benchmark": "statistics_check", "machine": machine(), **found}, given.out)


def simulate(simulations: int, processes: int = 1) -> dict[str, Any]:
    """Return the rate of every check."""
    work = partial(checked, simulations=simulations)
    if processes > 1:
        with get_context("fork").Pool(processes) as pool:
            rows = dict(pool.imap(work, range(len(all_checks())), chunksize=1))
    else:
        rows = dict(map(work, range(len(all_checks()))))
    sides = {
        "tests": [rows[one.name] for one in test_checks()],
        "intervals": [rows[one.name] for one in interval_checks()],
    }
    return {
        "simulations": simulations,
        "alpha": ALPHA,
        "level": 1 - ALPHA,
        "outside_by_chance": OUTSIDE,
        **sides,
    }


def checked(number: int, simulations: int) -> tuple[str, dict[str, Any]]:
    """Return the name and the row of one check."""
    check = all_checks()[number]
    hits = sum(
        check.once(np.random.default_rng([zlib.crc32(check.name.encode()), run]), run)
        for run in range(simulations)
    )
    low, high = bounds(check.expected, simulations)
    below = "conservative" if number < len(test_checks()) else "short"
    above = "liberal" if number < len(test_checks()) else "wide"
    verdict = below if hits < low else above if hits > high else "holds"
    if check.at_most and hits <= high:
        verdict = "holds"
    row = {
        "name": check.name,
        "rate": round(hits / simulations, 4),
        "expected": round(check.expected, 4),
        "low": round(low / simulations, 4),
        "high": round(high / simulations, 4),
        "verdict": verdict,
        "contrast": check.contrast,
    }
    return check.name, row


def bounds(rate: float, simulations: int) -> tuple[int, int]:
    """Return the smallest and the largest count that is no surprise (central 99 %)."""
    below = binomial_at_most(np.arange(simulations + 1), simulations, rate)
    return int(np.searchsorted(below, OUTSIDE / 2)), int(np.searchsorted(below, 1 - OUTSIDE / 2))


def all_checks() -> list[Check]:
    """Return all checks, tests first."""
    return [*test_checks(), *interval_checks()]


# Data where the truth is known.


def dialogues(draw: Draw, count: int) -> list[str]:
    """Return the dialogue of each case: 1 to 11 cases in each."""
    sizes = draw.integers(1, 12, count)
    return [str(group) for group in np.repeat(np.arange(count), sizes)]


def _levels(draw: Draw, groups: Sequence[str], spread: float) -> Floats:
    of = np.array([int(group) for group in groups])
    found: Floats = draw.normal(0, spread, of.max() + 1)[of]
    return found


def ratings(draw: Draw, groups: Sequence[str]) -> Floats:
    """Return normal values of mean 0, 30 % of whose variance is that of their dialogue."""
    found: Floats = _levels(draw, groups, 0.3**0.5) + draw.normal(0, 0.7**0.5, len(groups))
    return found


def skewed(draw: Draw, groups: Sequence[str]) -> Floats:
    """Return log-normal values (sigma 0.8) of mean 0; 30 % of the log variance is that of the dialogue."""
    found: Floats = np.exp(0.8 * ratings(draw, groups)) - np.exp(0.32)
    return found


def right(draw: Draw, groups: Sequence[str], rate: float = 0.7) -> Floats:
    """Return 0 or 1, with the rate of each dialogue from a beta distribution (intraclass correlation 0.2)."""
    of = np.array([int(group) for group in groups])
    own = draw.beta(4 * rate, 4 * (1 - rate), of.max() + 1)
    found: Floats = (draw.random(len(of)) < own[of]).astype(np.float64)
    return found


def labelled(draw: Draw, groups: Sequence[str]) -> Measure:
    """Return the macro-F1 of three labels that are right equally often and mistaken alike; it is 0.7."""
    gold = draw.integers(0, 3, len(groups))
    hit = right(draw, groups).astype(bool)
    said = np.where(hit, gold, (gold + draw.integers(1, 3, len(gold))) % 3)
    rows = np.hstack([np.eye(3)[gold] * hit[:, None], np.eye(3)[gold], np.eye(3)[said]])
    return Measure("macro_f1", rows, _macro_f1, len(gold))


def _macro_f1(sums: Floats) -> Floats:
    both, below = 2 * sums[..., :3], sums[..., 3:6] + sums[..., 6:]
    each: Floats = np.divide(both, below, out=np.zeros_like(both), where=below > 0)
    found: Floats = each.mean(axis=-1)
    return found


# Tests: nothing differs.


@cache
def test_checks() -> list[Check]:
    """Return the checks of tests."""
    return [*_paired(), *_counts(), *_by_dialogue(), *_measures(), *_several()]


def _rejects(p: float | None) -> bool:
    return p is not None and p <= ALPHA


def _paired() -> list[Check]:
    def normal(draw: Draw, seed: int, n: int, test: Callable[..., tests.Tested], **more: int) -> bool:
        first = draw.normal(size=n)
        return _rejects(test(first, first + draw.normal(size=n), seed=seed, **more).p)

    # 2^10 sign patterns come in pairs: p <= 0.05 takes the 25 most extreme of 512.
    exact = int(ALPHA * 1024) // 2 * 2 / 1024
    return [
        Check("permutation_test, exact, 10 pairs", partial(normal, n=10, test=tests.permutation_test), exact),
        Check(
            "permutation_test, drawn, 40 pairs",
            partial(normal, n=40, test=tests.permutation_test, permutations=_DRAWS),
            ALPHA,
        ),
        *(
            Check(
                f"paired_bootstrap_test, {n} pairs",
                partial(normal, n=n, test=tests.paired_bootstrap_test, resamples=_DRAWS),
                ALPHA,
            )
            for n in (15, 40)
        ),
    ]


def _counts() -> list[Check]:
    """Return the tests of counts, whose sizes are exact sums."""

    def mcnemar(draw: Draw, _: int, method: Any) -> bool:
        lost, won = draw.multinomial(200, [0.1, 0.1, 0.8])[:2]
        return _rejects(tests.mcnemar(int(lost), int(won), method=method).p)

    def sign(draw: Draw, _: int) -> bool:
        return _rejects(tests.sign_test(draw.normal(size=50)).p)

    def wins(draw: Draw, _: int) -> bool:
        return _rejects(tests.binomial_test(int(draw.binomial(100, 0.5)), 100).p)

    def shares(draw: Draw, _: int) -> bool:
        first, second = draw.binomial(100, 0.3, 2)
        return _rejects(tests.two_proportions(int(first), 100, int(second), 100).p)

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
    return float(sum(likely for k, likely in enumerate(binomial(n, 0.5)) if _rejects(p(k))))


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
            if _rejects(tests.two_proportions(one, 100, other, 100).p)
        )
    )


def _by_dialogue() -> list[Check]:
    def permuted(draw: Draw, seed: int, count: int, kind: Callable[..., Floats], known: bool) -> bool:
        groups = dialogues(draw, count)
        values = kind(draw, groups)
        of = groups if known else None
        zero = np.zeros(len(values))
        return _rejects(tests.permutation_test(zero, values, of, permutations=_DRAWS, seed=seed).p)

    def drawn(draw: Draw, seed: int, count: int) -> bool:
        groups = dialogues(draw, count)
        values = ratings(draw, groups)
        found = tests.paired_bootstrap_test(
            np.zeros(len(values)), values, groups, resamples=_DRAWS, seed=seed
        )
        return _rejects(found.p)

    def robust(draw: Draw, _: int, count: int, correction: Any, known: bool = True) -> bool:
        groups = dialogues(draw, count)
        of = groups if known else [str(n) for n in range(len(groups))]
        return _rejects(clusters.mean_with_cluster_errors(ratings(draw, groups), of, correction=correction).p)

    def apart(draw: Draw, _: int, count: int) -> bool:
        one, other = dialogues(draw, count), dialogues(draw, count)
        names = [f"other {group}" for group in other]
        found = clusters.difference_with_cluster_errors(ratings(draw, one), one, ratings(draw, other), names)
        return _rejects(found.p)

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
        return _rejects(
            differences("", ("", ""), [pair], of, resamples=2, permutations=_DRAWS, seed=seed)[0].p
        )

    found = []
    for count in (15, 30, 100):
        found.append(
            Check(
                f"measure.differences, accuracy, {count} dialogues",
                partial(tested, count=count, kind=_accuracy),
                ALPHA,
            )
        )
        found.append(
            Check(
                f"measure.differences, macro-F1, {count} dialogues",
                partial(tested, count=count, kind=labelled),
                ALPHA,
            )
        )
    found.append(
        Check(
            "measure.differences, log-normal mean, 30 dialogues", partial(tested, count=30, kind=_cost), ALPHA
        )
    )
    found.append(
        Check(
            "measure.differences by case, accuracy, 30 dialogues",
            partial(tested, count=30, kind=_accuracy, known=False),
            ALPHA,
            True,
        )
    )
    return found


def _accuracy(draw: Draw, groups: Sequence[str]) -> Measure:
    return mean_of("accuracy", right(draw, groups).tolist())


def _cost(draw: Draw, groups: Sequence[str]) -> Measure:
    return mean_of("cost", skewed(draw, groups).tolist())


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
        return any(_rejects(p) for p in adjust(ps(draw, true))[true:])

    def one_of_found(draw: Draw, _: int) -> bool:
        """Say whether one drawn from what is found is false: so often as the false discovery rate."""
        adjusted = multiple.benjamini_hochberg(ps(draw, 5))
        found = [place for place, p in enumerate(adjusted) if _rejects(p)]
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


# Intervals: the true value is known.


@cache
def interval_checks() -> list[Check]:
    """Return the checks of intervals."""
    return [*_shares(), *_means(), *_estimates(), *_compared(), *_agreements(), *_laws()]


def _holds(low: float | None, high: float | None, true: float) -> bool:
    return low is not None and high is not None and low <= true <= high


def _shares() -> list[Check]:
    def share(draw: Draw, _: int, method: Callable[..., intervals.Interval], n: int, rate: float) -> bool:
        found = method(int(draw.binomial(n, rate)), n)
        return _holds(found.low, found.high, rate)

    def odds(draw: Draw, _: int) -> bool:
        found = effects.odds_ratio(int(draw.binomial(100, 0.3)), 100, int(draw.binomial(100, 0.5)), 100)
        return _holds(found.low, found.high, 7 / 3)

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
    return float(sum(p for k, p in enumerate(likely) if _holds(*method(k, n)[1:3], rate)))


def _odds_coverage() -> float:
    first, second = binomial(100, 0.3), binomial(100, 0.5)
    return float(
        sum(
            p * q
            for k, p in enumerate(first)
            for m, q in enumerate(second)
            if p * q > 1e-9 and _holds(*effects.odds_ratio(k, 100, m, 100)[1:3], 7 / 3)
        )
    )


def _means() -> list[Check]:
    def drawn(draw: Draw, seed: int, count: int, kind: Callable[..., Floats], method: Any) -> bool:
        groups = dialogues(draw, count)
        found = intervals.bootstrap_mean(
            kind(draw, groups), groups, method=method, resamples=_DRAWS, seed=seed
        )
        return _holds(found.low, found.high, 0)

    def robust(draw: Draw, _: int, count: int, kind: Callable[..., Floats], known: bool = True) -> bool:
        groups = dialogues(draw, count)
        of = groups if known else [str(n) for n in range(len(groups))]
        found = clusters.mean_with_cluster_errors(kind(draw, groups), of)
        return _holds(found.low, found.high, 0)

    found = []
    for count in (8, 15, 30, 100):
        for kind, name in ((ratings, "normal"), (skewed, "log-normal")):
            where = f"{name} mean, {count} dialogues"
            # Few dialogues with a long tail have no good interval of the mean; that is shown, not hidden.
            hard = count < 15 or (kind is skewed and count < 100)
            found += [
                Check(
                    f"bootstrap {method}, {where}",
                    partial(drawn, count=count, kind=kind, method=method),
                    1 - ALPHA,
                    hard or method == "percentile",
                )
                for method in ("percentile", "expanded", "bca")
            ]
            found.append(
                Check(f"cluster-robust t, {where}", partial(robust, count=count, kind=kind), 1 - ALPHA, hard)
            )
    found += [
        Check(
            f"naive t by case, normal mean, {count} dialogues",
            partial(robust, count=count, kind=ratings, known=False),
            1 - ALPHA,
            True,
        )
        for count in (15, 30, 100)
    ]
    return found


def _estimates() -> list[Check]:
    def one(draw: Draw, seed: int, count: int, kind: Callable[..., Measure], known: bool = True) -> bool:
        groups = dialogues(draw, count)
        of = groups if known else [str(n) for n in range(len(groups))]
        found = estimates([kind(draw, groups)], of, resamples=_DRAWS, seed=seed)[0]
        return _holds(found.low, found.high, 0.7)

    def apart(draw: Draw, seed: int, count: int, kind: Callable[..., Measure]) -> bool:
        groups = dialogues(draw, count)
        pair = kind(draw, groups), kind(draw, groups)
        found = differences("", ("", ""), [pair], groups, resamples=_DRAWS, permutations=2, seed=seed)[0]
        return _holds(found.low, found.high, 0)

    found = []
    for count in (8, 15, 30, 100):
        few = count < 15
        for kind, name in ((_accuracy, "accuracy"), (labelled, "macro-F1")):
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
        partial(one, count=30, kind=_accuracy, known=False),
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
        found = pairwise.win_rate(games, "a", "b", resamples=_DRAWS, seed=seed)
        a, tie = np.exp(0.5), 0.3 * np.exp(0.25)
        ends = found.rate if by_item else found.wilson
        return _holds(ends.low, ends.high, float((a + tie / 2) / (a + 1 + tie)))

    def strength(draw: Draw, seed: int, items: int) -> bool:
        true = {"a": 0.8, "b": 0.2, "c": -0.2, "d": -0.8}
        ranking = pairwise.bradley_terry(judged(draw, true, items, 0.3), resamples=199, seed=seed)
        found = {one.name: one for one in ranking.strengths}
        return _holds(found["a"].low, found["a"].high, true["a"])

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
        return _holds(found.low, found.high, 0.64)

    def kappa(draw: Draw, _: int, items: int) -> bool:
        counts = ({str(label): row.count(label) for label in range(4)} for row in rated(draw, items))
        found = fleiss_kappa(counts)
        return _holds(found.low, found.high, 0.64)

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
        return _holds(ends.low, ends.high, true)

    return [
        Check("scaling, c, 300 dialogues, 6 sizes", partial(law, what="c"), 1 - ALPHA, True),
        Check("scaling, error at 4 times the largest size", partial(law, what="ahead"), 1 - ALPHA, True),
    ]


if __name__ == "__main__":
    main()
