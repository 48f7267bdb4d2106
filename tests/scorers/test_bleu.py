import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.scorers.bleu import Pool, bleu, self_bleu

TOKENS = st.lists(st.sampled_from("abcde"), max_size=8)
CAT = ["the", "cat", "sat", "on", "the", "mat"]


class TestBleu:
    def test_one_reference_by_hand(self) -> None:
        # 5 of 6 words, 3 of 5 pairs, 2 of 4 triples, 1 of 3 fours; equal lengths.
        expected = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
        assert bleu(CAT, Pool([["the", "cat", "sat", "on", "a", "mat"]])) == pytest.approx(expected)

    def test_counts_are_clipped_by_the_reference_that_has_most(self) -> None:
        # "the" counts 2 of 7 as in one reference, not 3 as in both together; nothing longer matches.
        pool = Pool([["the", "cat", "the"], ["the", "dog"]])
        floors = (0.1 / 6) * (0.1 / 5) * (0.1 / 4)
        assert bleu(["the"] * 7, pool) == pytest.approx((2 / 7 * floors) ** 0.25)

    def test_brevity_takes_the_nearest_length_and_the_shorter_of_two(self) -> None:
        four = ["a", "b", "c", "d"]
        assert bleu(four, Pool([["a", "b", "c", "d", "e", "f"], ["x"]])) == pytest.approx(math.exp(1 - 6 / 4))
        assert bleu(four, Pool([["a", "b", "c", "d", "e", "f"], ["x", "y"]])) == pytest.approx(1)

    def test_no_common_word_and_nothing_at_all_are_zero(self) -> None:
        assert bleu(["a"], Pool([["b"]])) == 0
        assert bleu([], Pool([["b"]])) == 0
        assert bleu(["a"], Pool([])) == 0

    def test_short_texts_keep_the_floor_for_runs_that_they_have_not(self) -> None:
        assert bleu(["a"], Pool([["a"]])) == pytest.approx(0.1**0.75)

    @given(TOKENS, st.lists(TOKENS, max_size=4))
    def test_it_is_a_share_and_the_order_of_references_does_not_matter(
        self, candidate: list[str], references: list[list[str]]
    ) -> None:
        value = bleu(candidate, Pool(references))
        assert 0 <= value <= 1 + 1e-12
        assert bleu(candidate, Pool(references[::-1])) == value

    @given(st.lists(st.sampled_from("abc"), min_size=4, max_size=9), st.lists(TOKENS, max_size=3))
    def test_a_text_among_its_references_scores_one(self, text: list[str], others: list[list[str]]) -> None:
        assert bleu(text, Pool([*others, text])) == pytest.approx(1)

    def test_it_is_what_sacrebleu_says_where_every_run_matches(self) -> None:
        sacrebleu = pytest.importorskip("sacrebleu")
        references = ["the cat sat on a mat", "a cat sat on the mat now"]
        theirs = sacrebleu.sentence_bleu(" ".join(CAT), references, tokenize="none").score
        assert bleu(CAT, Pool([text.split() for text in references])) == pytest.approx(theirs / 100)


class TestSelfBleu:
    def test_it_is_the_mean_over_candidates(self) -> None:
        four = ["a", "b", "c", "d"]
        assert self_bleu([four, ["x"] * 4], [four]) == pytest.approx(0.5)

    def test_without_texts_there_is_none(self) -> None:
        assert self_bleu([], [["a"]]) is None
        assert self_bleu([["a"]], []) is None
