from collections.abc import Iterator
from pathlib import Path

import pytest

from skillofmind.core.errors import StorageError
from skillofmind.run.atomic import write_parts_atomic


def test_lines_go_to_their_files_in_order(tmp_path: Path) -> None:
    rows = [(f"{n % 2}.txt", b"%d\n" % n) for n in range(5)]
    assert write_parts_atomic(tmp_path / "new", rows) == [
        tmp_path / "new" / "0.txt",
        tmp_path / "new" / "1.txt",
    ]
    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == {
        "0.txt": b"0\n2\n4\n",
        "1.txt": b"1\n3\n",
    }


def test_an_interrupted_writer_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def rows() -> Iterator[tuple[str, bytes]]:
        yield "a", b"x\n"
        yield "b", b"x\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parts_atomic(tmp_path, rows())
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"before")]


def test_a_disk_that_says_no_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        write_parts_atomic(tmp_path / "file", [("a", b"x\n")])
