import io
import json

from hypothesis import given
from hypothesis import strategies as st

from skillofmind.data.corpora.elements import Element, elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(VALUES), indent=st.sampled_from([None, 1]), ascii_only=st.booleans())
def test_what_is_cut_is_what_was_written(rows: list[object], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    parts = [part for part in elements(io.BytesIO(text)) if part.raw]
    assert [json.loads(part.raw) for part in parts] == rows
    assert all(part.whole for part in parts)


def test_lines_are_those_where_elements_begin() -> None:
    parts = list(elements(io.BytesIO(b'\n[\n {"a":\n 1},\n\n [2], 3\n]\n')))
    assert [(part.line, part.raw) for part in parts] == [(3, b'{"a":\n 1}'), (6, b"[2]"), (6, b"3")]


def test_a_list_that_is_cut_off_ends_with_what_is_left() -> None:
    parts = list(elements(io.BytesIO(b'[{"a": 1},\n{"b": "x')))
    assert parts == [Element(1, b'{"a": 1}'), Element(2, b'{"b": "x', whole=False)]


def test_what_follows_the_list_is_told() -> None:
    parts = list(elements(io.BytesIO(b"[1]\n[2]")))
    assert parts == [Element(1, b"1"), Element(2, b"[2]", whole=False)]


def test_a_long_list_is_not_held_in_memory() -> None:
    row = json.dumps({"text": 'a "quoted" [word], ' * 1000}).encode()
    file = io.BytesIO(b"[" + b",\n".join([row] * 1000) + b"]")
    parts = elements(file)
    assert next(parts).raw == row
    assert file.tell() <= 2 << 20
    assert sum(1 for _ in parts) == 999


def test_a_string_without_an_end_takes_time_in_proportion_to_its_length() -> None:
    """A few reads of growing length, not one search from the start for every chunk."""
    reads: list[int] = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            reads.append(size or 0)
            return super().read(size)

    parts = list(elements(Counted(b'["' + b"x" * (20 << 20))))
    assert [part.whole for part in parts] == [False]
    assert len(reads) < 10
