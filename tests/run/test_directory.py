import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from skillofmind.core.errors import ConfigurationError, DataError, RunBusy, RunMismatch, StorageError
from skillofmind.run.directory import RunDirectory, read_manifest
from skillofmind.run.log import read_log
from tests.run.children import child


def _open(path: Path, command: str = "teach", data: tuple[Path, ...] = (), **options: Any) -> RunDirectory:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return RunDirectory.open(
        path, command=command, options=options, seeds={"split": 7}, data=data, now=lambda: now
    )


def test_a_new_run_writes_its_manifest(tmp_path: Path) -> None:
    with _open(tmp_path / "deep" / "run", n=3) as run:
        assert not run.resumed
        assert run.manifest == read_manifest(run.path)
        assert run.manifest.options == {"n": 3}
        assert run.manifest.seeds == {"split": 7}


def test_the_same_command_resumes_and_keeps_the_first_manifest(tmp_path: Path) -> None:
    with _open(tmp_path, sizes=(1, 2)) as run:
        run.log("results").append("a", 1)
    again = RunDirectory.open(tmp_path, command="teach", options={"sizes": [1, 2]}, seeds={"split": 8})
    with again as run:
        assert run.resumed
        assert run.manifest.seeds == {"split": 7}
        assert run.log("results").get("a") == 1


def test_changed_options_are_refused_with_the_difference(tmp_path: Path) -> None:
    _open(tmp_path, planner="embedded", n=3).close()
    with pytest.raises(RunMismatch) as caught:
        _open(tmp_path, command="eval", planner="prompted", n=3)
    assert str(caught.value).splitlines() == [
        f"the run directory {str(tmp_path)!r} was started differently; use another folder or go back to "
        "the original options:",
        "  command: 'teach' -> 'eval'",
        "  --planner: 'embedded' -> 'prompted'",
    ]
    _open(tmp_path, planner="embedded", n=3).close()


def test_changed_data_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "d.jsonl"
    data.write_text("1")
    _open(tmp_path / "run", data=(data,)).close()
    data.write_text("2")
    with pytest.raises(RunMismatch, match=r"data d\.jsonl: '6b86b.*' -> 'd4735.*'"):
        _open(tmp_path / "run", data=(data,))


def test_a_folder_of_something_else_is_refused_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ConfigurationError, match=r"is not empty and holds no run \(it has 'thesis.txt'\)"):
        _open(tmp_path)
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for path in (tmp_path / "f", tmp_path / "f" / "run"):
        with pytest.raises(ConfigurationError, match="is a file; name a folder"):
            _open(path)


@pytest.mark.parametrize("half", [b"", b'{\n  "command": "te', b"\0" * 50])
def test_a_half_written_first_manifest_does_not_block(tmp_path: Path, half: bytes) -> None:
    (tmp_path / ".manifest.json.00ff.tmp").write_bytes(half)
    (tmp_path / "manifest.json").write_bytes(half)
    (tmp_path / ".lock").write_bytes(b"1\n")
    with _open(tmp_path, n=1) as run:
        assert not run.resumed
    assert sorted(os.listdir(tmp_path)) == [".lock", "manifest.json"]
    assert read_manifest(tmp_path).options == {"n": 1}


def test_a_broken_manifest_of_a_run_with_results_is_an_error(tmp_path: Path) -> None:
    with _open(tmp_path) as run:
        run.log("results").append("a", 1)
    (tmp_path / "manifest.json").write_bytes(b'{"comm')
    with pytest.raises(DataError, match=r"manifest\.json' line 1 is not a manifest"):
        _open(tmp_path)


def test_a_manifest_of_another_program_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"name": "web app"}')
    with pytest.raises(DataError, match="is not a manifest"):
        _open(tmp_path)


@pytest.mark.parametrize(
    "name", ["api_key", "openai-api-key", "apikey", "hub_token", "token", "PASSWORD", "secrets"]
)
def test_secrets_are_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    for options in ({name: "x"}, {"model": {name: "x"}}):
        with pytest.raises(ConfigurationError, match=f"option '{name}' looks like a secret"):
            RunDirectory.open(tmp_path / "run", command="teach", options=options)
    assert not (tmp_path / "run").exists()


