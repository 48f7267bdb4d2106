"""`som annotate --mode ray`: two local workers, one of them killed, a limit, Ctrl-C, a refused key."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from skillofmind.data.select import write_instances
from skillofmind.mind.annotate.ledger import Work
from skillofmind.run.log import read_log
from tests.cli.killing import wait_until
from tests.cli.som import command, environment, som, started
from tests.mind.annotate.rows import numbered
from tests.teacher import Teacher
from tests.upstream import Upstream, status

COUNT = 400
AT_ONCE = 16
WORKERS = 2
RAY = ("--mode", f"ray:workers={WORKERS}")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None, reason="Ray is not installed: pip install 'skillofmind[ray]'"
    ),
]


def words(folder: Path, name: str, server: Upstream, *more: object) -> list[object]:
    file = folder / "targets.jsonl"
    if not file.exists():
        file.write_bytes(b"".join(write_instances(numbered(COUNT))))
    teacher = ["--teacher", "scripted", "--base-url", server.base_url, "--limits", f"at_once={AT_ONCE}"]
    return ["annotate", file, folder / name, *teacher, *more]


def outputs(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "annotated.jsonl").read_bytes(), (folder / "rejected.jsonl").read_bytes()


def kept(folder: Path) -> dict[str, Work]:
    return {key: msgspec.convert(value, Work) for key, value in read_log(folder / "log.jsonl")}


def attempts(folder: Path) -> int:
    return sum(answer.attempts for work in kept(folder).values() for answer in work.answers)


def below(parent: int) -> list[int]:
    """Return the processes that `parent` started, and those that they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [parent]
    for pid in found:
        found += [child for child, its_parent in parents.items() if its_parent == pid]
    return found[1:]


def askers(parent: int) -> list[int]:
    """Return the workers below a process, by the title that Ray gives them."""
    return [pid for pid in below(parent) if title(pid).startswith(b"ray::Asker")]


def title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_killed_worker_costs_only_what_it_had_in_flight(tmp_path: Path) -> None:
    with Upstream(reply=Teacher(), latency=0.05) as server:
        assert som(*words(tmp_path, "live", server)).code == 0
        calls = server.counts.received
        with started(*words(tmp_path, "ray", server, *RAY)) as process:
            assert wait_until(lambda: server.counts.received >= calls + COUNT // 2, process)
            workers = askers(process.pid)
            assert len(workers) == WORKERS
            os.kill(workers[0], signal.SIGKILL)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert err.startswith(b"som: starting ray.\n")
        assert b"Traceback" not in err
        assert outputs(tmp_path / "ray") == outputs(tmp_path / "live")
        asked = server.counts.received - calls
    works = kept(tmp_path / "ray")
    assert len(works) == COUNT
    assert all(work.settled for work in works.values())
    assert attempts(tmp_path / "ray") == attempts(tmp_path / "live") == calls
    # What was in flight at the worker was asked again, and nothing else.
    assert 0 < asked - calls <= AT_ONCE // WORKERS
    events = [
        msgspec.json.decode(line) for line in (tmp_path / "ray" / "events.jsonl").read_bytes().splitlines()
    ]
    assert sum(event["key"] == "worker_lost" for event in events) == 1


def test_a_killed_driver_leaves_nobody_who_asks_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with Upstream(reply=Teacher(), latency=0.05) as server:
        assert som(*words(tmp_path, "live", server)).code == 0
        calls = server.counts.received
        with started(*words(tmp_path, "ray", server, *RAY)) as process:
            assert wait_until(lambda: server.counts.received >= calls + COUNT // 2, process)
            left = askers(process.pid)
            assert len(left) == WORKERS
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert som(*words(tmp_path, "ray", server, *RAY)).code == 0
        assert not [title(pid) for pid in left if title(pid)]
        assert outputs(tmp_path / "ray") == outputs(tmp_path / "live")
        assert attempts(tmp_path / "ray") == calls


def test_a_limit_on_calls_ends_the_run_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    with Upstream(reply=Teacher({}), latency=0.01) as server:
        result = som(*words(tmp_path, "ray", server, *RAY, "--limits", f"at_once={AT_ONCE},calls=100"))
        assert result.code == 1
        assert "the limit of 100 calls is reached (100 spent); resume with a larger one" in result.err
        assert server.counts.received == attempts(tmp_path / "ray") == 100
        assert (
            som(*words(tmp_path, "ray", server, *RAY, "--limits", f"at_once={AT_ONCE},calls={COUNT}")).code
            == 0
        )
        assert server.counts.received == COUNT


@contextmanager
def at_a_terminal(*command_words: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Start `som` in a process group of its own, all of which gets a Ctrl-C."""
    process = subprocess.Popen(
        command(*command_words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_first_ctrl_c_drains(tmp_path: Path) -> None:
    with Upstream(reply=Teacher(), latency=0.1) as server:
        with at_a_terminal(*words(tmp_path, "ray", server, *RAY)) as process:
            assert wait_until(lambda: server.counts.received >= 80, process)
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert b"finishing what is in work" in err
        assert b"Traceback" not in err
        assert attempts(tmp_path / "ray") == server.counts.completed == server.counts.received < 2 * 80
        assert not (tmp_path / "ray" / "annotated.jsonl").exists()


def test_the_second_ctrl_c_gives_up_what_is_in_work(tmp_path: Path) -> None:
    with Upstream(reply=Teacher(), latency=8.0) as server:
        with at_a_terminal(*words(tmp_path, "ray", server, *RAY)) as process:
            assert wait_until(lambda: server.counts.received >= 2, process)
            left = askers(process.pid)
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.3)
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=7)
        assert process.returncode == 130, err
        assert b"Traceback" not in err
        assert not [pid for pid in left if title(pid)]
        assert kept(tmp_path / "ray") == {}


def test_a_refused_key_ends_the_run(tmp_path: Path) -> None:
    with Upstream(reply=Teacher({}), faults=lambda number: status(401) if number >= 50 else None) as server:
        result = som(*words(tmp_path, "ray", server, *RAY))
        assert result.code == 1
        assert "401" in result.err
        assert "what was finished is kept" in result.err
        assert "Traceback" not in result.err
        assert server.counts.received <= 50 + AT_ONCE
        assert attempts(tmp_path / "ray") == server.counts.completed == 50


def test_nothing_is_left_in_the_home_and_the_temporary_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with tempfile.TemporaryDirectory() as files, Upstream(reply=Teacher({})) as server:
        result = som(*words(tmp_path, "ray", server, *RAY), HOME=str(home), TMPDIR=files)
        assert result.code == 0, result.err
        assert not list(Path(files).iterdir())
    assert not list(home.iterdir())
    said = [line.partition(":")[0] for line in result.err.splitlines()]
    assert said == ["som", "annotate", "write"], result.err


def test_a_temporary_folder_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    files = tmp_path / ("f" * 80)
    files.mkdir()
    with Upstream(reply=Teacher({})) as server:
        result = som(*words(tmp_path, "ray", server, *RAY), TMPDIR=str(files))
    assert result.code == 2
    assert "set TMPDIR to a short one" in result.err


def test_no_cluster_is_one_sentence(tmp_path: Path) -> None:
    with Upstream(reply=Teacher({})) as server:
        result = som(*words(tmp_path, "ray", server, "--mode", f"ray:workers={WORKERS},address=127.0.0.1:9"))
    assert result.code == 2
    assert "there is no Ray cluster at '127.0.0.1:9'" in result.err
    assert "Traceback" not in result.err
