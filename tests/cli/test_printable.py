"""Foreign text at a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from skillofmind.cli.printable import printable


def test_what_could_act_on_a_terminal_is_spelled_out() -> None:
    assert printable("\x1b[31m\x9b1m\x07\x7f\r\u202eabc\u2066\u2028") == (
        "\\x1b[31m\\x9b1m\\x07\\x7f\\x0d\\u202eabc\\u2066\\u2028"
    )


def test_text_of_every_script_stays() -> None:
    for text in ("plain", "two\nlines\tand a tab", "나는 네가 좋아", "שלום", "👩‍👩‍👧‍👦🏽", "naïve café", ""):
        assert printable(text) == text


def test_half_characters_are_spelled_out() -> None:
    assert printable("a\udcff") == "a\\udcff"


@given(st.text())
def test_nothing_unsafe_is_left_and_nothing_else_is_touched(text: str) -> None:
    shown = printable(text)
    assert all(char in "\n\t" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in shown)
    assert printable(shown) == shown
    shown.encode("utf-8")
