import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.intervals import levels, wilson
from skillofmind.evals.statistics.pairwise import Comparison, Ranking, bradley_terry, win_rate
from skillofmind.evals.statistics.resampling import group_weights
from skillofmind.evals.statistics.tests import binomial_test

NAMES = ("a", "b", "c")
GAMES = st.lists(
    st.tuples(st.sampled_from([("a", "b"), ("b", "c"), ("c", "a"), ("b", "a")]), st.integers(0, 2)),
    min_size=3,
    max_size=40,
)


def games(outcomes: Sequence[tuple[tuple[str, str], int]]) -> list[Comparison]:
    return [
        Comparison(first, second, (first, second, "")[outcome], f"item {place}")
        for place, ((first, second), outcome) in enumerate(outcomes)
    ]


def many(first: str, second: str, won: int, lost: int, tied: int = 0) -> list[Comparison]:
    winners = [first] * won + [second] * lost + [""] * tied
    return [Comparison(first, second, winner, str(place)) for place, winner in enumerate(winners)]


def likelihood(strengths: dict[str, float], nu: float, played: Sequence[Comparison]) -> float:
    total = 0.0
    for one in played:
        a, b = math.exp(strengths[one.first]), math.exp(strengths[one.second])
        tie = nu * math.sqrt(a * b)
        own = tie if not one.winner else math.exp(strengths[one.winner])
        total += math.log(own / (a + b + tie)) if own else (0.0 if one.winner else -math.inf)
    return total


def values(ranking: Ranking) -> dict[str, float]:
    return {one.name: one.value for one in ranking.strengths}


class TestStrengths:
    def test_two_systems_by_hand(self) -> None:
        # 6 to 2 without ties: log(6 / 2) apart. With ties, wins are in the ratio e^d, so d = log 3 again, and
        # P(tie)^2 / (P(win) P(loss)) = nu^2 = 16 / 12.
        found = values(bradley_terry(many("x", "y", 6, 2), resamples=0))
        assert found == pytest.approx({"x": math.log(3) / 2, "y": -math.log(3) / 2}, abs=1e-9)
        tied = bradley_terry(many("x", "y", 6, 2, 4), resamples=0)
        assert values(tied) == pytest.approx(found, abs=1e-9)
        assert tied.tie == pytest.approx(math.sqrt(16 / 12), abs=1e-9)
        assert tied.chance("x", "y") == pytest.approx((6 + 2) / 12, abs=1e-9)
        assert tied.chance("y", "x") == pytest.approx((2 + 2) / 12, abs=1e-9)

    @settings(deadline=None, max_examples=40)
    @given(GAMES)
    def test_expected_wins_are_those_seen_and_no_other_strengths_are_likelier(
        self, outcomes: list[tuple[tuple[str, str], int]]
    ) -> None:
        played = games(outcomes)
        try:
            ranking = bradley_terry(played, resamples=0)
        except ConfigurationError:
            return
        found = values(ranking)
        assert sum(found.values()) == pytest.approx(0, abs=1e-9)
        for one in ranking.strengths:
            expected = sum(
                ranking.chance(one.name, ({game.first, game.second} - {one.name}).pop())
                for game in played
                if one.name in (game.first, game.second)
            )
            assert expected == pytest.approx(one.wins, abs=1e-7)
        best = likelihood(found, ranking.tie, played)
        for name in found:
            for step in (-0.01, 0.01):
                assert likelihood({**found, name: found[name] + step}, ranking.tie, played) < best
        if ranking.tie:
            assert (
                likelihood(found, ranking.tie * 1.02, played)
                < best
                > likelihood(found, ranking.tie / 1.02, played)
            )

    def test_it_is_the_optimum_of_scipy(self) -> None:
        played = [*many("a", "b", 7, 3, 2), *many("b", "c", 4, 4, 3), *many("c", "a", 2, 9, 1)]

        def loss(at: "np.typing.NDArray[np.float64]") -> float:
            return -likelihood({"a": -at[0] - at[1], "b": at[0], "c": at[1]}, math.exp(at[2]), played)

        best = optimize.minimize(
            loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14}
        )
        found = bradley_terry(played, resamples=0)
        assert values(found)["b"] == pytest.approx(best.x[0], abs=1e-6)
        assert values(found)["c"] == pytest.approx(best.x[1], abs=1e-6)
        assert found.tie == pytest.approx(math.exp(best.x[2]), abs=1e-6)
        assert [one.name for one in found.strengths] == ["a", "b", "c"]
        assert [one.wins for one in found.strengths] == [17.5, 9.5, 8.0]
        assert {one.comparisons for one in found.strengths} == {24, 23}

    def test_extreme_but_finite_strengths_are_found(self) -> None:
        found = values(bradley_terry(many("x", "y", 5000, 1), resamples=0))
        assert found["x"] - found["y"] == pytest.approx(math.log(5000), abs=1e-7)

    def test_order_and_side_do_not_matter(self) -> None:
        played = [*many("a", "b", 7, 3, 2), *many("b", "c", 4, 4, 3), *many("c", "a", 2, 9, 1)]
        turned = [Comparison(one.second, one.first, one.winner, one.group) for one in reversed(played)]
        assert values(bradley_terry(turned, resamples=0)) == pytest.approx(
            values(bradley_terry(played, resamples=0)), abs=1e-9
        )