def test_options_that_only_sound_like_secrets_pass(tmp_path: Path) -> None:
    _open(tmp_path, max_tokens=5, tokens=6, api_key_env="NAME", tokenizer="x").close()
    assert len(read_manifest(tmp_path).options) == 4


def test_events_and_metrics_carry_the_time(tmp_path: Path) -> None:
    with _open(tmp_path) as run:
        run.event("retry", item="a", kind="limit")
        run.metric("loss", 0.5, step=3)
        run.metric("rate", 2)
    stamp = "2026-01-02T03:04:05.000+00:00"
    assert list(read_log(tmp_path / "events.jsonl")) == [
        ("retry", {"time": stamp, "item": "a", "kind": "limit"})
    ]
    assert list(read_log(tmp_path / "metrics.jsonl")) == [
        ("loss", {"time": stamp, "value": 0.5, "step": 3}),
        ("rate", {"time": stamp, "value": 2}),
    ]


def test_a_log_is_the_same_object_every_time(tmp_path: Path) -> None:
    with _open(tmp_path) as run:
        assert run.log("results") is run.log("results")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".lock"])
def test_log_names_stay_inside(tmp_path: Path, name: str) -> None:
    with _open(tmp_path) as run, pytest.raises(ConfigurationError, match="log name"):
        run.log(name)


@pytest.mark.parametrize("name", ["", ".", "../x", "/etc/x", "manifest.json", "./.lock"])
def test_output_names_stay_inside(tmp_path: Path, name: str) -> None:
    with _open(tmp_path) as run, pytest.raises(ConfigurationError, match="output name"):
        run.output(name)


def test_output_makes_the_folders_on_the_way(tmp_path: Path) -> None:
    with _open(tmp_path) as run:
        run.output("a/b.json").write_text("x")
    assert (tmp_path / "a" / "b.json").read_text() == "x"


def test_a_closed_directory_refuses_and_closes_twice(tmp_path: Path) -> None:
    run = _open(tmp_path)
    run.close()
    run.close()
    with pytest.raises(StorageError, match="is closed"):
        run.event("x")


def test_a_refused_opening_lets_the_folder_go(tmp_path: Path) -> None:
    _open(tmp_path, n=1).close()
    with pytest.raises(RunMismatch):
        _open(tmp_path, n=2)
    _open(tmp_path, n=1).close()


_HOLDER = """
import sys
from pathlib import Path
from skillofmind.run.directory import RunDirectory
run = RunDirectory.open(Path(sys.argv[1]), command="teach", options={})
run.log("results").append("a", 1)
sys.stdout.write("ready\\n")
sys.stdout.flush()
import time
time.sleep(60)
"""


def test_a_live_process_holds_the_folder_until_it_is_killed(tmp_path: Path) -> None:
    with child(_HOLDER, tmp_path) as (process, output):
        assert output.readline() == b"ready\n"
        with pytest.raises(RunBusy, match=f"is in use by process {process.pid}; wait for it"):
            _open(tmp_path)
        process.kill()
        process.wait()
        with _open(tmp_path) as run:
            assert run.resumed
            assert list(run.log("results").read()) == [("a", 1)]


def test_a_disk_without_room_for_the_manifest_is_a_storage_error(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(StorageError, match="the disk is full"):
            _open(tmp_path)
        assert os.listdir(tmp_path) == [".lock"]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(StorageError, match=f"in the folder '{tmp_path}': the file system is read-only"):
            _open(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_free_option_may_change_and_is_recorded_as_it_was_first(tmp_path: Path) -> None:
    def start(**options: int) -> RunDirectory:
        return RunDirectory.open(tmp_path / "run", command="plan", options=options, free=("patience",))

    with start(seed=1, patience=5) as run:
        assert run.manifest.options == {"seed": 1, "patience": 5}
    with start(seed=1, patience=9) as run:
        assert (run.resumed, run.manifest.options["patience"]) == (True, 5)
    with pytest.raises(RunMismatch, match="--seed: 1 -> 2"):
        start(seed=2, patience=9)
