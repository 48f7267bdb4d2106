import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.power import detectable_win_rate, items_for_rating, items_for_win_rate
from skillofmind.evals.study.planning import Assumptions, items_for, plan, smallest_effect


def test_the_table_of_win_rates() -> None:
    found = plan(Assumptions())
    assert [(one.effect, one.items) for one in found.needed] == [
        (0.55, 783), (0.60, 194), (0.65, 85), (0.70, 47), (0.75, 29),
    ]  # fmt: skip
    seen = {one.items: one.effect for one in found.seen}
    assert seen[25] == pytest.approx(0.77, abs=0.005)
    assert seen[500] == pytest.approx(0.56, abs=0.005)


def test_it_is_what_the_power_module_says() -> None:
    assert items_for(Assumptions(criteria=7), 0.6) == items_for_win_rate(0.6, alpha=0.05 / 7)
    assert smallest_effect(Assumptions(power=0.9), 80) == detectable_win_rate(80, power=0.9)
    ratings = Assumptions(kind="ratings", deviation=1.2)
    assert items_for(ratings, 0.3) == items_for_rating(0.3, 1.2)


def test_ties_ask_for_more_and_raters_for_fewer_items() -> None:
    alone = items_for(Assumptions(), 0.6)
    assert items_for(Assumptions(ties=0.5), 0.6) == 2 * alone
    assert items_for(Assumptions(raters=4, overlap=4, alike=0.0), 0.6) == -(-alone // 4)
    assert items_for(Assumptions(raters=4, overlap=4, alike=1.0), 0.6) == alone


def test_what_is_needed_sees_the_effect_and_less_does_not() -> None:
    for given in (
        Assumptions(),
        Assumptions(raters=6, overlap=3, alike=0.4, ties=0.25, criteria=3),
        Assumptions(kind="ratings", raters=2, overlap=2, deviation=0.9),
    ):
        items = items_for(given, 0.65)
        seen, before = smallest_effect(given, items + 2), smallest_effect(given, items - 3)
        assert seen is not None
        assert before is not None
        assert seen <= 0.65 < before


def test_time_is_that_of_one_rater() -> None:
    [row] = plan(Assumptions(raters=4, overlap=2, seconds=30), (), (100,)).seen
    assert (row.items, row.votes, row.minutes) == (100, 200, 25.0)


@pytest.mark.parametrize(
    "given",
    [
        Assumptions(overlap=2),
        Assumptions(alike=1.5),
        Assumptions(ties=1.0),
        Assumptions(criteria=0),
        Assumptions(alpha=0.0),
        Assumptions(power=1.0),
    ],
)
def test_what_cannot_be_is_refused(given: Assumptions) -> None:
    with pytest.raises(ConfigurationError):
        plan(given)


def test_a_study_may_be_too_small_to_see_anything() -> None:
    assert smallest_effect(Assumptions(), 1) is None
    assert smallest_effect(Assumptions(kind="ratings"), 1) is None
    with pytest.raises(ConfigurationError, match="0 items"):
        smallest_effect(Assumptions(), 0)
