import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.transcript import read_transcript


def read(text: str | bytes) -> list[tuple[str, str]]:
    data = text.encode() if isinstance(text, str) else text
    return [(t.speaker, t.text) for t in read_transcript(data.splitlines(keepends=True), "f").turns]


def test_a_transcript_is_one_dialogue_named_by_its_source() -> None:
    assert read_transcript([b"Ana: Hi\n", b"Ben: Hello"], "f") == Dialogue(
        turns=(Turn("Ana", "Hi"), Turn("Ben", "Hello")), id="f:1"
    )


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("\ufeffAna: Hi\r\n\r\n  Ben :  Hello \r\n", [("Ana", "Hi"), ("Ben", "Hello")]),
        ("Ana: one\ntwo\n\n three\nBen: x", [("Ana", "one\ntwo\nthree"), ("Ben", "x")]),
        ("민수：안녕\n지우: 응", [("민수", "안녕"), ("지우", "응")]),
        (
            "Ana: look:\nhttps://localhost/z?a:b\nsee http://localhost",
            [("Ana", "look:\nhttps://localhost/z?a:b\nsee http://localhost")],
        ),
        ("Ana: 👩‍👩‍👧: fine\n🙂: hi", [("Ana", "👩‍👩‍👧: fine"), ("🙂", "hi")]),
        ("Ana: at 10:30", [("Ana", "at 10:30")]),
        ("Ana:\nBen:\n  said later", [("Ana", ""), ("Ben", "said later")]),
        ("Dr. J. O'Neil (host): Hi", [("Dr. J. O'Neil (host)", "Hi")]),
        ("Ana: x\n" + "w" * 41 + ": y", [("Ana", "x\n" + "w" * 41 + ": y")]),
    ],
)
def test_good_input(text: str, turns: list[tuple[str, str]]) -> None:
    assert read(text) == turns


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"hello\nAna: hi", "f:1: 'hello' names no speaker; write `Name: text`."),
        (b"\n\nhello", "f:3: 'hello' names no speaker"),
        (b"https://localhost", "f:1: 'https://localhost' names no speaker"),
        (b": hi", "f:1: ': hi' names no speaker"),
        (b"Ana: hi\nBen: \xff", "f:2: byte 0xff is not UTF-8; save the file as UTF-8."),
        ("Ana: hi".encode("utf-16"), "f:1: byte 0xff is not UTF-8"),
        (b"", "f: the file is empty"),
        (b"\n \n", "f: the file is empty"),
    ],
)
def test_bad_input_is_refused_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(DataError) as caught:
        read(data)
    assert str(caught.value).startswith(says)


NAMES = st.text("abc é한.", min_size=1, max_size=20).filter(lambda text: text == text.strip())
SAID = st.text("abc é한.:/?", max_size=30).map(str.strip)


@given(
    st.lists(st.tuples(NAMES, SAID.filter(lambda text: not text.startswith("//"))), min_size=1, max_size=5)
)
def test_one_line_a_turn_is_read_back(turns: list[tuple[str, str]]) -> None:
    lines = "\n".join(f"{name}: {said}" for name, said in turns)
    assert read(lines) == [(name, said.lstrip()) for name, said in turns]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"Ana: x", b":", b"\xef\xbb\xbf"]), max_size=5))
def test_any_bytes_are_a_dialogue_or_refused(lines: list[bytes]) -> None:
    try:
        dialogue = read_transcript(lines, "f")
    except DataError:
        return
    assert dialogue.turns
    assert all(turn.speaker.strip() for turn in dialogue.turns)
