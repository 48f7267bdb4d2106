from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.scorers.overlap import units
from skillofmind.scorers.rouge import Rouge, rouge, subsequence, words
from tests.scorers.texts import ENGLISH, OTHERS, SAID, WORDY

TOKENS = st.lists(st.sampled_from("abc"), max_size=10)


def theirs(candidate: str, reference: str) -> Rouge:
    """Return the values of the package `rouge_score`."""
    scorer = pytest.importorskip("rouge_score.rouge_scorer", reason="rouge_score is not installed")
    names = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    found = scorer.RougeScorer(names).score(reference, candidate)
    return Rouge(*(found[name].fmeasure for name in names))


class TestByHand:
    def test_one_line(self) -> None:
        # Shared: the, cat, the, mat of 6 and 5 words; "the cat" of 5 and 4 pairs; "the cat the mat" in order.
        found = rouge("the cat sat on the mat", "the cat left the mat", words)
        assert found == pytest.approx((2 * 4 / 11, 2 * 2 / 9, 2 * 4 / 11, 2 * 4 / 11), abs=1e-12)

    def test_lines_may_change_places_for_lsum_only(self) -> None:
        # Whole: the longest common sequence is "a b" or "c d", 2 of 4 words; by lines all 4 are found.
        found = rouge("c d\na b", "a b\nc d", words)
        assert found.longest == 2 * 2 / 8
        assert found.lines == 1.0

    def test_a_word_is_not_counted_twice_by_lines(self) -> None:
        # Both lines of the reference find the one "a" of the candidate; it counts once: 2 * 1 / (1 + 2).
        assert rouge("a\n", "a\na", words).lines == pytest.approx(2 / 3, abs=1e-12)

    def test_without_words_everything_is_zero(self) -> None:
        for candidate, reference in product(("", "?!", "\n\n"), ("", "a", "...")):
            assert rouge(candidate, reference, words) == (0, 0, 0, 0)

    def test_scripts_without_spaces_need_units(self) -> None:
        # 我今, 今天, 天没 against 我今, 今天, 天好: 2 of 3 each.
        assert rouge("我今天没", "我今天好", words) == (0, 0, 0, 0)
        assert rouge("我今天没", "我今天好").one == pytest.approx(2 / 3, abs=1e-12)


class TestParity:
    @pytest.mark.parametrize("candidate", ENGLISH + OTHERS)
    def test_texts_as_people_write_them(self, candidate: str) -> None:
        for reference in ENGLISH:
            ours = rouge(candidate, reference, words)
            assert ours == pytest.approx(theirs(candidate, reference), abs=1e-9)

    @settings(deadline=None)
    @given(SAID | WORDY, SAID | WORDY)
    def test_random_texts(self, candidate: str, reference: str) -> None:
        assert rouge(candidate, reference, words) == pytest.approx(theirs(candidate, reference), abs=1e-9)


class TestProperties:
    @settings(deadline=None)
    @given(WORDY, WORDY)
    def test_values_are_shares_and_all_but_lsum_are_symmetric(self, first: str, second: str) -> None:
        found = rouge(first, second)
        assert all(0 <= value <= 1 for value in found)
        assert found.longest <= found.one + 1e-12
        assert rouge(second, first)[:3] == pytest.approx(found[:3], abs=1e-12)

    @settings(deadline=None)
    @given(SAID)
    def test_a_text_is_all_of_itself(self, text: str) -> None:
        found = rouge(text, text)
        assert found.one == found.longest == found.lines == float(bool(units(text)))

    @settings(deadline=None)
    @given(TOKENS, TOKENS)
    def test_the_subsequence_is_that_of_the_table(self, first: list[str], second: list[str]) -> None:
        table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
        for i, j in product(range(len(first)), range(len(second))):
            same = first[i] == second[j]
            table[i + 1][j + 1] = table[i][j] + 1 if same else max(table[i][j + 1], table[i + 1][j])
        assert subsequence(first, second) == table[-1][-1]
