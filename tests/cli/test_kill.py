"""`som plan --run` killed at any moment and started again: nothing is lost, doubled or paid for twice."""

import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from skillofmind.run.directory import read_manifest
from skillofmind.run.log import read_log
from tests.cli.killing import kill_when, some_moment, wait_until
from tests.cli.som import (
    numbered,
    prompted,
    read_rows,
    right_answer,
    som,
    started,
    write_dialogues,
)
from tests.upstream import Upstream, rate_limit

COUNT = 500
AT_ONCE = 8


def finished(words: list[object], folder: Path) -> bytes:
    result = som(*words, "--json")
    assert result.code == 0, result.err
    plans = (folder / "plans.jsonl").read_bytes()
    assert plans == result.out.encode()
    return plans


def assert_whole(folder: Path, plans: bytes) -> None:
    """Assert that every row is there once, in order, and that no file is half-written."""
    rows = read_rows(plans)
    assert [row.number for row in rows] == list(range(1, COUNT + 1))
    assert [row.id for row in rows] == [f"case-{case}" for case in range(COUNT)]
    logged = Counter(key for key, _ in read_log(folder / "log.jsonl"))
    assert len(logged) == COUNT
    assert set(logged.values()) == {1}
    assert sorted(path.name for path in folder.iterdir()) == [
        ".lock",
        "events.jsonl",
        "log.jsonl",
        "manifest.json",
        "plans.jsonl",
    ]
    events = [kind for kind, _ in read_log(folder / "events.jsonl")]
    assert events[-1] == "finished"


