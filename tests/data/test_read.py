import io
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.jsonl import Rejected
from skillofmind.data.read import accepted, read_dialogues

GOOD = b'{"turns": [{"speaker": "Ana", "text": "Hi"}]}'
BOM = b"\xef\xbb\xbf"


def read(folder: Path, data: bytes) -> list[Dialogue | Rejected]:
    path = folder / "d.txt"
    path.write_bytes(data)
    return list(read_dialogues(path))


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (GOOD, ["d.txt:1"]),
        (GOOD + b"\n\n" + GOOD, ["d.txt:1", "d.txt:3"]),
        (b"\n\r\n  " + GOOD, ["d.txt:3"]),
        (BOM + GOOD, ["d.txt:1"]),
        (BOM + b"\r\n\r\n" + GOOD, ["d.txt:3"]),
        (b"Ana: Hi", ["d.txt:1"]),
        (b"\n\nAna: Hi", ["d.txt:1"]),
        (BOM + b"\nAna: Hi", ["d.txt:1"]),
        (b"[1030] Ana: Hi", ["d.txt:1"]),
    ],
)
def test_the_first_character_tells_the_format(tmp_path: Path, data: bytes, names: list[str]) -> None:
    found = read(tmp_path, data)
    assert [row.id for row in found if isinstance(row, Dialogue)] == names
    assert all(isinstance(row, Dialogue) and row.turns[-1].text == "Hi" for row in found)


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t", BOM, BOM + b"\n \n"])
def test_an_empty_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"^d\.txt: the file is empty; give JSONL dialogues or"):
        read(tmp_path, data)


@pytest.mark.parametrize("data", [b"[" + GOOD + b"]", b"[\n" + GOOD + b"\n]", b"\n [ " + GOOD, b"[]"])
def test_a_json_array_is_refused_with_the_fix(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DataError, match=r"^d\.txt: a JSON array; write one JSON object a line"):
        read(tmp_path, data)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read \(No such file or directory\); check"):
        list(read_dialogues(tmp_path / "none.jsonl"))
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        list(read_dialogues(tmp_path))


def test_rows_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(GOOD + b"\n" + b"\xff\n" + GOOD)
    rows = read_dialogues(path)
    assert isinstance(next(rows), Dialogue)
    second = next(rows)
    assert isinstance(second, Rejected)
    assert second.line == 2
    assert isinstance(next(rows), Dialogue)


def test_the_first_bad_row_stops_those_who_accept_no_other(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(GOOD + b"\n{}\n" + GOOD)
    rows = accepted(read_dialogues(path))
    assert next(rows).turns == (Turn("Ana", "Hi"),)
    with pytest.raises(
        DataError, match=r"^d\.jsonl:2: not a dialogue: Object missing required field `turns`"
    ):
        next(rows)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD + b"\nAna")))
    first, second = read_dialogues(Path("-"))
    assert isinstance(first, Dialogue)
    assert first.id == "stdin:1"
    assert str(second).startswith("stdin:2: not JSON")


PIECES = st.binary(max_size=12) | st.sampled_from([GOOD, b"\n", BOM, b"Ana: hi", b"{", b"[", b"\r", b"\x00"])


@settings(deadline=None, max_examples=200)
@given(st.lists(PIECES, max_size=6).map(b"".join))
def test_any_bytes_are_rows_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        rows = read(folder, data)
    except DataError:
        return
    assert rows
    assert all(row.turns and row.id for row in rows if isinstance(row, Dialogue))
