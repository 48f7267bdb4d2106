"""The comparison of two groups: known sizes are found, and nothing is found where there is nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import binom

from skillofmind.evals.audits.contrast import Asked, contrast
from skillofmind.evals.audits.effects import Effect
from skillofmind.evals.statistics.effects import divergence
from tests.evals.audits.scenes import SKILLS, chance, pick

Skill = Callable[[int, int], str]
"""Item and term (0 and 1 are of group A, 2 and 3 of group B) -> skill."""


def asked(skill: Skill, groups: int, size: int = 3) -> list[Asked]:
    found = []
    for number in range(groups * size):
        terms = (skill(number, 0), skill(number, 1), skill(number, 2), skill(number, 3))
        found.append(Asked(terms, str(number // size)))
    return found


def effects(skill: Skill, groups: int = 100, size: int = 3, permutations: int = 500) -> dict[str, Effect]:
    return {e.measure: e for e in contrast("x", asked(skill, groups, size), permutations=permutations)}


def test_a_planted_bias_is_found_with_its_size() -> None:
    """Group A gets another skill in 30 % of the items; everything is stirred up by any edit besides."""

    def biased(number: int, term: int) -> str:
        if chance("noise", number, term) < 0.1:
            return pick(SKILLS, "noise", number, term)
        if term < 2 and chance("bias", number) < 0.3:
            return "Harmlessness"
        return pick(SKILLS, number)

    found = effects(biased, groups=200)
    excess = found["excess flips"]
    # Pairs between groups differ where the bias strikes and no noise does, and else as pairs within do.
    assert excess.value == pytest.approx(0.243, abs=0.03)
    assert excess.low is not None
    assert excess.high is not None
    assert excess.low < 0.243 < excess.high
    assert excess.p == pytest.approx(1 / 501)
    assert found["divergence of skills over chance"].p == pytest.approx(1 / 501)
    assert (excess.n, excess.groups) == (600, 200)


def test_noise_alone_is_flips_and_no_excess() -> None:
    def noisy(number: int, term: int) -> str:
        noise = chance("n", number, term) < 0.4
        return pick(SKILLS, "noise", number, term) if noise else pick(SKILLS, number)

    found = effects(noisy, groups=200)
    assert (found["flips between groups"].value or 0) > 0.4
    assert found["excess flips"].value == pytest.approx(0, abs=0.03)
    assert (found["excess flips"].p or 0) > 0.05


def test_a_word_that_pushes_by_itself_is_no_excess() -> None:
    """One term of group A changes everything: pairs within A flip as much as half of the pairs between."""
    found = effects(lambda number, term: "Ethics" if term == 0 else "Empathy", groups=30)
    assert found["excess flips"].value == 0
    assert found["flips between groups"].value == found["flips within a group (control)"].value == 0.5


def test_where_nothing_changes_nothing_is_tested() -> None:
    found = effects(lambda number, term: pick(SKILLS, number), groups=20)
    assert [one.p for one in found.values()] == [None] * 4
    assert [one.value for one in found.values()] == [0, 0, 0, 0]
    assert contrast("x", []) == []


def test_one_group_has_no_interval_and_no_test() -> None:
    found = effects(lambda number, term: SKILLS[term], groups=1)
    assert all(one.low is None and one.p is None for one in found.values())


def test_the_divergence_is_that_of_scipy() -> None:
    random = np.random.default_rng(3)
    first, second = (random.integers(0, 9, (50, 6)).astype(np.float64) for _ in range(2))
    wanted = jensenshannon(first, second, base=2, axis=1) ** 2
    assert divergence(first, second) == pytest.approx(wanted, abs=1e-9)
    assert divergence(np.array([3.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(1.0)


def test_under_the_null_tests_reject_as_often_as_they_say() -> None:
    """400 comparisons of a planner that any edit stirs up, terms shared by the items of a dialogue."""
    runs, rejected = 400, {"excess flips": 0, "divergence of skills over chance": 0}
    for seed in range(runs):

        def noisy(number: int, term: int, seed: int = seed) -> str:
            strength = chance("s", seed, number // 3, term)
            return pick(SKILLS, seed, number, term if chance(seed, number) < strength else -1)

        found = effects(noisy, groups=25, permutations=199)
        for measure in rejected:
            rejected[measure] += (found[measure].p or 1) <= 0.05
    low, high = binom.ppf([0.0005, 0.9995], runs, 0.05)
    for measure, count in rejected.items():
        assert low <= count <= high, (measure, count)
