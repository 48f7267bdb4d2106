import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Sampling
from skillofmind.core.errors import StorageError
from skillofmind.run.cache import Cache, cache_key
from tests.run.children import child


def test_a_value_comes_back(tmp_path: Path) -> None:
    with Cache(tmp_path / "c.sqlite") as cache:
        assert cache.get("k") is None
        cache.put("k", b"\x00\xff")
        cache.put("k", b"new")
        cache.put("other", b"")
        assert (cache.get("k"), cache.get("other"), len(cache)) == (b"new", b"", 2)
    with Cache(tmp_path / "c.sqlite") as cache:
        assert cache.get("k") == b"new"


def test_the_file_is_in_write_ahead_mode(tmp_path: Path) -> None:
    with Cache(tmp_path / "c.sqlite"):
        database = sqlite3.connect(tmp_path / "c.sqlite")
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        database.close()


def test_key_depends_on_all_that_decides_the_answer_and_on_no_order() -> None:
    key = cache_key("m", {"a": 1, "b": Sampling(temperature=0.5)}, 0)
    assert key == cache_key("m", {"b": Sampling(temperature=0.5), "a": 1}, 0)
    assert len(key) == 64
    others = {
        cache_key("n", {"a": 1, "b": Sampling(temperature=0.5)}, 0),
        cache_key("m", {"a": 1, "b": Sampling(temperature=0.6)}, 0),
        cache_key("m", {"a": 1, "b": Sampling(temperature=0.5)}, 1),
    }
    assert len(others | {key}) == 4


@given(st.tuples(st.text('a[,"', max_size=3), st.text('a[,"', max_size=3), st.integers(0, 2)), st.data())
def test_different_parts_make_different_keys(parts: tuple[str, str, int], data: st.DataObject) -> None:
    other = data.draw(st.tuples(st.text('a[,"', max_size=3), st.text('a[,"', max_size=3), st.integers(0, 2)))
    assert (cache_key(*parts) == cache_key(*other)) == (parts == other)


@pytest.mark.parametrize("content", [b"this is not a database, it is a long text file\n" * 100, b"x" * 5000])
def test_a_file_that_is_no_database_may_be_deleted_says_the_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"c\.sqlite' is damaged or is no cache .* may be deleted"):
        Cache(path)
    assert path.read_bytes() == content


def test_a_damaged_database_says_that_it_may_be_deleted(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Cache(path) as cache:
        for i in range(200):
            cache.put(f"key {i}", b"v" * 500)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match="may be deleted"), Cache(path) as cache:
        cache.get("key 100")


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none/c\.sqlite'.*folder exists"):
        Cache(tmp_path / "none" / "c.sqlite")


def test_a_closed_cache_is_a_storage_error(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c.sqlite")
    cache.close()
    cache.close()
    with pytest.raises(StorageError, match="closed database"):
        cache.get("k")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_the_earlier_entries(small_disk: Path) -> None:
    with Cache(small_disk / "c.sqlite") as cache:
        cache.put("first", b"1")
        with pytest.raises(StorageError, match="the disk is full"):
            cache.put("large", b"x" * 1_000_000)
        assert (cache.get("first"), cache.get("large")) == (b"1", None)
        cache.put("second", b"2")
        assert cache.get("second") == b"2"


_WRITER = """
import os, sys
from pathlib import Path
from skillofmind.run.cache import Cache
cache = Cache(Path(sys.argv[1]))
name, count = sys.argv[2], int(sys.argv[3])
for i in range(count):
    cache.put(f"{name} {i}", b"x" * (i * 37 % 5000))
    os.write(1, b"%d\\n" % i)
"""


def test_several_processes_open_and_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with ExitStack() as stack:
        children = [stack.enter_context(child(_WRITER, path, name, 200)) for name in "abcd"]
        for process, output in children:
            assert output.read().count(b"\n") == 200
            assert process.wait() == 0
    with Cache(path) as cache:
        assert len(cache) == 800


def test_opening_waits_for_a_process_that_is_making_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.1, other.execute, ["COMMIT"])
    release.start()
    # SQLite itself answers "database is locked" at once here, whatever the time-out.
    with Cache(path) as cache:
        cache.put("k", b"v")
    release.join()
    other.close()


def test_killed_writers_lose_nothing_and_damage_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    random = Random(3)
    acknowledged = []
    for name in range(10):
        with child(_WRITER, path, name, 10**9) as (process, output):
            output.readline()
            time.sleep(random.uniform(0, 0.02))
            process.kill()
            acknowledged.append(max([0, *map(int, output.read().split(b"\n")[:-1])]))
    with Cache(path) as cache:
        for name, last in enumerate(acknowledged):
            for i in range(last + 1):
                assert cache.get(f"{name} {i}") == b"x" * (i * 37 % 5000)
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert sum(acknowledged) > 20
    assert os.path.getsize(path) > 0
