from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.rows import Row, Shape, csv_rows, json_rows, shaped, source_of
from skillofmind.data.jsonl import Rejected


def json_told(path: Path, content: bytes) -> list[Any]:
    """Return (line, number, value) of rows and the text of rejections."""
    path.write_bytes(content)
    return [_told(row) for row in json_rows(path)]


def csv_told(path: Path, content: bytes, *columns: str) -> list[Any]:
    path.write_bytes(content)
    return [_told(row) for row in csv_rows(path, *columns)]


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
    with pytest.raises(DataError, match=r"rows\.json: cannot be read"):
        list(csv_rows(path))


def test_cells_may_hold_line_ends_quotes_and_commas(path: Path) -> None:
    told = csv_told(path, b'\xef\xbb\xbfa,b\r\n"x\ny","say ""hi"", you"\r\n\r\nz,\r\n', "b")
    assert told == [(2, 1, {"a": "x\ny", "b": 'say "hi", you'}), (5, 2, {"a": "z", "b": ""})]


def test_rows_with_too_few_or_foreign_cells_are_rejected(path: Path) -> None:
    assert csv_told(path, b"a,b\n1\n\xff,2\n3,4\n") == [
        "rows.json:2: row 1: 1 cells where 2 belong; fetch the file again.",
        "rows.json:3: row 2: byte 0xff is not UTF-8; save the file as UTF-8.",
        (4, 3, {"a": "3", "b": "4"}),
    ]


def test_a_cell_without_end_is_one_rejection(path: Path) -> None:
    first, fault, *rest = csv_told(path, b'a,b\n1,2\n"' + b"long cell\n" * 20000)
    assert first == (2, 1, {"a": "1", "b": "2"})
    assert fault.startswith("rows.json:3: not a row of cells: field larger than field limit")
    assert all("1 cells where 2 belong" in row for row in rest)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"rows\.json: the file is empty"):
        list(json_rows(path))
    with pytest.raises(DataError, match=r"rows\.json: the file is empty"):
        list(csv_rows(path))


class Sample(Shape, frozen=True):
    text: str
    numbers: list[int] = []


def test_a_value_of_another_shape_names_the_place() -> None:
    row = Row("f.json", 4, 4, {"text": "x", "numbers": [1, "2"], "more": None})
    fault = shaped(row, Sample)
    assert isinstance(fault, Rejected)
    assert str(fault).startswith(
        "f.json:4: not a row of this corpus: Expected `int`, got `str` - at `$.numbers[1]`"
    )
    assert row.rest("text") == {"numbers": [1, "2"]}


def test_files_in_folders_of_splits_are_told_apart() -> None:
    assert source_of(Path("data/train/dialogues_001.json")) == "train/dialogues_001.json"
    assert source_of(Path("data/dialogues_001.json")) == "dialogues_001.json"
