import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.scorers.corpus_bleu import (
    COLUMNS,
    bleu_counts,
    bleu_of,
    characters,
    tokens_13a,
)
from tests.scorers.texts import ENGLISH, OTHERS, SAID, WORDY

PAIRS = st.lists(st.tuples(SAID | WORDY, SAID | WORDY), min_size=1, max_size=8)
CUTS: dict[str, Callable[[str], list[str]]] = {
    "13a": tokens_13a,
    "char": characters,
    "none": lambda text: text.split(),
}


def ours(pairs: list[tuple[str, str]], order: int, tokenize: str = "13a") -> float:
    cut = CUTS[tokenize]
    counts = [bleu_counts(cut(candidate), cut(reference)) for candidate, reference in pairs]
    return float(bleu_of(np.array(counts, dtype=float).sum(axis=0), order))


def sacrebleu() -> Any:
    return pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")


def theirs(pairs: list[tuple[str, str]], order: int, tokenize: str = "13a") -> float:
    metric = sacrebleu().BLEU(max_ngram_order=order, tokenize=tokenize)
    candidates, references = zip(*pairs, strict=True)
    return float(metric.corpus_score(list(candidates), [list(references)]).score)


class TestByHand:
    def test_counts_of_one_pair(self) -> None:
        # "the" is in the reference twice, so both count; "the cat", "cat sat", "sat on" match of 5 pairs.
        found = bleu_counts(tokens_13a("the cat sat on a mat"), tokens_13a("the cat sat on the mat"))
        assert found == (6, 6, 5, 3, 2, 1, 6, 5, 4, 3)

    def test_the_value_of_two_pairs(self) -> None:
        # Together: 5 of 6 + 1 of 1 words, 3 of 5 pairs, candidates 7 words, references 8.
        pairs = [("the cat sat on a mat", "the cat sat on the mat"), ("yes", "yes please")]
        brevity = math.exp(1 - 8 / 7)
        assert ours(pairs, 1) == pytest.approx(100 * brevity * 6 / 7, abs=1e-9)
        assert ours(pairs, 2) == pytest.approx(100 * brevity * math.sqrt(6 / 7 * 3 / 5), abs=1e-9)

    def test_orders_without_a_match_halve_each_time(self) -> None:
        # 1 of 4 words, then 1 / (2 * 3), 1 / (4 * 2), 1 / (8 * 1).
        found = ours([("a x y z", "a b c d")], 4)
        assert found == pytest.approx(100 * (1 / 4 * 1 / 6 * 1 / 8 * 1 / 8) ** 0.25, abs=1e-9)

    def test_nothing_in_common_or_too_short_is_zero_and_no_text_is_undefined(self) -> None:
        assert ours([("a b", "c d")], 1) == 0
        assert ours([("a b", "a b")], 3) == 0
        assert ours([("", "a b")], 1) == 0
        assert np.isnan(bleu_of(np.zeros(COLUMNS), 4))


class TestParity:
    @pytest.mark.parametrize("tokenize", ["13a", "char"])
    def test_tokens_are_those_of_sacrebleu(self, tokenize: str) -> None:
        cut = sacrebleu().BLEU(tokenize=tokenize)._preprocess_segment
        for text in ENGLISH + OTHERS:
            assert CUTS[tokenize](text) == cut(text).split()

    @pytest.mark.parametrize("tokenize", ["13a", "char", "none"])
    @pytest.mark.parametrize("order", [1, 2, 3, 4])
    def test_a_corpus_as_people_write_it(self, order: int, tokenize: str) -> None:
        texts = ENGLISH + OTHERS
        pairs = list(zip(texts, texts[1:] + texts[:1], strict=True))
        assert ours(pairs, order, tokenize) == pytest.approx(theirs(pairs, order, tokenize), abs=1e-9)

    @settings(deadline=None)
    @given(PAIRS, st.integers(1, 4), st.sampled_from(["13a", "char"]))
    def test_random_corpora(self, pairs: list[tuple[str, str]], order: int, tokenize: str) -> None:
        found = ours(pairs, order, tokenize)
        expected = theirs(pairs, order, tokenize)
        assert (0.0 if np.isnan(found) else found) == pytest.approx(expected, abs=1e-9)


class TestProperties:
    @settings(deadline=None)
    @given(st.lists(SAID, min_size=1, max_size=6), st.integers(1, 4))
    def test_a_corpus_against_itself_is_100(self, texts: list[str], order: int) -> None:
        long_enough = any(len(tokens_13a(text)) >= order for text in texts)
        found = ours([(text, text) for text in texts], order)
        assert found == pytest.approx(100, abs=1e-9) if long_enough else not found > 0

    @settings(deadline=None)
    @given(PAIRS, st.integers(1, 4))
    def test_the_order_of_pairs_changes_nothing(self, pairs: list[tuple[str, str]], order: int) -> None:
        np.testing.assert_equal(ours(pairs[::-1], order), ours(pairs, order))

    def test_many_sums_are_valued_at_once(self) -> None:
        rng = np.random.default_rng(0)
        matched = rng.integers(0, 4, (5, 3, 4))
        sums = np.concatenate([rng.integers(1, 9, (5, 3, 2)), matched, matched + 1], axis=-1).astype(float)
        found = bleu_of(sums, 3)
        assert found.shape == (5, 3)
        for place in np.ndindex(5, 3):
            assert found[place] == bleu_of(sums[place], 3)
