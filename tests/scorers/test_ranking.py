import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score

from skillofmind.scorers.ranking import average_precision, average_precision_of_scores, in_top

LABELS = "abcdefg"
ROWS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(LABELS), st.integers(0, 3).map(float)),
        st.sets(st.sampled_from(LABELS)),
    ),
    min_size=1,
    max_size=6,
)


def sklearns(rows: list[tuple[dict[str, float], set[str]]]) -> float:
    right = np.array([[label in of for label in LABELS] for _, of in rows])
    scores = np.array([[row.get(label, -1.0) for label in LABELS] for row, _ in rows])
    return float(label_ranking_average_precision_score(right, scores))


class TestAveragePrecision:
    def test_by_hand(self) -> None:
        # Ranks 1 and 3: (1/1 + 2/3) / 2. One right label: 1 / rank.
        assert average_precision("xyz", {"x", "z"}, 9) == pytest.approx((1 + 2 / 3) / 2, abs=1e-12)
        assert average_precision("xyz", {"y"}, 9) == 1 / 2

    def test_labels_that_are_left_out_share_the_last_rank(self) -> None:
        assert average_precision("xyz", {"q"}, 9) == pytest.approx(1 / 9)
        assert average_precision("xyz", {"x", "q"}, 9) == pytest.approx((1 + 2 / 9) / 2)

    def test_ties_count_as_the_last_of_them(self) -> None:
        assert average_precision_of_scores({"x": 0.5, "y": 0.5}, {"x"}, 9) == 1 / 2

    def test_nothing_and_everything_right_is_one(self) -> None:
        assert average_precision("ab", (), 2) == average_precision("ab", "ab", 2) == 1.0

    @settings(deadline=None)
    @given(ROWS)
    def test_the_mean_is_that_of_scikit_learn(self, rows: list[tuple[dict[str, float], set[str]]]) -> None:
        ours = [average_precision_of_scores(scores, right, len(LABELS)) for scores, right in rows]
        assert sum(ours) / len(ours) == pytest.approx(sklearns(rows), abs=1e-9)

    @settings(deadline=None)
    @given(st.permutations(LABELS), st.integers(0, 7), st.sets(st.sampled_from(LABELS), min_size=1))
    def test_a_ranking_scores_like_falling_scores(self, order: list[str], kept: int, right: set[str]) -> None:
        ranked = order[:kept]
        scores = {label: float(9 - place) for place, label in enumerate(ranked)}
        expected = sklearns([(scores, right)])
        assert average_precision(ranked, right, len(LABELS)) == pytest.approx(expected, abs=1e-9)


class TestInTop:
    def test_a_label_that_stands_twice_takes_one_place(self) -> None:
        assert in_top("aab", "b", 2)
        assert not in_top("acb", "b", 2)
        assert not in_top("", "b", 2)
