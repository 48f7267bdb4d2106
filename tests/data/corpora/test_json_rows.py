import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import DataError
from skillofmind.data.corpora import elements as module
from skillofmind.data.corpora.json_rows import json_objects, json_rows
from skillofmind.data.corpora.rows import Row
from skillofmind.data.jsonl import Rejected

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(
    st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=3), min_size=1, max_size=5
)

LAYOUTS = {
    "lines": lambda rows: "\n".join(json.dumps(row) for row in rows),
    "array": lambda rows: json.dumps(rows, ensure_ascii=False),
    "spread array": lambda rows: json.dumps(rows, indent=2),
    "joined": lambda rows: "".join(json.dumps(row) for row in rows),
    "spread": lambda rows: "\n".join(json.dumps(row, indent=1) for row in rows),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=OBJECTS, block=st.integers(1, 40))
def test_objects_are_found_in_every_layout(
    tmp_path: Path, layout: str, rows: list[dict[str, Any]], block: int
) -> None:
    path = tmp_path / "rows.json"
    path.write_text(LAYOUTS[layout](rows), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", block)
        found = list(json_objects(path))
    assert [row.value if isinstance(row, Row) else row for row in found] == rows


def test_lines_are_where_objects_start(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('\n[\n{"a":\n1},\n\n{"b": "{\\"}"}, {"c": []}\n]\n')
    assert [(row.line, row.value) for row in json_objects(path) if isinstance(row, Row)] == [
        (3, {"a": 1}),
        (6, {"b": '{"}'}),
        (6, {"c": []}),
    ]


def test_a_broken_line_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n{"a": \n[1]\n\n{"a": "\xff"}\n{"a": 2}')
    found = list(json_objects(path))
    assert [row.line for row in found] == [1, 2, 3, 5, 6]
    assert [type(row) for row in found] == [Row, Rejected, Rejected, Rejected, Row]
    assert isinstance(found[3], Rejected)
    assert found[3].reason == "byte 0xff is not UTF-8; save the file as UTF-8."


def test_what_lies_between_objects_or_is_cut_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1},\n oops {"b": 2} 7,\n{"c": {"d":')
    found = list(json_objects(path))
    assert [(row.line, isinstance(row, Row)) for row in found] == [
        (1, True),
        (2, False),
        (2, True),
        (2, False),
        (3, False),
    ]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    for name, text in (("a.json", ""), ("b.json", "[]\n"), ("c.jsonl", "\n\n")):
        (tmp_path / name).write_text(text)
        assert list(json_objects(tmp_path / name)) == []


def test_nesting_without_end_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"a": ' + "[" * 100_000 + "\n" + '{"a": 1}')
    assert [isinstance(row, Row) for row in json_objects(path)] == [False, True]


def test_a_long_array_on_one_line_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    row = json.dumps({"text": "long " * 2000})
    path.write_text("[" + ", ".join([row] * 2000) + "]")
    rows = json_objects(path)
    next(iter(rows))
    tracemalloc.start()
    try:
        assert sum(isinstance(found, Row) for found in rows) == 1999
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 20_000_000


def json_told(path: Path, content: bytes) -> list[Any]:
    """Return (line, number, value) of rows and the text of rejections."""
    path.write_bytes(content)
    return [_told(row) for row in json_rows(path)]


def _told(row: Row | Rejected) -> Any:
    return str(row) if isinstance(row, Rejected) else (row.line, row.number, row.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.json"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'[{"a": 1},\n{"a": 2}]', [(1, 1, {"a": 1}), (2, 2, {"a": 2})]),
        (b"[]", []),
        (b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}\r\n', [(1, 1, {"a": 1}), (3, 2, {"a": 2})]),
        (b'\n{"a": [1]}\n{"a": [2]}\n', [(2, 1, {"a": [1]}), (3, 2, {"a": [2]})]),
        (b'{"a": [1, 2], "b": ["x", "y"]}', [(1, 1, {"a": 1, "b": "x"}), (1, 2, {"a": 2, "b": "y"})]),
        (b'{\n "a": [\n 1,\n 2]\n}', [(1, 1, {"a": 1}), (1, 2, {"a": 2})]),
        (b'{"x": {"a": 1}, "y": {"a": 2}}', [(1, 1, {"a": 1}), (1, 2, {"a": 2})]),
        (b'{"a": 1, "b": [2]}', [(1, 1, {"a": 1, "b": [2]})]),
    ],
)
def test_containers(path: Path, content: bytes, wanted: list[Any]) -> None:
    assert json_told(path, content) == wanted


def test_rows_by_name_know_their_name(path: Path) -> None:
    path.write_bytes(b'{"x": {"a": 1}}')
    (row,) = json_rows(path)
    assert isinstance(row, Row)
    assert row.key == "x"


def test_a_broken_line_costs_one_line(path: Path) -> None:
    first, second, third = json_told(path, b'{"a": 1}\n{"a": \xe9}\n{"a": 3}\n')
    assert (first, third) == ((1, 1, {"a": 1}), (3, 3, {"a": 3}))
    assert second == "rows.json:2: byte 0xe9 is not UTF-8; save the file as UTF-8."


def test_a_broken_first_line_is_not_taken_for_a_document(path: Path) -> None:
    first, second = json_told(path, b'{"a": \n{"a": 2}\n')
    assert first.startswith("rows.json:1: not JSON: ")
    assert second == (2, 2, {"a": 2})


def test_a_broken_element_costs_one_element(path: Path) -> None:
    first, second, third = json_told(path, b'[{"a": 1}, {"a" 2}, {"a": 3}]')
    assert (first, third) == ((1, 1, {"a": 1}), (1, 3, {"a": 3}))
    assert second.startswith("rows.json:1: row 2: not JSON: ")


def test_a_list_that_is_cut_off_says_so(path: Path) -> None:
    assert json_told(path, b'[{"a": 1},\n{"a":') == [
        (1, 1, {"a": 1}),
        "rows.json:2: row 2: the list is cut off here; fetch the file again.",
    ]


def test_a_document_that_is_cut_off_says_so(path: Path) -> None:
    (fault,) = json_told(path, b'{\n "a": [1,\n')
    assert fault.startswith("rows.json:1: not JSON: ")


def test_a_short_column_rejects_the_rows_that_it_lacks(path: Path) -> None:
    assert json_told(path, b'{"a": [1, 2], "b": [3]}') == [
        (1, 1, {"a": 1, "b": 3}),
        "rows.json:1: row 2: column 'b' ends before this row; fetch the file again.",
    ]


def test_numbers_that_json_does_not_know_reject_their_row(path: Path) -> None:
    first, second = json_told(path, b'{"a": NaN}\n{"a": 1}\n')
    assert "not JSON" in first
    assert second == (2, 2, {"a": 1})


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.json: cannot be read"):
        list(json_rows(path))


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"rows\.json: the file is empty"):
        list(json_rows(path))


@pytest.mark.parametrize(
    "content", ['{"a": [1, 2]}', '{"x": {"a": 1}, "y": {"a": 2}}', '{"x": {\n"a": 1\n}\n}']
)
def test_objects_stay_whole_where_rows_are_unfolded(path: Path, content: str) -> None:
    path.write_text(content)
    (row,) = json_objects(path)
    assert row == Row(path, 1, 0, json.loads(content))


def test_objects_behind_a_missing_comma_or_a_bracket_too_many_are_found(path: Path) -> None:
    assert json_told(path, b'[{"a": 1}\n{"a": 2},\n{"a": 3}], {"a": 4}]') == [
        (1, 1, {"a": 1}),
        (2, 2, {"a": 2}),
        (3, 3, {"a": 3}),
        "rows.json:3: row 4: the list is cut off here; fetch the file again.",
    ]
    assert json_told(path, b'[{"a": 1}], {"a": 2}, {"a": 3}]')[1:] == [(1, 2, {"a": 2}), (1, 3, {"a": 3})]


def test_lines_behind_the_rest_of_a_line_are_not_a_list(path: Path) -> None:
    fault, row = json_told(path, b'[1, 2]}\n{"a": 2}\n')
    assert fault.startswith("rows.json:1: not JSON: ")
    assert row == (2, 2, {"a": 2})


def test_an_object_over_many_lines_is_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert json_told(path, b'{\n "a": 1,\n "b": 2\n}\n') == [(1, 1, {"a": 1, "b": 2})]


def test_a_line_that_is_torn_in_two_costs_two_lines(tmp_path: Path) -> None:
    found = json_told(tmp_path / "rows.jsonl", b'{"a": [1,\n 2]}\n{"a": 2}\n')
    assert [str(row)[:12] for row in found[:2]] == ["rows.jsonl:1", "rows.jsonl:2"]
    assert found[2:] == [(3, 3, {"a": 2})]
