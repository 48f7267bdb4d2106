"""`som annotate` killed at any moment and started again: nothing is lost, doubled or paid for twice."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from skillofmind.data.select import write_instances
from skillofmind.mind.annotate.ledger import Work
from skillofmind.run.log import read_log
from tests.cli.killing import kill_when, wait_until
from tests.cli.som import som, started
from tests.mind.annotate.rows import numbered
from tests.teacher import Teacher
from tests.upstream import Upstream
from tests.upstream_batches import BatchUpstream

COUNT = 400
AT_ONCE = 8
PER_BATCH = 150
TEACHER = Teacher()


def write_targets(path: Path, count: int = COUNT) -> Path:
    path.write_bytes(b"".join(write_instances(numbered(count))))
    return path


def outputs(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "annotated.jsonl").read_bytes(), (folder / "rejected.jsonl").read_bytes()


class Scene:
    """A server, an input, and what an uninterrupted live run makes of it."""

    def __init__(self, folder: Path, server: Upstream, *options: object) -> None:
        self.folder, self.server, self.options = folder, server, options
        self.file = write_targets(folder / "targets.jsonl")
        assert som(*self.words("whole")[: -len(options) or None]).code == 0
        self.expected = outputs(folder / "whole")
        self.calls = server.counts.completed
        assert sum(len(part.splitlines()) for part in self.expected) == COUNT
        assert COUNT < self.calls < 1.2 * COUNT

    def words(self, name: str) -> list[object]:
        teacher = [
            "--teacher",
            "scripted",
            "--base-url",
            self.server.base_url,
            "--limits",
            f"at_once={AT_ONCE}",
        ]
        return ["annotate", self.file, self.folder / name, *teacher, *self.options]

    def finish(self, name: str) -> None:
        """Let the run come to its end, and assert that every row is there once and as it should be."""
        result = som(*self.words(name))
        assert result.code == 0, result.err
        assert outputs(self.folder / name) == self.expected
        latest: dict[str, Work] = {
            key: msgspec.convert(value, Work) for key, value in read_log(self.folder / name / "log.jsonl")
        }
        assert len(latest) == COUNT
        assert all(work.settled for work in latest.values())
        roles = Counter(answer.role for work in latest.values() for answer in work.answers)
        assert roles["teacher"] == COUNT
        assert roles.total() == self.calls
        assert not list(self.folder.glob(f"{name}/.*.tmp"))


class TestLive:
    def run(self, scene: Scene, name: str, kills: int, seed: int) -> int:
        draw, before, struck = random.Random(seed), scene.server.counts.received, 0
        for _ in range(kills):
            wanted = scene.server.counts.received + draw.randint(1, 2 * COUNT // (2 * kills))
            late = time.monotonic() + draw.uniform(0.05, 0.5) if draw.random() < 0.2 else float("inf")
            struck += kill_when(scene.words(name), self.point(scene.server, wanted, late))
        scene.finish(name)
        asked = scene.server.counts.received - before
        assert scene.calls <= asked <= scene.calls + struck * AT_ONCE
        return struck

    def point(self, server: Upstream, wanted: int, late: float) -> Callable[[], bool]:
        return lambda: server.counts.received >= wanted or time.monotonic() >= late

    def test_a_run_killed_again_and_again_ends_like_one_that_was_not(self, tmp_path: Path) -> None:
        with Upstream(reply=TEACHER, latency=0.004) as server:
            assert self.run(Scene(tmp_path, server), "killed", kills=4, seed=11) >= 3

    @pytest.mark.slow
    def test_fifty_kills_over_seven_runs(self, tmp_path: Path) -> None:
        with Upstream(reply=TEACHER, latency=0.004) as server:
            scene = Scene(tmp_path, server)
            assert sum(self.run(scene, f"killed-{seed}", 8, seed) for seed in range(7)) >= 50


class TestBatch:
    OPTIONS = ("--mode", f"batch:rows={PER_BATCH},poll=0.05")

    def run(self, scene: Scene, server: BatchUpstream, name: str, kills: int, seed: int) -> int:
        draw, struck = random.Random(seed), 0
        rows, batches = server.counts.rows, server.counts.batches
        for _ in range(kills):
            wanted = len(server.calls) + draw.randint(1, 4)
            late = time.monotonic() + (draw.uniform(0.15, 0.4) if draw.random() < 0.5 else 60.0)
            struck += kill_when(scene.words(name), self.point(server, wanted, late))
        scene.finish(name)
        # Nothing was sent twice: as many rows as a whole run has requests, and a batch for each parcel.
        assert server.counts.rows - rows == scene.calls
        parcels = {key for key, _ in read_log(scene.folder / name / "batches.jsonl")}
        assert server.counts.batches - batches == len(parcels) >= 4
        assert not list((scene.folder / name / "batches").iterdir())
        return struck

    def point(self, server: BatchUpstream, wanted: int, late: float) -> Callable[[], bool]:
        return lambda: len(server.calls) >= wanted or time.monotonic() >= late

    def test_a_run_killed_again_and_again_sends_nothing_twice(self, tmp_path: Path) -> None:
        with BatchUpstream(reply=TEACHER, delay=0.1) as server:
            assert self.run(Scene(tmp_path, server, *self.OPTIONS), server, "killed", kills=5, seed=5) >= 4

    @pytest.mark.slow
    def test_fifty_kills_over_six_runs(self, tmp_path: Path) -> None:
        with BatchUpstream(reply=TEACHER, delay=0.1) as server:
            scene = Scene(tmp_path, server, *self.OPTIONS)
            assert sum(self.run(scene, server, f"killed-{seed}", 10, seed) for seed in range(6)) >= 50


class TestInterrupt:
    def test_the_first_ctrl_c_drains_and_the_run_goes_on(self, tmp_path: Path) -> None:
        file, folder = write_targets(tmp_path / "targets.jsonl"), tmp_path / "run"
        with Upstream(reply=TEACHER, latency=0.02) as server:
            words = ["annotate", file, folder, "--teacher", "scripted", "--base-url", server.base_url]
            with started(*words, "--limits", f"at_once={AT_ONCE}") as process:
                assert wait_until(lambda: server.counts.received >= 80, process)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (130, b"")
            assert b"finishing what is in work" in err
            assert b"Traceback" not in err
            kept = sum(len(value["answers"]) for value in dict(read_log(folder / "log.jsonl")).values())
            assert kept == server.counts.completed == server.counts.received < COUNT
            assert not (folder / "annotated.jsonl").exists()
            before = server.counts.received
            assert som(*words).code == 0
            assert server.counts.received - before < 1.2 * COUNT - kept

    def test_batches_go_on_at_the_provider(self, tmp_path: Path) -> None:
        file, folder = write_targets(tmp_path / "targets.jsonl"), tmp_path / "run"
        with BatchUpstream(reply=Teacher({}), delay=1.5) as server:
            words = ["annotate", file, folder, "--teacher", "scripted", "--base-url", server.base_url]
            words += ["--mode", "batch:poll=0.05"]
            with started(*words) as process:
                assert wait_until(lambda: server.counts.batches == 1, process)
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=30)
            assert process.returncode == 130
            assert b"1 batches go on at the provider; the same command fetches them" in err
            assert som(*words).code == 0
            assert (server.counts.batches, server.counts.rows) == (1, COUNT)
