import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.scorers.calibration import expected_calibration_error, reliability, risk_coverage

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


def test_bins_are_of_equal_size_from_unsure_to_sure() -> None:
    found = reliability([0.9, 0.1, 0.2, 0.8], [True, False, True, True], bins=2)
    assert [b.confidence for b in found] == pytest.approx([0.15, 0.85])
    assert [(b.accuracy, b.size) for b in found] == [(0.5, 2), (1.0, 2)]


def test_the_error_is_the_mean_gap_weighted_by_size() -> None:
    assert expected_calibration_error(
        [0.9, 0.1, 0.2, 0.8], [True, False, True, True], bins=2
    ) == pytest.approx(0.5 * 0.35 + 0.5 * 0.15)
    assert expected_calibration_error([1.0, 0.0], [True, False]) == 0
    assert expected_calibration_error([1.0, 1.0], [False, False]) == 1
    assert expected_calibration_error([], []) == 0


def test_ties_do_not_put_right_answers_first() -> None:
    kept = risk_coverage([0.5] * 4, [False, True, False, True], [0.5])
    assert kept[0].accuracy == 0.5


def test_the_surest_answers_are_kept() -> None:
    found = risk_coverage([0.9, 0.1, 0.2, 0.8], [True, False, True, True], [1.0, 0.5, 0.01])
    assert [(k.threshold, k.coverage, k.accuracy) for k in found] == [
        (0.1, 1.0, 0.75),
        (0.8, 0.5, 1.0),
        (0.9, 0.25, 1.0),
    ]
    assert risk_coverage([], [], [1.0]) == []


@given(ANSWERS, st.integers(1, 20))
def test_bins_hold_every_answer_once_and_differ_by_one(answers: list[tuple[float, bool]], bins: int) -> None:
    found = reliability([sure for sure, _ in answers], [hit for _, hit in answers], bins)
    sizes = [part.size for part in found]
    assert sum(sizes) == len(answers)
    assert max(sizes) - min(sizes) <= 1
    assert sum(b.accuracy * b.size for b in found) == pytest.approx(sum(hit for _, hit in answers))


@given(ANSWERS)
def test_the_error_is_a_share(answers: list[tuple[float, bool]]) -> None:
    error = expected_calibration_error([sure for sure, _ in answers], [hit for _, hit in answers])
    assert 0 <= error <= 1
