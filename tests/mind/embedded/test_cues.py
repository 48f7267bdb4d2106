from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.mind.embedded.cues import compile_lexicon, cues_in, load_lexicon, words

LEXICON = compile_lexicon(
    {
        "grief": {"en": ["died", "griev*", "passed away", "put to sleep"], "ko": ["돌아가셨", "장례"]},
        "asks": {"en": ["what now?", "how do you get insi*"], "ko": []},
        "work": {"en": ["died", "don't"]},
    }
)


def found(text: str) -> set[str]:
    return cues_in(text, words(text), LEXICON)


def test_words_are_lower_case_with_apostrophes_numbers_and_marks() -> None:
    assert words("Don’t PANIC, it's 3:30?! … Été 한국어") == [
        *("don't", "panic", "it's", "3", "30", "?", "!", "…", "été", "한국어")
    ]


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("He DIED.", {"grief", "work"}),
        ("undied", set()),
        ("She was grieving", {"grief"}),
        ("a grief", set()),
        ("he passed  away", {"grief"}),
        ("passed by, away", set()),
        ("we put, to sleep", {"grief"}),
        ("What now?", {"asks"}),
        ("what now", set()),
        ("how do you get inside", {"asks"}),
        ("어제 할머니가 돌아가셨어요", {"grief"}),
        ("장례식장", {"grief"}),
        ("Don’t", {"work"}),
        ("", set()),
    ],
)
def test_phrases_prefixes_and_stems(text: str, classes: set[str]) -> None:
    assert found(text) == classes


def test_stems_are_not_looked_for_in_text_without_hangul() -> None:
    latin = compile_lexicon({"x": {"ko": ["abc"]}})
    assert cues_in("abc", ["abc"], latin) == set()
    assert cues_in("abc 가", [], latin) == {"x"}


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["died", "put", "to", "sleep", "passed", "away", "grieves", "?"]), max_size=8)
)
def test_a_longer_text_has_at_least_the_cues_of_its_beginning(tokens: list[str]) -> None:
    text = " ".join(tokens)
    for end in range(len(tokens)):
        assert found(" ".join(tokens[:end])) <= found(text)


FILE = """
version = 1
[cues.grief]
en = ["passed away", "griev*", "put it in the calendar"]
ko = ["장례"]
[cues.late]
en = ["overdue"]
"""


def test_a_file_is_read_and_indexed(tmp_path: Path) -> None:
    path = tmp_path / "cues.toml"
    path.write_text(FILE, encoding="utf-8-sig")
    lexicon = load_lexicon(path)
    assert lexicon.words == {
        "overdue": ("late",),
        "passed away": ("grief",),
        "put it in the calendar": ("grief",),
    }
    assert (lexicon.prefixes, lexicon.stems) == ({"griev": ("grief",)}, {"장례": ("grief",)})
    text = "Just put it in the calendar."
    assert cues_in(text, words(text), lexicon) == {"grief"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ko =", "kr =", "[cues.grief] has the key 'kr'; the keys are en and ko."),
        ('"griev*"', '"gr*"', "[cues.grief] has the entry 'gr*'; give at least 3 letters before the `*`."),
        ('"griev*"', '"am i*"', "[cues.grief] has the entry 'am i*'; give at least 3 letters"),
        (
            '"griev*"',
            '"a b c d e f g"',
            "[cues.grief] has the entry 'a b c d e f g' with 7 words; give 1 to 6.",
        ),
        ('"griev*"', '"-"', "[cues.grief] has the entry '-' with 0 words; give 1 to 6."),
        ('"장례"', '""', "[cues.grief] has an empty Korean entry; remove it."),
        ('["overdue"]', '"overdue"', "Expected `array`, got `str`"),
        ("version = 1", "versions = 1", "unknown field `versions`"),
        ("[cues.late]", "[cues.late", "each class is [cues.NAME] with en and ko."),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_lexicon(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert says in str(caught.value)


def test_a_file_that_is_not_utf8_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xff\n")
    with pytest.raises(DataError, match=r"latin\.toml: .*can't decode byte 0xff"):
        load_lexicon(path)
    with pytest.raises(DataError, match=r"none\.toml: cannot be read \(No such file or directory\)"):
        load_lexicon(tmp_path / "none.toml")
