import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.evals.judging.verdicts import read_pair, read_rating

TWO = ["empathy", "safety"]


class TestPair:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"empathy": "A", "safety": "B"}', ("A", "B")),
            ('Sure!\n```json\n{"empathy": "b", "safety": "tie",}\n```\nDone.', ("B", "tie")),
            ('{"Empathy": "Reply A", "SAFETY": " a. "}', ("A", "A")),
            ('{"verdicts": {"empathy": "A", "safety": "same"}}', ("A", "tie")),
            ('{"empathy": {"choice": "B", "why": "warm"}, "safety": {"winner": "A"}}', ("B", "A")),
            # A draft comes first, the answer last.
            ('First {"empathy": "A", "safety": "A"}. No: {"empathy": "B", "safety": "B"}', ("B", "B")),
            ('{"empathy": "A"}', ("A", None)),
            ('{"empathy": "A or B", "safety": "C"}', (None, None)),
            ('{"empathy": 1, "safety": true}', (None, None)),
            # The words of the question, repeated.
            ('{"empathy": "...", "safety": "..."}', (None, None)),
            ("I choose reply A by all criteria.", (None, None)),
            ('{"empathy": "A", "safety": ', (None, None)),
            ("", (None, None)),
        ],
    )
    def test_reads_what_is_a_verdict_and_guesses_nothing(
        self, text: str, expected: tuple[str | None, str | None]
    ) -> None:
        assert tuple(read_pair(text, TWO).values()) == expected

    @given(st.text(max_size=300))
    def test_never_raises(self, text: str) -> None:
        assert list(read_pair(text, TWO)) == TWO
        assert list(read_rating(text, TWO, 5)) == TWO

    def test_a_wall_of_brackets_is_read_in_bounded_time(self) -> None:
        assert read_pair("{" * 50_000, TWO) == {"empathy": None, "safety": None}


class TestRating:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("4", 4), ('"4"', 4), ('"4/5"', 4), ("4.0", 4), ('{"rating": 2}', 2), ('{"score": "3"}', 3),
         ("0", None), ("6", None), ("4.5", None), ("true", None), ("null", None), ('"four"', None),
         ('"9999999"', None)],
    )  # fmt: skip
    def test_reads_whole_numbers_of_the_scale(self, value: str, expected: int | None) -> None:
        assert read_rating(f'{{"empathy": {value}}}', ["empathy"], 5) == {"empathy": expected}
