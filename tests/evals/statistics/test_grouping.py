import numpy as np
import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.evals.statistics.grouping import (
    effective_groups,
    grouped,
    numbered,
    pairs_of,
    summed,
    values_of,
)


def test_groups_are_numbered_as_they_come() -> None:
    of, count = numbered(["x", "a", "x", "b"])
    assert (of.tolist(), count) == ([0, 1, 0, 2], 3)
    assert summed(np.array([[1.0], [2.0], [4.0], [8.0]]), of, count).tolist() == [[5.0], [2.0], [8.0]]
    assert numbered([])[1] == 0


def test_without_groups_every_case_is_one() -> None:
    of, count = grouped(3, None)
    assert (of.tolist(), count) == ([0, 1, 2], 3)
    with pytest.raises(ConfigurationError, match="there are 1 groups for 3 values"):
        grouped(3, ["a"])


def test_unequal_groups_are_worth_fewer() -> None:
    # (1 + 1 + 4)^2 / (1 + 1 + 16) = 2
    assert effective_groups(np.array([0, 1, 2, 2, 2, 2])) == pytest.approx(2.0, abs=1e-12)
    assert effective_groups(np.array([0, 0, 1, 1])) == 2.0
    assert effective_groups(np.array([0, 0])) == 1.0


def test_values_are_checked() -> None:
    assert values_of([1, 2]).tolist() == [1.0, 2.0]
    assert pairs_of([1], [2])[1].tolist() == [2.0]
    for wrong in ([], [[1.0]], [1.0]):
        with pytest.raises(ConfigurationError, match="give a list of 2 or more"):
            values_of(wrong, 2)
    with pytest.raises(ConfigurationError, match="not finite"):
        values_of([1.0, float("inf")])
