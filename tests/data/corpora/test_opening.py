import zlib
from pathlib import Path

import pytest

from skillofmind.core.errors import DataError
from skillofmind.data.corpora.opening import lines_of, opened


def test_lines_lose_their_ends_and_the_mark_at_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\ntwo\x85 \xe2\x80\xa8three\rfour")
    assert list(lines_of(path)) == [(1, b"one"), (2, b""), (3, b"two\x85 \xe2\x80\xa8three\rfour")]


def test_what_hinders_reading_names_the_file(tmp_path: Path) -> None:
    for error in (OSError("disk"), EOFError("cut"), zlib.error("bad block")):
        with pytest.raises(DataError, match=r"^x: cannot be read"), opened(whole(tmp_path)):
            raise error


def whole(folder: Path) -> Path:
    path = folder / "x"
    path.touch()
    return path