class TestIntervals:
    played = [
        Comparison(one, other, (one, other, "")[int(pick)], str(item))
        for item, picks in enumerate(np.random.default_rng(4).choice(3, (40, 3), p=[0.5, 0.3, 0.2]))
        for (one, other), pick in zip((("a", "b"), ("b", "c"), ("a", "c")), picks, strict=True)
    ]

    def test_they_are_those_of_copied_items(self) -> None:
        found = bradley_terry(self.played, resamples=60, seed=3)
        drawn = group_weights(40, resamples=60, seed=3)[1:]
        again = []
        for weights in drawn:
            copied = [one for one in self.played for _ in range(int(weights[int(one.group)]))]
            again.append(values(bradley_terry(copied, resamples=0)))
        for one in found.strengths:
            ends = np.quantile([each[one.name] for each in again], levels(40))
            assert (one.low, one.high) == pytest.approx(tuple(ends), abs=1e-7)
        assert (found.groups, found.undefined) == (40, 0.0)

    def test_too_many_resamples_without_finite_strengths_leave_no_interval(self) -> None:
        found = bradley_terry(many("x", "y", 9, 1), resamples=500)
        assert 0.25 < found.undefined < 0.45
        assert {(one.low, one.high) for one in found.strengths} == {(None, None)}

    def test_one_item_has_no_interval(self) -> None:
        same = [one._replace(group="one") for one in many("x", "y", 9, 4)]
        assert {one.low for one in bradley_terry(same).strengths} == {None}


class TestRefusals:
    def test_systems_that_never_meet(self) -> None:
        with pytest.raises(ConfigurationError, match="'a', 'b' never won or tied a comparison with 'x', 'y'"):
            bradley_terry([*many("a", "b", 1, 1), *many("x", "y", 1, 1)])

    def test_a_system_that_never_wins(self) -> None:
        with pytest.raises(ConfigurationError, match="'c' never won or tied a comparison with 'a', 'b'"):
            bradley_terry([*many("a", "b", 2, 3), *many("a", "c", 4, 0)])

    def test_ties_without_an_upset(self) -> None:
        # 5 wins and a tie: as x gets stronger and ties more common, 5 / 6 and 1 / 6 fit better and better.
        with pytest.raises(ConfigurationError, match="no system was beaten in turn"):
            bradley_terry(many("x", "y", 5, 0, 1))
        with pytest.raises(ConfigurationError, match="no system was beaten in turn"):
            bradley_terry(many("x", "y", 0, 0, 3))

    def test_a_way_round_with_more_wins_than_ties_is_enough(self) -> None:
        played = [*many("a", "b", 1, 0), *many("b", "c", 1, 0), *many("c", "a", 0, 0, 1)]
        found = bradley_terry(played, resamples=0)
        assert values(found)["a"] > values(found)["b"] > values(found)["c"]
        assert math.isfinite(found.tie)

    def test_what_is_no_comparison(self) -> None:
        with pytest.raises(ConfigurationError, match="there are no comparisons"):
            bradley_terry([])
        for wrong in (Comparison("a", "a", "a", "1"), Comparison("a", "b", "c", "1")):
            with pytest.raises(ConfigurationError, match="is no comparison"):
                bradley_terry([wrong])


class TestWinRate:
    def test_both_sides_count_and_others_do_not(self) -> None:
        played = [*many("a", "b", 5, 3, 2), *many("b", "a", 4, 1), *many("a", "c", 9, 0)]
        found = win_rate(played, "a", "b")
        assert (found.wins, found.losses, found.ties, found.groups) == (6, 7, 2, 10)
        assert found.rate.value == found.wilson.value == pytest.approx(7 / 15, abs=1e-12)
        assert found.wilson == wilson(7, 15)
        assert found.test == binomial_test(6, 13)
        back = win_rate(played, "b", "a")
        assert back.rate.value == pytest.approx(1 - found.rate.value, abs=1e-12)

    def test_judges_of_one_item_are_not_as_many_items(self) -> None:
        played = [one for one in many("a", "b", 12, 8) for _ in range(5)]
        found = win_rate(played, "a", "b")
        assert found.rate.high - found.rate.low > 1.8 * (found.wilson.high - found.wilson.low)

    def test_ties_alone_and_one_item(self) -> None:
        ties = win_rate(many("a", "b", 0, 0, 3), "a", "b")
        assert (ties.test, ties.rate.value) == (None, 0.5)
        one = win_rate(many("a", "b", 1, 0), "a", "b")
        assert (one.rate.low, one.rate.high) == (1.0, 1.0)

    def test_systems_that_never_met_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="'a' and 'c' were never compared"):
            win_rate(many("a", "b", 1, 0), "a", "c")
