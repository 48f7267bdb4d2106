from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.rows import Row
from skillofmind.data.jsonl import Rejected


def csv_told(path: Path, content: bytes, *columns: str) -> list[Any]:
    """Return (line, number, value) of rows and the text of rejections."""
    path.write_bytes(content)
    return [
        str(row) if isinstance(row, Rejected) else (row.line, row.number, row.value)
        for row in csv_rows(path, *columns)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_cells_may_hold_line_ends_quotes_and_commas(path: Path) -> None:
    told = csv_told(path, b'\xef\xbb\xbfa,b\r\n"x\ny","say ""hi"", you"\r\n\r\nz,\r\n', "b")
    assert told == [(2, 1, {"a": "x\ny", "b": 'say "hi", you'}), (5, 2, {"a": "z", "b": ""})]


def test_rows_with_too_few_or_foreign_cells_are_rejected(path: Path) -> None:
    assert csv_told(path, b"a,b\n1\n\xff,2\n3,4\n") == [
        "rows.csv:2: row 1: 1 cells where 2 belong; fetch the file again.",
        "rows.csv:3: row 2: byte 0xff is not UTF-8; save the file as UTF-8.",
        (4, 3, {"a": "3", "b": "4"}),
    ]


def test_a_cell_without_end_is_one_rejection(path: Path) -> None:
    first, fault, *rest = csv_told(path, b'a,b\n1,2\n"' + b"long cell\n" * 20000)
    assert first == (2, 1, {"a": "1", "b": "2"})
    assert fault.startswith("rows.csv:3: not a row of cells: field larger than field limit")
    assert all("1 cells where 2 belong" in row for row in rest)


def test_rows_start_where_their_first_line_is(path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbfa,b\r\n1,"two\r\nlines"\r\n\r\n3,"with ""quotes"", and comma"\r\n')
    assert list(csv_rows(path, "b")) == [
        Row(path, 2, 1, {"a": "1", "b": "two\r\nlines"}),
        Row(path, 5, 2, {"a": "3", "b": 'with "quotes", and comma'}),
    ]


def test_a_row_of_another_width_is_rejected(path: Path) -> None:
    found = csv_told(path, b"a,b\n1,2,3\n4\n5,6\n", "a", "b")
    assert found == [
        "rows.csv:2: row 1: 3 cells where 2 belong; fetch the file again.",
        "rows.csv:3: row 2: 1 cells where 2 belong; fetch the file again.",
        (4, 3, {"a": "5", "b": "6"}),
    ]


def test_a_header_that_does_not_fit_is_an_error(path: Path) -> None:
    for text, message in (
        (b"a\n1\n", r"^rows\.csv:1: no column 'b'"),
        (b"b,\xff\n1,2\n", r"^rows\.csv:1: byte 0xff is not UTF-8"),
        (b"", r"^rows\.csv: the file is empty"),
        (b"\n\n", r"^rows\.csv: the file is empty"),
    ):
        path.write_bytes(text)
        with pytest.raises(DataError, match=message):
            list(csv_rows(path, "b"))


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.csv: cannot be read"):
        list(csv_rows(path))
