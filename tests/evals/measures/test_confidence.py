from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from skillofmind.evals.measures.confidence import confidence_measures
from skillofmind.scorers.calibration import expected_calibration_error
from tests.evals.measures.cases import same, value, values

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def of(answers: list[tuple[float, bool]]) -> dict[str, float]:
    ties = [f"{place:02}" for place in range(len(answers))]
    sure = [one for one, _ in answers]
    return values(confidence_measures(sure, [float(hit) for _, hit in answers], ties))


class TestByHand:
    def test_two_answers(self) -> None:
        found = of([(0.8, True), (0.4, True)])
        assert found["confidence"] == pytest.approx(0.6, abs=1e-12)
        assert found["brier"] == pytest.approx((0.04 + 0.36) / 2, abs=1e-12)
        assert found["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.4)) / 2, abs=1e-12)
        # Two answers fall into two of the bins.
        assert found["ece"] == pytest.approx((0.2 + 0.6) / 2, abs=1e-12)

    def test_what_is_missing_does_not_count(self) -> None:
        found = confidence_measures([0.8, None, 0.3], [1.0, 1.0, None], ["a", "b", "c"])
        assert [one.n for one in found] == [2, 1, 1, 1]
        assert value(found, "brier") == pytest.approx(0.04, abs=1e-12)

    def test_equal_confidences_are_told_apart_by_name(self) -> None:
        # By name all right answers come first, whatever the order of the cases.
        right = [1.0, 0.0] * 20
        ties = [f"{1 - hit}{place:02}" for place, hit in enumerate(right)]
        assert value(confidence_measures([0.5] * 40, right, ties), "ece") > 0.4


class TestParity:
    @settings(deadline=None)
    @given(ANSWERS)
    def test_all_are_those_of_the_libraries(self, answers: list[tuple[float, bool]]) -> None:
        found = of(answers)
        sure, right = [one for one, _ in answers], [hit for _, hit in answers]
        assert found["brier"] == pytest.approx(brier_score_loss(right, sure, pos_label=True), abs=1e-9)
        assert found["log_loss"] == pytest.approx(log_loss(right, sure, labels=[False, True]), abs=1e-9)
        assert found["ece"] == pytest.approx(expected_calibration_error(sure, right), abs=1e-9)


class TestProperties:
    @settings(deadline=None)
    @given(ANSWERS, st.randoms(use_true_random=False))
    def test_the_order_of_cases_changes_nothing(
        self, answers: list[tuple[float, bool]], random: Random
    ) -> None:
        order = list(range(len(answers)))
        random.shuffle(order)
        ties = [f"{place:02}" for place in order]
        mixed = confidence_measures(
            [answers[place][0] for place in order], [float(answers[place][1]) for place in order], ties
        )
        same(of(answers), values(mixed))
