from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import (
    Annotation,
    Dialogue,
    Image,
    Label,
    Session,
    SocialContext,
    Speaker,
    Turn,
)
from skillofmind.data.jsonl import Rejected, dialogue_fault, read_jsonl, write_jsonl

GOOD = b'{"turns": [{"speaker": "Ana", "text": "I lost my keys."}]}'
DIALOGUE = Dialogue(turns=(Turn("Ana", "I lost my keys."),), id="f:1")


def read(*lines: bytes) -> list[Dialogue | Rejected]:
    return list(read_jsonl(lines, "f"))


def test_the_shortest_line_is_a_dialogue_named_by_its_place() -> None:
    assert read(GOOD) == [DIALOGUE]


def test_an_id_of_its_own_is_kept() -> None:
    (found,) = read(b'{"id": "x:7", ' + GOOD[1:])
    assert isinstance(found, Dialogue)
    assert found.id == "x:7"


def test_bom_line_ends_and_blank_lines_do_not_matter_and_numbers_stay_true() -> None:
    found = read(b"\xef\xbb\xbf" + GOOD + b"\r\n", b"\n", b" \t\r\n", b"  " + GOOD + b"\n", b"", GOOD)
    assert [row.id for row in found if isinstance(row, Dialogue)] == ["f:1", "f:4", "f:6"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON: Input data was truncated; write one JSON object a line."),
        (GOOD[:-1] + b",}", "not JSON: "),
        (GOOD + GOOD, "not JSON: "),
        (b"[" + GOOD + b"]", "not a dialogue: Expected `object`, got `array`; each turn needs"),
        (b'"x"', "not a dialogue: Expected `object`, got `str`; each turn needs"),
        (b"{}", "not a dialogue: Object missing required field `turns`; each turn needs"),
        (b'{"turns": []}', "the dialogue has no turns; give at least one."),
        (
            b'{"turns": [{"text": "a"}]}',
            "missing required field `speaker` - at `$.turns[0]`; each turn needs",
        ),
        (b'{"turns": [{"speaker": "a"}]}', "missing required field `text` - at `$.turns[0]`"),
        (b'{"turns": [{"speaker": "a", "text": 1}]}', "Expected `str`, got `int` - at `$.turns[0].text`"),
        (
            b'{"turns": [{"speaker": "a", "text": "b"}, {"speaker": " ", "text": "hi"}]}',
            "turn 2 has no speaker; name who says 'hi'.",
        ),
        (b'{"turn": 1, ' + GOOD[1:], "Object contains unknown field `turn`"),
        (b'{"turns": [{"speaker": "a", "text": "b", "txt": 1}]}', "unknown field `txt` - at `$.turns[0]`"),
        (b'{"turns": [{"speaker": "a", "text": "\xff"}]}', "byte 0xff is not UTF-8; save the file as UTF-8."),
        (b'{"t\xe4rns": 1}', "byte 0xe4 is not UTF-8"),
        (b'{"turns": [{"speaker": "a", "text": "\\ud800"}]}', "not JSON: "),
        (b'{"meta": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "not JSON: maximum recursion depth"),
    ],
)
def test_a_bad_line_is_rejected_with_its_number_and_the_others_are_read(line: bytes, reason: str) -> None:
    found = read(GOOD, b"", line, GOOD)
    assert len(found) == 3
    assert found[0] == DIALOGUE
    assert isinstance(found[2], Dialogue)
    rejected = found[1]
    assert isinstance(rejected, Rejected)
    assert (rejected.source, rejected.line) == ("f", 3)
    assert reason in rejected.reason
    assert str(rejected) == f"f:3: {rejected.reason}"
    assert "\n" not in rejected.reason
    assert rejected.reason.endswith(".")


def test_a_long_text_is_shortened_in_a_rejection() -> None:
    fault = dialogue_fault(Dialogue(turns=(Turn("", "x" * 10_000),)))
    assert fault == f"turn 1 has no speaker; name who says {'x' * 40!r}."
    assert dialogue_fault(DIALOGUE) == ""


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = TEXT.filter(lambda text: bool(text.strip()))
TEXTS = st.lists(TEXT, max_size=2).map(tuple)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
META = st.dictionaries(TEXT, JSON, max_size=2)
FACTS = st.dictionaries(TEXT, TEXT, max_size=2)
TURNS = st.builds(
    Turn,
    NAME,
    TEXT,
    st.lists(st.builds(Image, TEXT, st.none() | TEXT), max_size=1).map(tuple),
    st.lists(st.builds(Annotation, TEXT, TEXT, st.none() | TEXT), max_size=2).map(tuple),
    st.lists(st.builds(Label, TEXT, TEXT, rank=st.integers(1, 3)), max_size=1).map(tuple),
    meta=META,
)
CONTEXTS = st.builds(SocialContext, text=st.none() | TEXT, services=TEXTS, priorities=TEXTS, extra=FACTS)
DIALOGUES = st.builds(
    Dialogue,
    turns=st.lists(TURNS, min_size=1, max_size=3).map(tuple),
    context=CONTEXTS,
    id=TEXT,
    speakers=st.lists(
        st.builds(Speaker, NAME, human=st.none() | st.booleans(), attributes=FACTS, persona=TEXTS), max_size=2
    ).map(tuple),
    responder=st.none() | TEXT,
    history=st.lists(st.builds(Session, turns=st.lists(TURNS, max_size=1).map(tuple)), max_size=1).map(tuple),
    meta=META,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(DIALOGUES, max_size=4))
def test_what_is_written_is_read_back(dialogues: list[Dialogue]) -> None:
    data = b"".join(write_jsonl(dialogues))
    assert data.count(b"\n") == len(dialogues)
    expected = [
        dialogue if dialogue.id else msgspec.structs.replace(dialogue, id=f"f:{number}")
        for number, dialogue in enumerate(dialogues, 1)
    ]
    assert list(read_jsonl(data.splitlines(keepends=True), "f")) == expected


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.binary(max_size=20) | st.sampled_from([GOOD, GOOD[:20], b"\xef\xbb\xbf", b"{}"]), max_size=5)
)
def test_every_line_that_is_not_blank_is_accounted_for(lines: list[bytes]) -> None:
    full = [line for line in lines if line.strip()]
    found = read(*lines)
    bom_only = bool(lines) and lines[0].strip() and not lines[0].removeprefix(b"\xef\xbb\xbf").strip()
    assert len(found) == len(full) - bool(bom_only)
