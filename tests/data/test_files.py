import gzip
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from skillofmind.core.errors import DataError, MissingExtra
from skillofmind.data import files
from skillofmind.data.files import expand, head, open_binary

TEXT = b"Ana: Hi\nBen: Hello\n" * 1000


def packed(kind: str, data: bytes) -> bytes:
    if kind == "plain":
        return data
    return gzip.compress(data) if kind == "gz" else zstandard.compress(data)


def count(path: Path, read: list[int]) -> None:
    with open_binary(path) as file:
        read.extend(map(len, iter(lambda: file.read(1 << 16), b"")))


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
@pytest.mark.parametrize("name", ["a.txt", "a.gz"])
def test_content_decides_not_the_name(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_bytes(packed(kind, TEXT))
    with open_binary(tmp_path / name) as file:
        assert list(file) == TEXT.splitlines(keepends=True)
    assert head(tmp_path / name) == TEXT[: files.HEAD_BYTES]


@pytest.mark.parametrize("kind", ["plain", "gz", "zst"])
def test_standard_input_is_read_after_its_head_was_seen(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    stdin(monkeypatch, packed(kind, TEXT))
    seen = head(Path("-"))
    assert TEXT.startswith(seen)
    assert len(seen) > 1000
    with open_binary(Path("-")) as file:
        assert file.read() == TEXT
    assert not sys.stdin.closed


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_members_one_after_another_are_one_stream(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").write_bytes(packed(kind, b"one\n") + packed(kind, b"two\n"))
    with open_binary(tmp_path / "a") as file:
        assert file.read() == b"one\ntwo\n"


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_cut_or_damaged_stream_is_an_error(tmp_path: Path, kind: str) -> None:
    whole = packed(kind, os.urandom(5000))
    for data in (whole[:-10], whole[:3000], whole[:20] + b"\xff" * 40):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(DataError, match="damaged or cut off"), open_binary(tmp_path / "a") as file:
            file.read()


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FREE_BYTES", 1 << 20)
    (tmp_path / "a").write_bytes(packed(kind, bytes(40 << 20)))
    read: list[int] = []
    with pytest.raises(DataError, match="decompression bomb"):
        count(tmp_path / "a", read)
    assert sum(read) <= 34 << 20


def test_text_that_compresses_well_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FREE_BYTES", 1 << 10)
    text = b"".join(b'{"id": %d, "turns": []}\n' % i for i in range(20000))
    (tmp_path / "a.gz").write_bytes(gzip.compress(text))
    with open_binary(tmp_path / "a.gz") as file:
        assert file.read() == text


def test_archives_are_refused_by_name_and_by_content(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as pack:
        pack.writestr("../x", "y")
    (tmp_path / "b").write_bytes((tmp_path / "a.zip").read_bytes())
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        tar.add(tmp_path / "b", "../b")
    (tmp_path / "d").write_bytes((tmp_path / "c.tar").read_bytes())
    (tmp_path / "e").write_bytes(gzip.compress((tmp_path / "c.tar").read_bytes()))
    (tmp_path / "f.tar.gz").write_bytes(b"")
    for name in ("a.zip", "b", "c.tar", "d", "e", "f.tar.gz"):
        with pytest.raises(DataError, match=r"are not read; unpack it and give the folder\.$"):
            open_binary(tmp_path / name)


def test_without_zstandard_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.zst").write_bytes(zstandard.compress(b"x"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(MissingExtra, match=r"skillofmind\[data\]"):
        open_binary(tmp_path / "a.zst")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        open_binary(tmp_path / "no")
    with pytest.raises(DataError, match="Is a directory"):
        open_binary(tmp_path)
    with pytest.raises(DataError, match="No such file"):
        list(expand([tmp_path / "no"]))
    with pytest.raises(DataError, match="names no file"):
        list(expand([tmp_path / "*.x"]))


def test_folders_and_patterns_are_sorted_and_links_end(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "a.txt", ".hidden", "c[1].txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    (tmp_path / "b" / "dead").symlink_to(tmp_path / "gone")
    names = [str(path.relative_to(tmp_path)) for path in expand([tmp_path])]
    assert names == ["a.txt", "b/1.txt", "b/2.txt", "c[1].txt"]
    given_ = [Path("-"), tmp_path / "c[1].txt", tmp_path / "b" / "*.txt", tmp_path / "b/1.txt"]
    assert [path.name for path in expand(given_)] == ["-", "c[1].txt", "1.txt", "2.txt"]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=2000), st.sampled_from(["plain", "gz", "zst"]), st.integers(1, 700))
def test_any_bytes_come_back(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str, size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    data = b"x" + data
    path.write_bytes(packed(kind, data))
    with open_binary(path) as file:
        assert b"".join(iter(lambda: file.read(size), b"")) == data
