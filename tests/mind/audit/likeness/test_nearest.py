from collections.abc import Sequence

import pytest

from skillofmind.core.errors import ConfigurationError
from skillofmind.mind.audit.likeness.nearest import Neighbour, neighbours


def letters(texts: Sequence[str]) -> list[list[float]]:
    return [[float(text.count("a")), float(text.count("b"))] for text in texts]


def test_the_nearest_above_the_threshold_is_reported() -> None:
    found = list(neighbours(["aab", "ab", "zzz"], ["b", "a", "aabb"], letters, 0.95))
    assert [(one.first, one.second) for one in found] == [(1, 2)]
    assert found[0].cosine == pytest.approx(1)
    [low] = neighbours(["aab"], ["b", "a"], letters, 0.5)
    assert low == Neighbour(0, 1, low.cosine)
    assert low.cosine == pytest.approx(2 / 5**0.5)


def test_nothing_to_look_in_gives_nothing() -> None:
    assert list(neighbours(["a"], [], letters, -1)) == []


def test_a_missing_vector_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="1 vectors for 2 texts"):
        list(neighbours(["a"], ["a", "b"], lambda texts: [[1.0]], 0.5))
