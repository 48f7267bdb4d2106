import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.evals.raters.grams import MAX_CHARS, Grams, grams


def block(found: Grams, number: int) -> dict[int, float]:
    kept = found.blocks == number
    return dict(zip(found.codes[kept].tolist(), found.values[kept].tolist(), strict=True))


class TestGrams:
    def test_counts_words_and_neighbours_with_edges(self) -> None:
        found = grams([("", "No no stop")], ("reply",))
        # no, stop, "^ no", "no no", "no stop", "stop $"; the word `no` occurs twice.
        values = sorted(block(found, 0).values())
        assert values == [1.0] * 5 + [1 + math.log(2)]

    def test_a_text_has_a_block_of_words_and_one_of_characters_for_each_field(self) -> None:
        found = grams([("Why?", "Because."), ("", "")], ("before", "reply"))
        assert (found.texts, found.per_text) == (2, 4)
        assert set(found.blocks.tolist()) == {0, 1, 2, 3}

    def test_the_same_word_differs_by_field_and_by_block(self) -> None:
        found = grams([("ab", "ab")], ("before", "reply"))
        assert not block(found, 0).keys() & block(found, 2).keys()
        assert not block(found, 0).keys() & block(found, 1).keys()

    def test_case_and_apostrophes_do_not_count(self) -> None:
        one, other = (grams([("", text)], ("reply",)) for text in ("Don't", "don’t"))
        assert one.codes.tolist() == other.codes.tolist()

    def test_a_long_text_loses_its_middle_only(self) -> None:
        whole, cut = ("start " + "mid " * n + "end" for n in (MAX_CHARS, MAX_CHARS * 2))
        sets = [set(grams([("", text)], ("reply",)).codes.tolist()) for text in (whole, cut)]
        assert sets[0] == sets[1]

    @given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=4))
    def test_texts_are_cut_alike_alone_and_together(self, pairs: list[tuple[str, str]]) -> None:
        together = grams(pairs, ("before", "reply"))
        assert together.texts == len(pairs)
        for number, pair in enumerate(pairs):
            alone = grams([pair], ("before", "reply"))
            kept = together.blocks // together.per_text == number
            assert together.codes[kept].tolist() == alone.codes.tolist()
            assert np.array_equal(together.blocks[kept] - number * together.per_text, alone.blocks)
