import gzip
from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.train.chat.read import Placed, read_rows
from skillofmind.train.rows.token_row import Refused

ROWS = b'\xef\xbb\xbf\n{"text": "a"}\n\n{"text": \n[1]\n{"text": "\xff"}\n{"text": "b"}\n'


def test_rows_have_their_places_and_bad_lines_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(ROWS))
    found = list(read_rows([path]))
    assert [one.row for one in found if isinstance(one, Placed)] == [{"text": "a"}, {"text": "b"}]
    assert [one.place for one in found if isinstance(one, Placed)] == ["rows.jsonl.gz:2", "rows.jsonl.gz:7"]
    refused = [one for one in found if isinstance(one, Refused)]
    assert [one.id for one in refused] == ["rows.jsonl.gz:4", "rows.jsonl.gz:5", "rows.jsonl.gz:6"]
    assert refused[0].reason.startswith("rows.jsonl.gz:4: not JSON: ")
    assert refused[1].reason == "rows.jsonl.gz:5: not a JSON object"


def test_zstandard_is_read(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "rows.jsonl.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(b'{"text": "a"}'))
    assert list(read_rows([path])) == [Placed("rows.jsonl.zst:1", {"text": "a"})]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[{"text": "a"}]', "a.jsonl:1: not JSONL"),
        (b"text,label\n", "a.jsonl:1: not JSONL"),
        (b" \n", "the file is empty"),
        (b"PK\x03\x04", "archives"),
    ],
)
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        list(read_rows([path]))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="check the path"):
        list(read_rows([tmp_path / "none.jsonl"]))
