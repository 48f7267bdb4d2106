from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.train.rows.order import Order, planned, share, staged

LENGTHS = [[3], [8], [5, 6], [1], [9], [2, 2, 2], [7]]


def drawn(order: Order, lengths: list[list[int]] = LENGTHS) -> list[int]:
    return [number for update in planned(lengths, order) for bin in update.bins for number, _ in bin]


@pytest.mark.parametrize(
    "order", [Order(3, passes=4), Order(3, passes=4, capacity=10), Order(2, passes=4, by_length=True)]
)
def test_every_pass_has_every_row_once(order: Order) -> None:
    updates = planned(LENGTHS, order)
    for number in range(4):
        bins = [bin for update in updates if update.passed == number for bin in update.bins]
        assert sorted(example for bin in bins for example, _ in bin) == list(range(7))
    assert all(len(update.bins) <= order.batch for update in updates)


def test_the_seed_alone_decides_and_passes_differ() -> None:
    assert planned(LENGTHS, Order(3, 2, seed=5)) == planned(LENGTHS, Order(3, 2, seed=5))
    assert drawn(Order(3, seed=5)) != drawn(Order(3, seed=6))
    both = drawn(Order(3, 2, seed=5))
    assert both[:7] != both[7:]


def test_choices_are_drawn_anew_in_each_pass_and_evenly() -> None:
    updates = planned([[1, 1, 1]] * 50, Order(50, passes=60))
    counts = Counter(choice for update in updates for bin in update.bins for _, choice in bin)
    assert set(counts) == {0, 1, 2}
    assert all(900 < count < 1100 for count in counts.values())
    first = [choice for bin in updates[0].bins for _, choice in sorted(bin)]
    assert len({tuple(sorted(update.bins)) for update in updates}) == 60, first


def test_an_end_after_so_many_updates() -> None:
    assert len(planned(LENGTHS, Order(3, passes=9, updates=4))) == 4
    assert len(planned(LENGTHS, Order(3, passes=1, updates=40))) == 3


def test_rows_of_like_length_are_neighbours() -> None:
    lengths = [[size] for size in range(100)]
    grouped, mixed = (
        sum(max(sizes) - min(sizes) for sizes in _sizes(lengths, by_length)) for by_length in (True, False)
    )
    assert grouped < mixed / 5


def _sizes(lengths: list[list[int]], by_length: bool) -> list[list[int]]:
    order = Order(4, by_length=by_length)
    return [[lengths[number][0] for bin in one.bins for number, _ in bin] for one in planned(lengths, order)]


@given(st.integers(0, 40), st.integers(1, 5), st.integers(1, 4))
def test_ranks_share_every_bin_once_in_equally_many_rounds(count: int, micro: int, world: int) -> None:
    bins = [((number, 0),) for number in range(count)]
    shares = [share(bins, micro, rank, world) for rank in range(world)]
    assert len({len(one) for one in shares}) == 1
    assert all(len(part) <= micro for one in shares for part in one)
    assert sorted(bin for one in shares for part in one for bin in part) == bins


def test_passes_are_counted_in_parts() -> None:
    found = [update.done for update in planned(LENGTHS, Order(3, passes=2))]
    assert found == pytest.approx([3 / 7, 6 / 7, 1, 10 / 7, 13 / 7, 2])
    assert [update.done for update in planned(LENGTHS, Order(3, passes=2, updates=1))] == found[:1]


class TestStages:
    GAPS = [0.5, -0.2, 0.9, 0.1, 0.7, 0.3, 0.0]

    def test_they_go_from_easy_to_hard_and_hold_everything_once(self) -> None:
        stages = staged(self.GAPS, 3)
        assert stages == [[2, 4, 0], [5, 3], [6, 1]]
        assert staged(self.GAPS, 3, hardest_first=True) == [[1, 6, 3], [5, 0], [4, 2]]
        assert staged(self.GAPS, 1) == [[2, 4, 0, 5, 3, 6, 1]]

    def test_nothing_is_shuffled_across_them(self) -> None:
        updates = planned([[1]] * 7, Order(2, passes=2, seed=3), staged(self.GAPS, 3))
        assert [update.stage for update in updates] == [0, 0, 0, 0, 1, 1, 2, 2]
        assert all(
            {number for bin in update.bins for number, _ in bin} <= set(staged(self.GAPS, 3)[update.stage])
            for update in updates
        )
        assert all(after.stage >= before.stage for before, after in pairwise(updates))
