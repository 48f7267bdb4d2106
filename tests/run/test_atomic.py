import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from skillofmind.core.errors import DataError, StorageError
from skillofmind.run import atomic
from skillofmind.run.atomic import leftovers, storage_error, write_atomic, write_lines_atomic


def test_write_replaces_the_whole_content(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_bytes(b"old and longer")
    write_atomic(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_lines_get_exactly_one_newline_each(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    write_lines_atomic(target, iter([b"1", b"2\n", b""]))
    assert target.read_bytes() == b"1\n2\n\n"


def test_no_lines_make_an_empty_file(tmp_path: Path) -> None:
    write_lines_atomic(tmp_path / "a", [])
    assert (tmp_path / "a").read_bytes() == b""


def test_lines_are_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_CHUNK", 10)
    lines = [b"%d" % i for i in range(1000)]
    write_lines_atomic(tmp_path / "a", lines)
    assert (tmp_path / "a").read_bytes().splitlines() == lines


def test_error_of_the_iterator_passes_unchanged_and_leaves_nothing(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"1"
        raise FileNotFoundError(errno.ENOENT, "source", "other.txt")

    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(FileNotFoundError) as caught:
        write_lines_atomic(target, lines())
    assert not isinstance(caught.value, StorageError)
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_data_error_of_the_iterator_passes_unchanged(tmp_path: Path) -> None:
    def lines() -> Iterator[bytes]:
        yield b"1"
        raise DataError("line 3")

    with pytest.raises(DataError, match="line 3"):
        write_lines_atomic(tmp_path / "a", lines())
    assert os.listdir(tmp_path) == []


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nowhere/a'.*folder does not exist"):
        write_atomic(tmp_path / "nowhere" / "a", b"")


def test_target_that_is_a_folder_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        write_atomic(tmp_path / "a", b"x")
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EROFS, "in the folder '/some': the file system is read-only"),
        (errno.EACCES, "in the folder '/some': permission is denied"),
        (errno.EBADF, "Bad file descriptor; check the disk"),
    ],
)
def test_message_names_path_and_cause(code: int, words: str) -> None:
    message = str(storage_error(Path("/some/file"), OSError(code, os.strerror(code))))
    assert message.startswith("cannot write '/some/file'")
    assert words in message


_TOO_BIG = """
import resource, signal, sys
from pathlib import Path
from skillofmind.core.errors import StorageError
from skillofmind.run.atomic import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 5000)
except StorageError as error:
    sys.stdout.write(str(error))
"""


def test_a_real_refusal_of_the_disk_keeps_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", _TOO_BIG, str(target)], capture_output=True, text=True, check=True
    )
    assert "larger than the system allows" in done.stdout
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_leftovers_are_the_files_of_killed_writers(tmp_path: Path) -> None:
    for name in (".a.json.0a.tmp", "a.json", ".lock", "b.tmp"):
        (tmp_path / name).touch()
    assert [path.name for path in leftovers(tmp_path)] == [".a.json.0a.tmp"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
