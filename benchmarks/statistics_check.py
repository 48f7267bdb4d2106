"""Whether the tests and intervals of `evals` hold what they say, by simulation where the truth is known.

    python -m benchmarks.statistics_check --out results/statistics_check.json

- *tests*: data in which nothing differs is drawn 2,000 times. A test at alpha = 0.05 has to reject as often
  as its size says: 0.05, or less for a test of counts, whose exact size is found by going through all counts.
- *intervals*: data with a known true value is drawn 2,000 times. A 95 % interval has to hold it in 95 % of
  them, or as often as the exact coverage says.

A check *holds* where the rate lies within the central 99 % of the binomial distribution around what is
expected (with 100 checks, about one falls outside by chance); below or above that it is `conservative` or
`liberal` for tests, `short` or `wide` for intervals. Where less is as good (`at_most`), a conservative test
holds, too. What ignores dialogues, or has too few of them for its method, is measured to show it and marked
`contrast`.

Cases of a dialogue are alike: its own rate or level is drawn first (intraclass correlation 0.2 to 0.3), and
dialogues have 1 to 11 cases. Every simulation draws its own data, resamples and permutations.

A check that has to hold and falls outside is simulated 10,000 times more, with other draws (`again`): whether
it was bad luck or is a little off shows then. Both are published.
"""

import zlib
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from benchmarks.measure import machine, parser, report
from benchmarks.simulated import ALPHA, Check
from benchmarks.simulated_intervals import checks_of_intervals
from benchmarks.simulated_tests import checks_of_tests
from skillofmind.evals.statistics.distributions import binomial_at_most

SIMULATIONS = 2000
AGAIN = 10_000
OUTSIDE = 0.01


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
    for number, check in enumerate(all_checks()):
        if rows[check.name]["verdict"] != "holds" and not check.contrast:
            rows[check.name]["again"] = again(number, AGAIN * simulations // SIMULATIONS)
    sides = {
        "tests": [rows[one.name] for one in checks_of_tests()],
        "intervals": [rows[one.name] for one in checks_of_intervals()],
    }
    return {
        "simulations": simulations,
        "alpha": ALPHA,
        "level": 1 - ALPHA,
        "outside_by_chance": OUTSIDE,
        **sides,
    }


def checked(number: int, simulations: int, outside: float = OUTSIDE) -> tuple[str, dict[str, Any]]:
    """Return the name and the row of one check."""
    check = all_checks()[number]
    row = {"name": check.name, **_found(number, range(simulations), outside)}
    return check.name, row | {"contrast": check.contrast, "at_most": check.at_most}


def again(number: int, simulations: int) -> dict[str, Any]:
    """Return what a check comes to in further simulations, which follow the first ones."""
    runs = range(SIMULATIONS, SIMULATIONS + simulations)
    return {"simulations": simulations, **_found(number, runs, OUTSIDE)}


def _found(number: int, runs: range, outside: float) -> dict[str, Any]:
    check, count = all_checks()[number], len(runs)
    hits = sum(check.once(np.random.default_rng([zlib.crc32(check.name.encode()), run]), run) for run in runs)
    low, high = bounds(check.expected, count, outside)
    below = "conservative" if number < len(checks_of_tests()) else "short"
    above = "liberal" if number < len(checks_of_tests()) else "wide"
    verdict = below if hits < low else above if hits > high else "holds"
    if check.at_most and hits <= high:
        verdict = "holds"
    return {
        "rate": round(hits / count, 4),
        "expected": round(check.expected, 4),
        "low": round(low / count, 4),
        "high": round(high / count, 4),
        "verdict": verdict,
    }


def bounds(rate: float, simulations: int, outside: float = OUTSIDE) -> tuple[int, int]:
    """Return the smallest and the largest count that is no surprise; a share `outside` lies beyond them."""
    below = binomial_at_most(np.arange(simulations + 1), simulations, rate)
    return int(np.searchsorted(below, outside / 2)), int(np.searchsorted(below, 1 - outside / 2))


def all_checks() -> list[Check]:
    """Return all checks, tests first."""
    return [*checks_of_tests(), *checks_of_intervals()]


if __name__ == "__main__":
    main()
