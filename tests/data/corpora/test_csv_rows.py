from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.reading import Row
from skillofmind.data.jsonl import Rejected


def test_rows_start_where_their_first_line_is(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b\r\n1,"two\r\nlines"\r\n\r\n3,"with ""quotes"", and comma"\r\n')
    assert list(csv_rows(path, ("b",))) == [
        Row(path, 2, {"a": "1", "b": "two\r\nlines"}),
        Row(path, 5, {"a": "3", "b": 'with "quotes", and comma'}),
    ]


def test_a_row_of_another_width_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2,3\n4\n5,6\n")
    found = list(csv_rows(path, ("a", "b")))
    assert [(row.line, isinstance(row, Rejected)) for row in found] == [(2, True), (3, True), (4, False)]
    assert str(found[0]) == "x.csv:2: 3 cells where the header names 2; mend the row's quoting."


def test_what_cannot_be_read_on_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    for text, message in (
        (b"a\n1\n", r"^x\.csv:1: the column 'b' is missing"),
        (b"", r"^x\.csv:1: the column 'b' is missing"),
        (b"b\n1\n\xff\n", r"^x\.csv:3: byte 0xff is not UTF-8"),
        (b'b\n1\n"' + b"x" * 200_000, r"^x\.csv:3: not csv \(field larger"),
    ):
        path = tmp_path / "x.csv"
        path.write_bytes(text)
        with pytest.raises(DataError, match=message):
            list(csv_rows(path, ("b",)))
