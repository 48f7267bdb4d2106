from hypothesis import given
from hypothesis import strategies as st

from skillofmind.train.rows.packing import packed

LENGTHS = st.lists(st.integers(1, 50), max_size=80)


@given(LENGTHS, st.integers(1, 60))
def test_every_row_is_in_one_bin_and_no_bin_is_too_full(lengths: list[int], capacity: int) -> None:
    bins = packed(lengths, capacity)
    assert sorted(index for one in bins for index in one) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in one) <= capacity or len(one) == 1 for one in bins)


@given(LENGTHS)
def test_two_bins_never_fit_into_one(lengths: list[int]) -> None:
    sizes = sorted(sum(lengths[index] for index in one) for one in packed(lengths, 60))
    assert len(sizes) < 2 or sizes[0] + sizes[1] > 60


def test_a_case_by_hand() -> None:
    assert packed([5, 7, 3, 5], 10) == [[1, 2], [0, 3]]
