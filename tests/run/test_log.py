import os
import subprocess
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillofmind.core.completion import Usage
from skillofmind.core.errors import ConfigurationError, DataError, RunBusy, StorageError
from skillofmind.core.seams import Store
from skillofmind.run.log import AppendLog, Sync, read_log
from tests.run.children import child


def _store(log: AppendLog) -> Store:
    return log


def test_records_come_back_in_order(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "a.jsonl") as log:
        log.append("x", 1)
        log.append("y", {"deep": [1, None, "ü"]})
        log.append("x", 2)
        assert list(_store(log).read()) == [("x", 1), ("y", {"deep": [1, None, "ü"]}), ("x", 2)]
        assert len(log) == 3
        assert log.has("y")
        assert not log.has("z")


def test_get_gives_the_last_value(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "a.jsonl") as log:
        for key, value in [("b", 1), ("a", 2), ("b", 3), ("c", 4)]:
            log.append(key, value)
        assert [log.get(key) for key in "abc"] == [2, 3, 4]
        assert len(log) == 4


def test_get_of_an_unknown_key_is_a_key_error(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "a.jsonl") as log, pytest.raises(KeyError):
        log.get("x")


def test_reopening_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with AppendLog(path) as log:
        log.append("x", 1)
    with AppendLog(path) as log:
        assert (log.repaired, len(log), log.get("x")) == (0, 1, 1)
        log.append("y", Usage(3, 4))
        assert log.get("y") == {"prompt_tokens": 3, "completion_tokens": 4}
    assert path.read_bytes() == (
        b'{"key":"x","value":1}\n{"key":"y","value":{"prompt_tokens":3,"completion_tokens":4}}\n'
    )


def test_get_sees_records_written_after_an_earlier_get(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "a.jsonl") as log:
        log.append("a", "1" * 10)
        assert log.get("a") == "1" * 10
        log.append("b", "2" * 20_000)
        assert log.get("b") == "2" * 20_000
        log.append("c", "3")
        assert log.get("c") == "3"


def test_a_corrupt_line_in_the_middle_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"key":"a","value":1}\n{"key":"b","val\n{"key":"c","value":3}\n')
    with pytest.raises(DataError, match=r"a\.jsonl' line 2 is not a record"):
        AppendLog(path)
    assert path.read_bytes().count(b"\n") == 3
    with pytest.raises(DataError, match="line 2"):
        list(read_log(path))


@pytest.mark.parametrize(
    "foreign",
    [b"hello", b"hello\n", b'{"turns": []}\n', b'{"key": 1}\n', b'{"key":1,"value":2}\n', b"\n", b"[1]"],
)
def test_a_file_of_another_kind_is_refused_and_not_touched(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(foreign)
    with pytest.raises(DataError, match="line 1"):
        AppendLog(path)
    assert path.read_bytes() == foreign


@pytest.mark.parametrize("tail", [b"\0" * 100, b'{"key":"b","value":"\xff"}\n', b'{"key":"b",\n', b'{"k'])
def test_a_damaged_last_line_is_cut(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "a.jsonl"
    whole = b'{"key":"a","value":1}\n'
    path.write_bytes(whole + tail)
    assert list(read_log(path)) == [("a", 1)]
    with AppendLog(path) as log:
        assert log.repaired == len(tail)
        assert list(log.read()) == [("a", 1)]
    assert path.read_bytes() == whole


@pytest.mark.parametrize("count", [30_000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_the_index_takes_less_than_70_bytes_a_key(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"key":"corpus/dialogue-{i}#7","value":{i}}}\n' for i in range(count))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with AppendLog(path, "never") as log:
            grown, peak = (size - before for size in tracemalloc.get_traced_memory())
            assert len(log) == count
            assert log.get(f"corpus/dialogue-{count - 1}#7") == count - 1
            assert not log.has(f"corpus/dialogue-{count}#7")
    finally:
        tracemalloc.stop()
    assert grown < 70 * count
    assert peak < 70 * count + 500_000


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(st.tuples(_TEXT, _JSON), max_size=6),
    st.floats(0, 1),
)
def test_truncation_at_any_byte_keeps_every_whole_record(
    records: list[tuple[str, object]], cut: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        with AppendLog(path, "never") as log:
            for key, value in records:
                log.append(key, value)
        data = path.read_bytes()[: round(cut * path.stat().st_size)]
        path.write_bytes(data)
        whole = records[: data.count(b"\n")]
        with AppendLog(path, "never") as log:
            assert list(log.read()) == whole
            assert log.repaired == len(data) - (data.rfind(b"\n") + 1)
            assert {key: log.get(key) for key, _ in whole} == dict(whole)
            assert [log.has(key) for key, _ in records] == [key in dict(whole) for key, _ in records]
            log.append("after", 1)
        assert list(read_log(path)) == [*whole, ("after", 1)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9))))
def test_the_log_behaves_like_a_list_and_a_dict(records: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, AppendLog(Path(folder) / "a", "never") as log:
        for key, value in records:
            log.append(key, value)
        assert list(log.read()) == records
        assert {key: log.get(key) for key in "abcd" if log.has(key)} == dict(records)


@pytest.mark.parametrize("value", [object(), "\ud800", {(1, 2): 3}])
def test_a_value_that_is_not_json_is_refused_and_nothing_written(tmp_path: Path, value: object) -> None:
    with AppendLog(tmp_path / "a.jsonl") as log:
        with pytest.raises(DataError, match="the value of 'x' cannot be written as JSON"):
            log.append("x", value)
        assert len(log) == 0
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_a_log_open_elsewhere_is_refused(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "a.jsonl"), pytest.raises(RunBusy, match="open for writing elsewhere"):
        AppendLog(tmp_path / "a.jsonl")
    AppendLog(tmp_path / "a.jsonl").close()


def test_an_unknown_sync_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'often'"):
        AppendLog(tmp_path / "a", "often")  # type: ignore[arg-type]


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder does not exist"):
        AppendLog(tmp_path / "no" / "a.jsonl")


def test_a_closed_log_refuses_to_write_and_closes_twice(tmp_path: Path) -> None:
    log = AppendLog(tmp_path / "a.jsonl")
    log.close()
    log.close()
    with pytest.raises(StorageError, match="is closed"):
        log.append("x", 1)


@pytest.mark.parametrize(("policy", "flushes"), [("always", 4), ("batch", 2), ("never", 0)])
def test_sync_policy_decides_how_often_the_disk_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: Sync, flushes: int
) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    now = [0.0]
    log = AppendLog(path, policy, clock=lambda: now[0])
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    for now[0] in (0.1, 0.4, 0.6, 0.9):
        log.append("x", 1)
    log.close()
    assert len(calls) == flushes


def test_a_failed_write_leaves_the_records_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with AppendLog(tmp_path / "a.jsonl") as log:
        log.append("a", 1)

        def full_after_ten(descriptor: int, data: bytes) -> int:
            if data.startswith(b'{"key"'):
                return real(descriptor, data[:10])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full_after_ten)
        with pytest.raises(StorageError, match="the disk is full"):
            log.append("b", 2)
        monkeypatch.undo()
        assert list(log.read()) == [("a", 1)]
        assert not log.has("b")
        log.append("b", 3)
        assert log.get("b") == 3


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from skillofmind.core.errors import StorageError
from skillofmind.run.log import AppendLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
log = AppendLog(Path(sys.argv[1]))
done = 0
try:
    while True:
        log.append(str(done), "x" * 50)
        done += 1