class Scene:
    """500 dialogues, a server, and what an uninterrupted run makes of them."""

    def __init__(self, path: Path, server: Upstream) -> None:
        self.path, self.server = path, server
        self.file = write_dialogues(path / "in.jsonl", numbered(COUNT))
        self.expected = finished(self.words(path / "whole"), path / "whole")
        assert server.counts.received == COUNT

    def words(self, folder: Path) -> list[object]:
        endpoint = prompted(self.server.base_url)
        return ["plan", self.file, *endpoint, "--concurrency", AT_ONCE, "--run", folder]

    def run(self, name: str, kills: int, seed: int) -> int:
        """Run with `kills` kills at seeded points, check the outcome, return how many kills struck."""
        draw, folder, before = random.Random(seed), self.path / name, self.server.counts.received
        struck = 0
        for _ in range(kills):
            struck += kill_when(self.words(folder), some_moment(draw, self.server, COUNT // (2 * kills)))
        plans = finished(self.words(folder), folder)
        assert plans == self.expected
        assert_whole(folder, plans)
        asked = self.server.counts.received - before
        assert COUNT <= asked <= COUNT + struck * AT_ONCE
        return struck


class TestPrompted:
    def test_a_run_killed_again_and_again_ends_like_one_that_was_not(self, tmp_path: Path) -> None:
        with Upstream(reply=right_answer, latency=0.004) as server:
            struck = Scene(tmp_path, server).run("killed", kills=5, seed=11)
        # A machine that is busy can let a run get to its end before the kill.
        assert struck >= 4

    @pytest.mark.slow
    def test_fifty_kills_spread_over_seven_runs(self, tmp_path: Path) -> None:
        with Upstream(reply=right_answer, latency=0.004) as server:
            scene = Scene(tmp_path, server)
            struck = [scene.run(f"killed-{seed}", kills=8, seed=seed) for seed in range(7)]
        assert sum(struck) >= 50

    def test_waits_and_retries_leave_no_trace_in_the_output(self, tmp_path: Path) -> None:
        file = write_dialogues(tmp_path / "in.jsonl", numbered(40))
        with Upstream(reply=right_answer, latency=0.002) as server:
            outs = []
            for name, rate in (("calm", 0.0), ("busy", 0.2), ("busier", 0.3)):
                draw = random.Random(name)
                server.faults = lambda _, draw=draw, rate=rate: (
                    rate_limit(0.01) if draw.random() < rate else None
                )
                words = ["plan", file, *prompted(server.base_url), "--concurrency", AT_ONCE, "--run"]
                assert som(*words, tmp_path / name).code == 0
                outs.append((tmp_path / name / "plans.jsonl").read_bytes())
        assert outs[0] == outs[1] == outs[2]
        planner = read_rows(outs[0])[0].plan.planner
        assert read_manifest(tmp_path / "busy").options["identity"] == planner
        assert planner.startswith(f"prompted:http:scripted@{server.base_url}:")


class TestEmbedded:
    def test_a_run_killed_four_times_ends_like_one_that_was_not(self, tmp_path: Path) -> None:
        self.run(tmp_path, seeds=(21,), kills=4)

    @pytest.mark.slow
    def test_fifty_kills_spread_over_five_runs(self, tmp_path: Path) -> None:
        self.run(tmp_path, seeds=tuple(range(5)), kills=10)

    def run(self, path: Path, seeds: tuple[int, ...], kills: int) -> None:
        file = write_dialogues(path / "in.jsonl", numbered(COUNT))
        expected = finished(["plan", file, "--run", path / "whole"], path / "whole")
        for seed in seeds:
            draw, folder = random.Random(seed), path / f"killed-{seed}"
            words: list[object] = ["plan", file, "--run", folder]
            for _ in range(kills):
                kill_when(words, self._grown(folder / "log.jsonl", draw.randint(1, 800_000 // kills)))
            plans = finished(words, folder)
            assert plans == expected
            assert_whole(folder, plans)

    def _grown(self, log: Path, bytes_more: int) -> Callable[[], bool]:
        def size() -> int:
            return log.stat().st_size if log.exists() else 0

        start = size()
        return lambda: size() >= start + bytes_more


class TestInterrupt:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_first_signal_drains_and_keeps_and_the_run_goes_on(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(COUNT)), tmp_path / "run"
        with Upstream(reply=right_answer, latency=0.02) as server:
            words = ["plan", file, *prompted(server.base_url), "--concurrency", AT_ONCE, "--run", folder]
            with started(*words) as process:
                assert wait_until(lambda: server.counts.received >= 100, process)
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (130, b"")
            assert b"finishing what is in work" in err
            assert err.endswith(b"som: interrupted; what was finished is kept.\n")
            assert b"Traceback" not in err
            kept = sum(1 for _ in read_log(folder / "log.jsonl"))
            assert kept == server.counts.completed == server.counts.received < COUNT
            assert not (folder / "plans.jsonl").exists()
            plans = finished(words, folder)
            assert server.counts.received == COUNT
        assert_whole(folder, plans)

    def test_the_second_one_gives_up_what_is_in_work(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(20)), tmp_path / "run"
        with Upstream(reply=right_answer, latency=30.0) as server:
            words = ["plan", file, *prompted(server.base_url), "--concurrency", 4, "--run", folder]
            with started(*words) as process:
                assert wait_until(lambda: server.counts.received >= 4, process)
                process.send_signal(signal.SIGINT)
                assert process.stderr is not None
                assert b"Ctrl-C again" in process.stderr.readline()
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=10)
        assert (process.returncode, out) == (130, b"")
        assert b"Traceback" not in err

    def test_without_a_folder_what_is_finished_is_printed(self, tmp_path: Path) -> None:
        file = write_dialogues(tmp_path / "in.jsonl", numbered(200))
        with (
            Upstream(reply=right_answer, latency=0.02) as server,
            started("plan", file, *prompted(server.base_url), "--concurrency", AT_ONCE, "--json") as process,
        ):
            assert wait_until(lambda: server.counts.received >= 40, process)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert b"Traceback" not in err
        rows = read_rows(out)
        assert len(rows) == server.counts.completed < 200
        assert [row.number for row in rows] == sorted(row.number for row in rows)


class TestSameFolder:
    def test_a_changed_option_is_refused_with_the_difference(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(3)), tmp_path / "run"
        assert som("plan", file, "--run", folder).code == 0
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for more, difference in (
            (["--context", "At work."], "--context: '' -> 'At work.'"),
            (["--responder", "Ana"], "--responder: '' -> 'Ana'"),
            (["--skip-bad"], "--skip-bad: False -> True"),
        ):
            result = som("plan", file, "--run", folder, *more)
            assert (result.code, result.out) == (2, "")
            assert difference in result.err
            assert "started differently" in result.err
        write_dialogues(file, numbered(4))
        result = som("plan", file, "--run", folder)
        assert result.code == 2
        assert "data in.jsonl:" in result.err
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert {**before, ".lock": b""} == {**after, ".lock": b""}

    def test_another_model_or_server_is_refused(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(2)), tmp_path / "run"
        with Upstream(reply=right_answer) as one, Upstream(reply=right_answer) as other:
            assert som("plan", file, *prompted(one.base_url), "--run", folder).code == 0
            result = som("plan", file, *prompted(other.base_url), "--run", folder)
            assert other.counts.received == 0
        assert result.code == 2
        assert f"--base-url: '{one.base_url}' -> '{other.base_url}'" in result.err

    def test_what_changes_no_plan_may_change(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(3)), tmp_path / "run"
        assert som("plan", file, "--run", folder).code == 0
        moved = file.rename(tmp_path / "elsewhere.jsonl").rename(file)
        assert som("plan", moved, "--run", folder, "--concurrency", 3, "--timeout", 5, "--json").code == 0

    def test_a_second_process_is_refused_while_the_first_one_works(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(60)), tmp_path / "run"
        with Upstream(reply=right_answer, latency=0.1) as server:
            words = ["plan", file, *prompted(server.base_url), "--concurrency", 2, "--run", folder]
            with started(*words) as process:
                assert wait_until(lambda: server.counts.received >= 2, process)
                second = som(*words)
                assert process.poll() is None
        assert (second.code, second.out) == (2, "")
        assert f"in use by process {process.pid}" in second.err

    def test_the_manifest_says_how_the_run_was_started(self, tmp_path: Path) -> None:
        file, folder = write_dialogues(tmp_path / "in.jsonl", numbered(2)), tmp_path / "run"
        assert som("plan", file, "--run", folder, "--context", "At work.").code == 0
        manifest = read_manifest(folder)
        assert manifest.command == "plan"
        assert manifest.options["context"] == "At work."
        assert (
            manifest.options["identity"] == read_rows((folder / "plans.jsonl").read_bytes())[0].plan.planner
        )
        assert list(manifest.data) == ["in.jsonl"]
