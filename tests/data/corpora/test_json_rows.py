import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillofmind.data.corpora import json_rows as module
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.reading import Row
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
        patch.setattr(module, "_BLOCK", block)
        found = list(json_rows(path))
    assert [row.value if isinstance(row, Row) else row for row in found] == rows


def test_lines_are_where_objects_start(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('\n[\n{"a":\n1},\n\n{"b": "{\\"}"}, {"c": []}\n]\n')
    assert [(row.line, row.value) for row in json_rows(path) if isinstance(row, Row)] == [
        (3, {"a": 1}),
        (6, {"b": '{"}'}),
        (6, {"c": []}),
    ]


def test_a_broken_line_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n{"a": \n[1]\n\n{"a": "\xff"}\n{"a": 2}')
    found = list(json_rows(path))
    assert [row.line for row in found] == [1, 2, 3, 5, 6]
    assert [type(row) for row in found] == [Row, Rejected, Rejected, Rejected, Row]
    assert isinstance(found[3], Rejected)
    assert found[3].reason == "byte 0xff is not UTF-8; save the file as UTF-8."


def test_what_lies_between_objects_or_is_cut_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1},\n oops {"b": 2} 7,\n{"c": {"d":')
    found = list(json_rows(path))
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
        assert list(json_rows(tmp_path / name)) == []


def test_nesting_without_end_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "deep.jsonl"
    path.write_text('{"a": ' + "[" * 100_000 + "\n" + '{"a": 1}')
    assert [isinstance(row, Row) for row in json_rows(path)] == [False, True]


def test_a_long_array_on_one_line_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    row = json.dumps({"text": "long " * 2000})
    path.write_text("[" + ", ".join([row] * 2000) + "]")
    rows = json_rows(path)
    next(iter(rows))
    tracemalloc.start()
    try:
        assert sum(isinstance(found, Row) for found in rows) == 1999
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert path.stat().st_size > 20_000_000
