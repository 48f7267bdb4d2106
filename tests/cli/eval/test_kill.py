"""`som eval plans` killed at any moment and started again: nothing is lost, doubled or paid for twice."""

import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from skillofmind.evals.files import read_answers, read_summary
from skillofmind.run.log import read_log
from tests.cli.killing import kill_when, some_moment, wait_until
from tests.cli.som import Result, case_of, prompted, right_answer, som, started
from tests.upstream import (
    Fault,
    Upstream,
    broken_json,
    cut,
    hang,
    rate_limit,
    seeded_faults,
    status,
)

COUNT = 300
AT_ONCE = 8
DERIVED = ("items.jsonl", "cases.jsonl", "summary.json")
MODULE = "tests.cli.eval.with_fake"


def fake(*words: object) -> Result:
    return som(*words, module=MODULE)


def derived(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in DERIVED]


def finished(words: list[object], folder: Path) -> list[bytes]:
    result = fake(*words)
    assert result.code == 0, result.err
    return derived(folder)


def right_and_slow_to_read(body: dict[str, Any]) -> str:
    """Answer three in four rightly, so that intervals are no points."""
    return right_answer(body) if case_of(body) % 4 else '{"explanation": "I guess.", "skill": "Ethics"}'


class Scene:
    """A server, and what an uninterrupted run makes of it."""

    def __init__(self, path: Path, server: Upstream) -> None:
        self.path, self.server = path, server
        self.expected = finished(self.words(path / "whole"), path / "whole")
        assert server.counts.received == COUNT

    def words(self, folder: Path) -> list[object]:
        endpoint = prompted(self.server.base_url)
        return [COUNT, "eval", "plans", folder, "--tasks", "numbers", *endpoint, "--concurrency", AT_ONCE]

    def run(self, name: str, kills: int, seed: int) -> int:
        """Run with `kills` kills at seeded points, check the outcome, return how many kills struck."""
        draw, folder, before = random.Random(seed), self.path / name, self.server.counts.received
        struck = 0
        for _ in range(kills):
            struck += kill_when(
                self.words(folder), some_moment(draw, self.server, COUNT // (2 * kills), 0.6), module=MODULE
            )
        assert finished(self.words(folder), folder) == self.expected
        asked = self.server.counts.received - before
        assert COUNT <= asked <= COUNT + struck * AT_ONCE
        logged = Counter(key for key, _ in read_log(folder / "log.jsonl"))
        assert (len(logged), set(logged.values())) == (COUNT, {1})
        assert list(folder.glob(".*.tmp")) == []
        return struck


class TestKilled:
    def test_a_run_killed_again_and_again_ends_like_one_that_was_not(self, tmp_path: Path) -> None:
        with Upstream(reply=right_and_slow_to_read, latency=0.004) as server:
            struck = Scene(tmp_path, server).run("killed", kills=4, seed=11)
        # A machine that is busy can let a run get to its end before the kill.
        assert struck >= 3

    @pytest.mark.slow
    def test_more_than_twenty_kills_spread_over_four_runs(self, tmp_path: Path) -> None:
        with Upstream(reply=right_and_slow_to_read, latency=0.004) as server:
            scene = Scene(tmp_path, server)
            struck = [scene.run(f"killed-{seed}", kills=7, seed=seed) for seed in range(4)]
        assert sum(struck) >= 22

    @pytest.mark.slow
    def test_a_cache_changes_no_number_and_pays_for_no_answer_twice(self, tmp_path: Path) -> None:
        with Upstream(reply=right_and_slow_to_read, latency=0.004) as server:
            scene = Scene(tmp_path, server)
            cache = ["--cache", tmp_path / "cache"]
            for seed in range(3):
                draw = random.Random(seed)
                moment = some_moment(draw, server, 60, 0.6)
                kill_when([*scene.words(tmp_path / "one"), *cache], moment, module=MODULE)
            assert finished([*scene.words(tmp_path / "one"), *cache], tmp_path / "one") == scene.expected
            before = server.counts.received
            assert finished([*scene.words(tmp_path / "two"), *cache], tmp_path / "two") == scene.expected
            assert server.counts.received == before

    def test_a_torn_last_line_is_asked_again(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        words: list[object] = [40, "eval", "plans", folder, "--tasks", "numbers"]
        expected = finished(words, folder)
        log = folder / "log.jsonl"
        log.write_bytes(log.read_bytes()[:-7])
        result = fake(*words)
        assert (result.code, derived(folder)) == (0, expected)
        assert "ask: 40/40" in result.err
        # Derived files that a kill left half-written under their own names are made anew as well.
        (folder / "summary.json").write_bytes(b"{")
        assert finished(words, folder) == expected


class TestInterrupt:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_first_signal_drains_and_keeps_and_the_run_goes_on(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        folder = tmp_path / "run"
        with Upstream(reply=right_and_slow_to_read, latency=0.02) as server:
            endpoint = prompted(server.base_url)
            words: list[object] = [COUNT, "eval", "plans", folder, "--tasks", "numbers", *endpoint]
            words += ["--concurrency", AT_ONCE]
            with started(*words, module=MODULE) as process:
                assert wait_until(lambda: server.counts.received >= 60, process)
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
            assert (process.returncode, out) == (130, b"")
            assert b"finishing what is in work" in err
            assert b"som: to go on: som eval plans" in err
            assert err.endswith(b"som: interrupted; what was finished is kept.\n")
            assert b"Traceback" not in err
            kept = len(read_answers(folder))
            assert kept == server.counts.completed == server.counts.received < COUNT
            assert not (folder / "summary.json").exists()
            finished(words, folder)
            assert server.counts.received == COUNT

    def test_the_second_one_gives_up_what_is_in_work(self, tmp_path: Path) -> None:
        with Upstream(reply=right_answer, latency=30.0) as server:
            endpoint = prompted(server.base_url)
            words: list[object] = [20, "eval", "plans", tmp_path / "run", "--tasks", "numbers", *endpoint]
            with started(*words, module=MODULE) as process:
                assert wait_until(lambda: server.counts.received >= 4, process)
                process.send_signal(signal.SIGINT)
                assert process.stderr is not None
                assert b"Ctrl-C again" in process.stderr.readline()
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=10)
        assert (process.returncode, out) == (130, b"")
        assert b"Traceback" not in err


class TestFaults:
    def test_passing_faults_leave_no_trace(self, tmp_path: Path) -> None:
        faults = seeded_faults(
            [(0.1, rate_limit(0)), (0.1, status(500)), (0.05, cut()), (0.05, broken_json())]
        )
        with Upstream(reply=right_and_slow_to_read) as server:
            endpoint = prompted(server.base_url)
            expected = None
            for name, plan in (("calm", ()), ("busy", faults)):
                server.faults = plan
                server.counts.received = 0
                words: list[object] = [40, "eval", "plans", tmp_path / name, "--tasks", "numbers", *endpoint]
                expected = expected or finished(words, tmp_path / name)
                if name == "busy":
                    assert finished(words, tmp_path / name) == expected
                    assert server.counts.received > 45

    @pytest.mark.parametrize("fault", [status(400, message="too long"), hang()], ids=["400", "hang"])
    def test_a_lasting_fault_of_one_item_is_told_beside_every_number_and_cured_later(
        self, tmp_path: Path, fault: Fault
    ) -> None:
        folder, broken = tmp_path / "run", [True]

        def faults(number: int) -> Fault | None:
            return fault if broken[0] and case_of(server.requests[number].body) == 7 else None

        with Upstream(reply=right_and_slow_to_read, faults=faults) as server:
            endpoint = [*prompted(server.base_url), "--timeout", 0.15]
            words: list[object] = [30, "eval", "plans", folder, "--tasks", "numbers", *endpoint]
            result = fake(*words)
            assert result.code == 1
            assert "som: 1 of 30 items failed; they count as missing." in result.err
            assert "30 items, 1 failed" in result.out
            [found] = read_summary(folder).results
            assert [(one.n, one.missing) for one in found.estimates] == [(29, 1), (29, 1)]
            broken[0] = False
            before = server.counts.received
            again = finished(words, folder)
            assert server.counts.received == before + 1
            assert read_summary(folder).results[0].failed == 0
            whole: list[object] = [30, "eval", "plans", tmp_path / "whole", "--tasks", "numbers", *endpoint]
            assert finished(whole, tmp_path / "whole") == again

    def test_a_server_that_dies_is_not_tried_to_the_end(self, tmp_path: Path) -> None:
        def faults(number: int) -> Fault | None:
            return status(400, message="gone") if number >= 30 else None

        with Upstream(reply=right_answer, faults=faults) as server:
            endpoint = [*prompted(server.base_url), "--concurrency", 4]
            words: list[object] = [COUNT, "eval", "plans", tmp_path / "run", "--tasks", "numbers", *endpoint]
            result = fake(*words)
            assert result.code == 1
            assert "stopped early" in result.err
            assert "gone" in result.err
            assert 60 <= server.counts.received <= 65
            server.faults = ()
            finished(words, tmp_path / "run")
            assert server.counts.received <= 65 + COUNT - 30

    def test_a_limit_of_calls_stops_and_a_larger_one_goes_on(self, tmp_path: Path) -> None:
        with Upstream(reply=right_answer) as server:
            endpoint = prompted(server.base_url)
            words: list[object] = [50, "eval", "plans", tmp_path / "run", "--tasks", "numbers", *endpoint]
            result = fake(*words, "--max-calls", 20)
            assert (result.code, server.counts.received) == (1, 20)
            assert "the limit of 20 calls is reached" in result.err
            assert "20 of 50 items are answered and kept" in result.err
            finished(words, tmp_path / "run")
            assert server.counts.received == 50
