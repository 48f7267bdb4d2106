import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.scorers.embedding import cosine, greedy_f1

SEEDS = st.integers(0, 2**32 - 1)


class TestCosine:
    def test_by_hand(self) -> None:
        assert cosine(np.array([3.0, 4.0]), np.array([4.0, 3.0])) == pytest.approx(24 / 25, abs=1e-12)
        found = cosine(
            np.array([[1, 0], [0, 0]], dtype=np.float32), np.array([[-2, 0], [1, 1]], dtype=np.float32)
        )
        assert found.tolist() == [-1.0, 0.0]


class TestGreedyF1:
    def test_by_hand(self) -> None:
        # Cosines: [1, 0], [0.6, 0.8], [0, 1] against [1, 0], [0, 1].
        candidate = np.array([[2.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
        reference = np.array([[1.0, 0.0], [0.0, 5.0]])
        precision, recall = (1 + 0.8 + 1) / 3, 1.0
        expected = 2 * precision * recall / (precision + recall)
        assert greedy_f1(candidate, reference) == pytest.approx(expected, abs=1e-12)

    def test_nothing_and_opposites_are_zero(self) -> None:
        one = np.array([[1.0, 0.0]])
        assert greedy_f1(np.zeros((0, 2)), one) == greedy_f1(one, np.zeros((0, 2))) == 0
        assert greedy_f1(one, -one) == 0

    @settings(deadline=None)
    @given(SEEDS)
    def test_it_is_symmetric_and_one_for_the_same_tokens_in_any_order(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        first, second = rng.random((4, 5)), rng.random((3, 5))
        assert greedy_f1(first, second) == pytest.approx(greedy_f1(second, first), abs=1e-12)
        assert greedy_f1(first, rng.permutation(first)) == pytest.approx(1, abs=1e-12)
