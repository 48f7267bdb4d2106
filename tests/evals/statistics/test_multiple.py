from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.multiple import benjamini_hochberg, holm

PS = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04; Holm times 4, 3, 2, 1 and never falling; BH times 4 / 1, 4 / 2, 4 / 3, 1.
    ps = [0.03, 0.01, 0.04, 0.02]
    assert holm(ps) == pytest.approx((0.06, 0.04, 0.06, 0.06), abs=1e-12)
    assert benjamini_hochberg(ps) == pytest.approx((0.04, 0.04, 0.04, 0.04), abs=1e-12)


@pytest.mark.parametrize("tests", [1, 2, 9, 40])
def test_both_are_those_of_statsmodels(tests: int) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest", reason="statsmodels is no dependency")
    # Rounded, so that some are equal; small, so that not all of them end at 1.
    ps = [round(p**3, 2) for p in np.random.default_rng(tests).random(tests)]
    found = multitest.multipletests(ps, method="holm")[1]
    assert holm(ps) == pytest.approx(tuple(found), abs=1e-9)
    found = multitest.multipletests(ps, method="fdr_bh")[1]
    assert benjamini_hochberg(ps) == pytest.approx(tuple(found), abs=1e-9)


@settings(deadline=None)
@given(PS, st.randoms())
def test_the_order_of_tests_does_not_matter_and_nothing_gets_smaller(ps: list[float], draw: Random) -> None:
    shuffled = draw.sample(range(len(ps)), len(ps))
    for adjust in (holm, benjamini_hochberg):
        plain, moved = adjust(ps), adjust([ps[index] for index in shuffled])
        assert [plain[index] for index in shuffled] == list(moved)
        assert all(after is not None and after >= p for after, p in zip(plain, ps, strict=True))


def test_tests_that_could_not_be_made_do_not_count() -> None:
    assert holm([0.01, None, 0.04]) == (0.02, None, 0.04)
    assert benjamini_hochberg([None, None]) == (None, None)
    assert holm([]) == ()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(ConfigurationError, match="is no p-value"):
        holm([0.5, p])
