import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score, f1_score, precision_recall_fscore_support

from skillofmind.evals.measure import differences, estimates
from skillofmind.evals.measures.labels import by_label, chance, encoded, kappa, macro_f1
from skillofmind.scorers.agreement import cohen_kappa
from tests.evals.measures.cases import value

NAMES = "abcd"
PAIRS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES) | st.none()), min_size=1, max_size=30
)
RIGHT, GUESSED = ["a", "a", "a", "b", "c"], ["a", "b", None, "b", "d"]


class TestByHand:
    def test_macro_f1(self) -> None:
        # F1 of a 2*1/(3+1), of b 2*1/(1+2), of c and d 0; the answer without a label is no class.
        found = value([macro_f1("f", encoded(RIGHT, GUESSED))], "f")
        assert found == pytest.approx((2 / 4 + 2 / 3 + 0 + 0) / 4, abs=1e-12)

    def test_kappa(self) -> None:
        # 2 of 5 agree; a 3 * 1, b 1 * 2, c 1 * 0, d 0 * 1 of 25 by chance.
        found = value([kappa("k", encoded(RIGHT, GUESSED))], "k")
        assert found == pytest.approx((2 / 5 - 5 / 25) / (1 - 5 / 25), abs=1e-12)

    def test_a_case_that_does_not_count_changes_nothing(self) -> None:
        fewer = encoded([*RIGHT, None], [*GUESSED, "a"])
        assert fewer.n == 5
        for measure in (macro_f1, kappa):
            assert value([measure("m", fewer)], "m") == value([measure("m", encoded(RIGHT, GUESSED))], "m")

    def test_a_guess_outside_the_known_labels_is_none(self) -> None:
        found = encoded(["a"], ["z"], known="ab")
        assert (found.names, found.guessed.tolist()) == (("a", "b"), [-1])

    def test_chance(self) -> None:
        # Right: a a a b; accepted too: c for the first and the last. Always a: 3/4; drawn: (3/4)^2 + (1/4)^2.
        right = ["a", "a", "a", "b", None]
        strict = chance("", right, "aaabz")
        assert value(strict, "majority") == 3 / 4
        assert value(strict, "draw") == pytest.approx(9 / 16 + 1 / 16, abs=1e-12)
        lenient = chance("_lenient", right, [("a", "c"), ("a", "c"), ("a", "c"), ("b", "c", "a"), ()])
        assert value(lenient, "majority_lenient") == 1.0
        assert value(lenient, "draw_lenient") == pytest.approx((3 / 4 + 3 / 4 + 3 / 4 + 1) / 4, abs=1e-12)
        assert "'a'" in lenient[0].about


class TestParity:
    @settings(deadline=None)
    @given(PAIRS)
    def test_macro_f1_is_that_of_scikit_learn_over_all_labels(
        self, pairs: list[tuple[str, str | None]]
    ) -> None:
        right, guessed = map(list, zip(*pairs, strict=True))
        names = sorted({name for pair in pairs for name in pair if name})
        told = [guess or "" for guess in guessed]
        expected = f1_score(right, told, labels=names, average="macro", zero_division=0)
        for known in ("", NAMES):
            found = value([macro_f1("f", encoded(right, guessed, known))], "f")
            assert found == pytest.approx(expected, abs=1e-9)

    @settings(deadline=None)
    @given(PAIRS)
    def test_kappa_is_that_of_scikit_learn_and_of_agreement(
        self, pairs: list[tuple[str, str | None]]
    ) -> None:
        right, guessed = map(list, zip(*pairs, strict=True))
        told = [guess or "" for guess in guessed]
        found = value([kappa("k", encoded(right, guessed))], "k")
        ours = cohen_kappa([str(one) for one in right], told).value
        if ours is None:
            assert math.isnan(found)
        else:
            assert found == pytest.approx(ours, abs=1e-9)
            assert found == pytest.approx(cohen_kappa_score(right, told), abs=1e-9)

    @settings(deadline=None)
    @given(PAIRS)
    def test_each_label_is_that_of_scikit_learn(self, pairs: list[tuple[str, str | None]]) -> None:
        right, guessed = map(list, zip(*pairs, strict=True))
        labels = encoded(right, guessed)
        theirs = precision_recall_fscore_support(
            right, [guess or "" for guess in guessed], labels=labels.names, zero_division=np.nan
        )
        for place, (name, measures) in enumerate(by_label(labels).items()):
            assert name == labels.names[place]
            ours = [value([one], one.name) for one in measures]
            np.testing.assert_allclose(ours[:2], [theirs[0][place], theirs[1][place]], atol=1e-9)
            assert ours[2] == pytest.approx(theirs[2][place], abs=1e-9)
            assert measures[1].n == theirs[3][place]


class TestProperties:
    @settings(deadline=None)
    @given(PAIRS)
    def test_the_order_of_cases_changes_nothing(self, pairs: list[tuple[str, str | None]]) -> None:
        mixed = sorted(pairs, key=str)
        for measure in (macro_f1, kappa):
            first, second = (
                value([measure("m", encoded(*map(list, zip(*order, strict=True))))], "m")
                for order in (pairs, mixed)
            )
            np.testing.assert_allclose(first, second, atol=1e-12)

    def test_two_arms_that_guess_other_labels_can_be_compared(self) -> None:
        right = ["a", "b"] * 20
        groups = [str(place) for place in range(40)]
        good, bad = encoded(right, right, NAMES), encoded(right, ["c"] * 40, NAMES)
        for measure in (macro_f1, kappa):
            found = differences("t", ("x", "y"), [(measure("m", bad), measure("m", good))], groups)[0]
            assert found.value is not None
            assert found.value > 0.9
            assert found.p is not None
            assert found.p < 0.01

    def test_resamples_without_a_label_leave_it_out(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            labels = encoded(["a"] * 9 + ["b"], ["a"] * 9 + ["b"])
            found = estimates([macro_f1("f", labels)], [str(place) for place in range(10)])[0]
        assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
