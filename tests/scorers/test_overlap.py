import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.scorers.overlap import copied, f1, length, share, units

TEXTS = st.text(max_size=60) | st.text("aAI é'’ 你好のカ一ー。ภาษี한국हि", max_size=30)


class TestUnits:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", ""),
            ("Hello, HELLO world!", "hello hello world"),
            ("Don't; don’t; donʼt", "don't don't don't"),
            ("'quoted' rock'n'roll dogs'", "quoted rock'n'roll dogs"),
            ("Ｆｕｌｌ ｗｉｄｔｈ", "full width"),
            ("Straße STRASSE", "strasse strasse"),
            ("café cafe\u0301", "café café"),
            ("हिन्दी में", "हिन्दी में"),
            ("나는 학교에 간다.", "나는 학교에 간다"),
            (unicodedata.normalize("NFD", "학교"), "학교"),
            ("你好吗？", "你好 好吗"),
            ("我。你好", "我 你好"),
            ("東京へ行く", "東京 京へ へ行 行く"),
            ("カード・ゲ", "カー ード ゲ"),
            ("ﾊﾝｶｸ", "ハン ンカ カク"),
            ("มีดี", "มีดี"),
            ("มีดีมา", "มีดี ดีม มา"),
            ("ສະບາ", "ສະ ະບ ບາ"),
            ("មែរ", "មែរ"),
            ("မြန်မာ။", "မြန် န်မာ"),
            ("我用Python写代码", "我用 python 写代 代码"),
            ("👍 ... !?", ""),
        ],
    )
    def test_by_hand(self, text: str, expected: str) -> None:
        assert units(text) == tuple(expected.split())

    def test_turkish_and_azeri_tell_their_two_letters_apart(self) -> None:
        assert units("ISPARTA İzmir", "tr") == units("ısparta izmir", "tr-TR") == ("ısparta", "izmir")
        assert units("ISPARTA", "az") == ("ısparta",)
        assert units("ISPARTA", "en") == ("isparta",)

    @given(TEXTS)
    def test_composed_and_decomposed_text_is_the_same(self, text: str) -> None:
        assert units(unicodedata.normalize("NFD", text)) == units(unicodedata.normalize("NFC", text))

    @given(TEXTS, TEXTS)
    def test_lines_are_cut_apart(self, first: str, second: str) -> None:
        assert units(f"{first}\n{second}") == units(first) + units(second)

    @given(st.text(st.characters(), max_size=60), st.sampled_from(["", "tr", "zh"]))
    def test_no_text_raises_and_length_fits(self, text: str, lang: str) -> None:
        found = units(text, lang)
        assert all(found)
        assert length(text, lang) >= len(found)
        assert (length(text, lang) == 0) == (found == ())


class TestLength:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", 0),
            ("I don't know.", 3),
            ("나는 학교에 간다", 3),
            ("你好吗？", 3),
            ("我用Python写代码", 6),  # 5 characters and a word
            ("มีดี", 2),
            ("👍", 0),
        ],
    )
    def test_by_hand(self, text: str, expected: int) -> None:
        assert length(text) == expected


class TestShare:
    def test_counts_distinct_units_only(self) -> None:
        # a, b, c of which b and c are there
        assert share(("a", "a", "b", "c"), ("c", "b", "b", "d")) == pytest.approx(2 / 3, abs=1e-12)

    def test_nothing_is_in_anything(self) -> None:
        assert share((), ("a",)) == 0.0

    def test_takes_sets(self) -> None:
        assert share({"a", "b"}, frozenset("a")) == 0.5


class TestF1:
    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [
            ("a b c", "a b d", 4 / 6),
            ("a a b", "a c", 2 / 5),  # one a is shared
            ("a a b", "a a", 4 / 5),
            ("a b", "a b", 1.0),
            ("a", "b", 0.0),
            ("", "", 0.0),
            ("", "a", 0.0),
        ],
    )
    def test_by_hand(self, first: str, second: str, expected: float) -> None:
        assert f1(first.split(), second.split()) == pytest.approx(expected, abs=1e-12)

    @given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
    def test_is_symmetric_and_the_mean_of_precision_and_recall(
        self, first: list[str], second: list[str]
    ) -> None:
        found = f1(first, second)
        assert found == f1(second, first)
        shared = sum(min(first.count(unit), second.count(unit)) for unit in "abc")
        if shared:
            precision, recall = shared / len(second), shared / len(first)
            assert found == pytest.approx(2 * precision * recall / (precision + recall))
        else:
            assert found == 0.0


class TestCopied:
    def test_by_hand(self) -> None:
        # Of abcd, bcde, cdef the first two stand in the source.
        assert copied("abcdef", "xabcdex", 4) == pytest.approx(2 / 3, abs=1e-12)
        assert copied("abc", "abcdef", 4) is None
        assert copied("abcdef", "", 4) == 0
