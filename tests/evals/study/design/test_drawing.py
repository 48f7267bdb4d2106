from collections import Counter
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from skillofmind.evals.study.design.drawing import balanced_sides, rank, shares, shuffled


def test_ranks_are_the_same_on_every_machine() -> None:
    assert rank("a", 1) == 9331952569449725121
    assert rank("a", 1) != rank("a1")


def test_an_order_follows_from_the_words_alone() -> None:
    assert shuffled(range(8), 1, "x") == shuffled(range(8), 1, "x")
    assert shuffled(range(8), 1, "x") != shuffled(range(8), 2, "x")
    assert sorted(shuffled("hello", 0)) == sorted("hello")


@given(st.integers(0, 60), st.integers(1, 7), st.data())
def test_everyone_gets_as_many_tasks(count: int, raters: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(1, raters))
    found = shares(count, raters, overlap, 3)
    assert [len(set(one)) for one in found] == [overlap] * count
    load = Counter(rater for one in found for rater in one)
    sizes = [load[rater] for rater in range(raters)]
    assert max(sizes) - min(sizes) <= 1


def test_all_raters_meet() -> None:
    """Blocks of neighbours would make two teams of two that never judge the same task."""
    found = shares(60, 4, 2, 0)
    met = Counter(pair for one in found for pair in combinations(one, 2))
    assert len(met) == 6
    assert max(met.values()) - min(met.values()) <= 2


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 5)), max_size=60), st.integers(0, 3))
def test_sides_change_half_of_the_time_for_every_task_and_rater(
    meetings: set[tuple[int, int]], seed: int
) -> None:
    listed = sorted(meetings)
    swapped = balanced_sides(listed, seed)
    for place in (0, 1):
        for one in {meeting[place] for meeting in listed}:
            sides = [side for meeting, side in zip(listed, swapped, strict=True) if meeting[place] == one]
            assert abs(2 * sum(sides) - len(sides)) <= 1, (place, one)


def test_sides_are_no_pattern_that_raters_could_learn() -> None:
    swapped = balanced_sides([(task, 0) for task in range(40)], 1)
    runs = 1 + sum(one != other for one, other in pairwise(swapped))
    assert sum(swapped) == 20
    assert 10 < runs < 35