except StorageError as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append("after", str(error))
    log.close()
    sys.stdout.write(str(done))
"""


def test_a_real_refusal_in_the_middle_of_a_line_keeps_the_log_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with child(_LIMITED, path) as (process, output):
        done = int(output.read())
        assert process.wait() == 0
    records = list(read_log(path))
    assert done == 1000 // len(b'{"key":"10","value":""}\n' + b"x" * 50)
    assert [key for key, _ in records] == [*map(str, range(done)), "after"]
    assert "larger than the system allows" in records[-1][1]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _fill(log: AppendLog) -> None:
    for i in range(1000):
        log.append(str(i), "x" * 1500)


def test_a_full_disk_keeps_every_acknowledged_record(small_disk: Path) -> None:
    path = small_disk / "a.jsonl"
    with AppendLog(path) as log:
        with pytest.raises(StorageError, match=r"disk/a\.jsonl': the disk is full; free some space"):
            _fill(log)
        done = 65536 // len(b'{"key":"10","value":""}\n' + b"x" * 1500)
        assert len(log) == done
        assert [key for key, _ in log.read()] == [str(i) for i in range(done)]
    with AppendLog(path) as log:
        assert (log.repaired, len(log)) == (0, done)


_WRITER = """
import os, sys
from pathlib import Path
from skillofmind.run.log import AppendLog
log = AppendLog(Path(sys.argv[1]), "batch")
start = len(log)
for i in range(start, 10**9):
    log.append(str(i), "x" * (i * 37 % 1500))
    os.write(1, b"%d\\n" % i)
"""


def test_killing_the_writer_loses_no_acknowledged_record(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    random = Random(7)
    acknowledged = -1
    for _ in range(20):
        with child(_WRITER, path) as (process, output):
            assert int(output.readline()) == acknowledged + 1
            time.sleep(random.uniform(0, 0.01))
            process.kill()
            acknowledged = max([acknowledged + 1, *map(int, output.read().split(b"\n")[:-1])])
        records = list(read_log(path))
        assert [key for key, _ in records] == [str(i) for i in range(len(records))]
        assert len(records) in (acknowledged + 1, acknowledged + 2)
        assert all(len(value) == i * 37 % 1500 for i, (_, value) in enumerate(records))
        acknowledged = len(records) - 1
    assert acknowledged > 20
