import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.scorers.casual import casual_tokens
from skillofmind.scorers.diversity import distinct
from tests.corpora import CORPORA, corpora_folder, read_corpus
from tests.scorers.texts import ENGLISH, OTHERS, PIECES


def nltk() -> Any:
    return pytest.importorskip("nltk.tokenize.casual", reason="nltk is not installed")


class TestByHand:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("I can't, co-op!", ["I", "can't", ",", "co-op", "!"]),
            (":-) <3 -->", [":-)", "<3", "-->"]),
            ("wait.... no", ["wait", "...", "no"]),
            ("@ann #so_good 12.50", ["@ann", "#so_good", "12.50"]),
            ("&lt;3 &amp; &nothing; x", ["<3", "&", "x"]),
            ("(212) 555-1234", ["(212) 555-1234"]),
            ("cafe\u0301 \U0001f44d\U0001f3fd", ["cafe\u0301", "\U0001f44d\U0001f3fd"]),
            ("", []),
        ],
    )
    def test_tokens(self, text: str, expected: list[str]) -> None:
        assert casual_tokens(text) == expected

    def test_an_address_that_does_not_end_takes_no_exponential_time(self) -> None:
        start = time.process_time()
        assert len(casual_tokens("http://" + "!'" * 200)) > 100
        assert time.process_time() - start < 1


class TestParity:
    @pytest.mark.parametrize("text", ENGLISH + OTHERS)
    def test_texts_as_people_write_them(self, text: str) -> None:
        assert casual_tokens(text) == nltk().casual_tokenize(text)

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
    def test_odd_texts(self, text: str) -> None:
        assert casual_tokens(text) == nltk().casual_tokenize(text)

    def test_distinct_of_real_turns_is_that_of_the_official_way(self) -> None:
        folder = corpora_folder()
        if folder is None:
            pytest.skip("there is no folder shared/data above this one")
        tokenize = nltk().casual_tokenize
        turns = [
            turn.text.lower()
            for name in CORPORA
            if (folder / name).is_dir()
            for dialogue in read_corpus(folder, name, 15)
            for turn in dialogue.turns
        ]
        assert len(turns) > 300
        for order in (1, 2, 3):
            runs = [
                tuple(tokens[start : start + order])
                for tokens in map(tokenize, turns)
                for start in range(len(tokens) - order + 1)
            ]
            assert distinct(map(casual_tokens, turns), order) == len(set(runs)) / len(runs)
