"""The check of tests and intervals by simulation: a short one each time, all of it in the second stage."""

import json
from typing import Any

import pytest
from benchmarks.simulated import ALPHA
from benchmarks.simulated_tests import checks_of_tests, mcnemar_size
from benchmarks.statistics_check import all_checks, bounds, checked, simulate
from scipy import stats

from skillofmind.evals.statistics.power import accuracy_power
from tests.structure.source import ROOT

NUMBERS = {check.name: number for number, check in enumerate(all_checks())}
QUICK = (
    "permutation_test, exact, 10 pairs",
    "permutation_test by dialogue, 30 dialogues",
    "paired_bootstrap_test by dialogue, 15 dialogues",
    "mcnemar exact, 200 items, 20 % differ",
    "mcnemar mid-p, 200 items, 20 % differ",
    "sign_test, 50 values",
    "binomial_test, 100 wins or losses",
    "two_proportions, 100 and 100 at 0.3",
    "mean_with_cluster_errors CR1, 30 dialogues",
    "measure.differences, accuracy, 30 dialogues",
    "measure.differences, macro-F1, 15 dialogues",
    "benjamini_hochberg, any of 10 with none true",
    "wilson, 0.8 of 30",
    "odds_ratio, 0.3 and 0.5 of 100",
    "bootstrap expanded, normal mean, 15 dialogues",
    "cluster-robust t, normal mean, 30 dialogues",
    "interval of measure.estimates, accuracy, 15 dialogues",
    "interval of measure.differences, macro-F1, 15 dialogues",
    "krippendorff_alpha, 100 items, 3 raters",
)
NAIVE = (
    "permutation_test by case, 30 dialogues",
    "naive t test by case, 30 dialogues",
    "measure.differences by case, accuracy, 30 dialogues",
    "no correction, any of 10 with none true",
    "naive t by case, normal mean, 30 dialogues",
    "interval of measure.estimates by case, accuracy, 30 dialogues",
    "win_rate, Wilson by judgement, 100 items by three judges",
)
BY_CHANCE = 2
"""Checks of the whole that may lie just outside: about one in a hundred of those that hold does."""


def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "results" / "statistics_check.json").read_text("utf-8"))
    return found


def rows(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in [*found["tests"], *found["intervals"]]}


@pytest.mark.parametrize("name", QUICK)
def test_a_short_simulation_holds(name: str) -> None:
    assert checked(NUMBERS[name], 400, outside=0.001)[1]["verdict"] == "holds"


@pytest.mark.parametrize("name", NAIVE)
def test_what_ignores_dialogues_is_found_out(name: str) -> None:
    check = all_checks()[NUMBERS[name]]
    assert check.contrast
    expected = "liberal" if NUMBERS[name] < len(checks_of_tests()) else "short"
    assert checked(NUMBERS[name], 200)[1]["verdict"] == expected


def test_bounds_are_those_of_the_binomial_distribution() -> None:
    low, high = bounds(0.05, 2000)
    assert (low, high) == stats.binom.interval(0.99, 2000, 0.05) == (76, 126)


def test_the_exact_size_of_a_test_is_its_power_without_a_difference() -> None:
    assert mcnemar_size("exact") == pytest.approx(accuracy_power(200, 0.0, 0.2), abs=1e-7)


def test_the_committed_result_is_of_these_checks() -> None:
    found = committed()
    assert (found["simulations"], found["alpha"]) == (2000, ALPHA)
    assert {name: row["contrast"] for name, row in rows(found).items()} == {
        check.name: check.contrast for check in all_checks()
    }


def test_the_committed_result_holds() -> None:
    found = rows(committed())
    outside = [row for row in found.values() if not row["contrast"] and row["verdict"] != "holds"]
    assert len(outside) <= BY_CHANCE
    assert all(min(abs(row["rate"] - row["low"]), abs(row["rate"] - row["high"])) < 0.005 for row in outside)
    assert [found[name]["verdict"] for name in NAIVE] == ["liberal"] * 4 + ["short"] * 3


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_whole_simulation_gives_the_committed_result() -> None:
    found, expected = rows(simulate(2000, 2)), rows(committed())
    assert found.keys() == expected.keys()
    for name, row in found.items():
        # Other versions of numpy and scipy may round one simulation to the other side.
        assert row["rate"] == pytest.approx(expected[name]["rate"], abs=0.005), name
