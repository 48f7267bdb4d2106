import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.scorers.diversity import (
    distinct,
    distinct_parts,
    entropy,
    evenness,
    first_tokens,
    grams,
)

TEXTS = st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=5)
COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9))


class TestDistinct:
    def test_by_hand_and_no_gram_crosses_texts(self) -> None:
        texts = [["a", "b", "a"], ["a", "b"]]
        assert distinct(texts, 1) == 2 / 5
        assert distinct(texts, 2) == 2 / 3
        assert distinct(texts, 3) == 1
        assert distinct(texts, 4) is None
        assert list(grams(["a", "b", "c"], 2)) == [("a", "b"), ("b", "c")]

    @given(TEXTS, st.integers(1, 3))
    def test_order_does_not_matter_and_copies_halve_it(self, texts: list[list[str]], order: int) -> None:
        value = distinct(texts, order)
        assert distinct(texts[::-1], order) == value
        doubled = distinct(texts + texts, order)
        assert doubled == (None if value is None else pytest.approx(value / 2))


class TestDistinctParts:
    def test_by_hand(self) -> None:
        # Group 0 says a b a, group 1 b c; a is its own, b is shared.
        parts = distinct_parts([["a", "b"], ["b", "c"], ["a"]], [0, 1, 0], 1)
        assert parts.without() == (2 / 2, 2 / 3)
        assert parts == (3, 5, (1, 1), (3, 2))

    @given(TEXTS, st.integers(1, 3), st.randoms(use_true_random=False))
    def test_without_a_group_is_distinct_of_the_others(
        self, texts: list[list[str]], order: int, random: Random
    ) -> None:
        groups = [random.randrange(3) for _ in texts]
        parts = distinct_parts(texts, groups, order)
        whole = parts.distinct / parts.total if parts.total else None
        assert whole == distinct(texts, order)
        for group, value in enumerate(parts.without()):
            rest = [text for text, of in zip(texts, groups, strict=True) if of != group]
            assert value == distinct(rest, order)


class TestFirstTokens:
    def test_the_last_text_is_cut(self) -> None:
        texts = [["a", "b"], ["c", "d"], ["e"]]
        assert first_tokens(texts, 3) == [["a", "b"], ["c"]]
        assert first_tokens(texts, 4) == texts[:2]
        assert first_tokens(texts, 0) == []

    @given(TEXTS, st.integers(0, 40))
    def test_there_are_as_many_as_asked_for_or_all(self, texts: list[list[str]], tokens: int) -> None:
        assert sum(map(len, first_tokens(texts, tokens))) == min(tokens, sum(map(len, texts)))


class TestEntropy:
    def test_by_hand(self) -> None:
        assert entropy({"a": 1, "b": 1, "c": 2}) == 1.5
        assert entropy({"a": 7}) == entropy({}) == entropy({"a": 0}) == 0
        assert evenness({"a": 1, "b": 1, "c": 2}) == pytest.approx(1.5 / math.log2(3))
        assert evenness({"a": 3, "b": 0}) is None

    @given(COUNTS)
    def test_it_is_between_none_and_that_of_equal_shares(self, counts: dict[str, int]) -> None:
        values = sum(count > 0 for count in counts.values())
        assert 0 <= entropy(counts) <= math.log2(max(values, 1)) + 1e-9
        assert evenness(dict.fromkeys("ab", 3)) == 1
