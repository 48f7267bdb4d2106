"""`som train` killed at any moment and started again: the weights are those of a run that was not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from skillofmind.cli.train import start
from tests.cli.som import Result
from tests.cli.train.forking import Child, Forks
from tests.cli.train.material import (
    checkpoints,
    losses,
    model_folder,
    preference_rows,
    supervised_rows,
    write_rows,
)
from tests.train.launching import LAUNCH, environment

FAST = "precision=fp32,schedule.name=linear,schedule.warmup=3,clip=1,saving.every=2"


class Way(NamedTuple):
    """A kind of training: what is given on the command line behind `som train`."""

    words: tuple[object, ...]
    set: str
    updates: int


def ways(folder: Path) -> dict[str, Way]:
    rows = write_rows(folder / "rows.jsonl", supervised_rows(24))
    pairs = write_rows(folder / "pairs.jsonl", preference_rows(12))
    llama, gpt2 = model_folder(folder / "llama", dropout=0.2), model_folder(folder / "gpt2", kind="gpt2")
    common = ("--batch", 4, "--passes", 10, "--learning-rate", 0.01, "--json")
    lora = ("--model", llama, "--lora", 4, *common)
    full = ("--model", llama, "--lora", 0, *common)
    return {
        "lora": Way(("sft", rows, *lora), "lora.dropout=0.3,rows.micro=2", 60),
        "full": Way(("sft", rows, "--model", gpt2, "--lora", 0, *common), "saving.background=true", 60),
        "lora-packed": Way(
            ("sft", rows, *lora, "--updates", 40, "--passes", 60),
            "lora.dropout=0.3,rows.packing=true,rows.max_tokens=64,saving.background=true",
            40,
        ),
        "full-packed": Way(
            ("sft", rows, *full, "--updates", 40, "--passes", 60),
            "rows.packing=true,rows.max_tokens=64,recompute=true,optimiser.name=adafactor",
            40,
        ),
        "dpo": Way(("dpo", pairs, *lora, "--passes", 12), "lora.dropout=0.3,preference.stages=2", 48),
    }


class Scene:
    """Runs of one way, and what an uninterrupted one comes to."""

    def __init__(self, forks: Forks, folder: Path, way: Way, world: int = 1) -> None:
        self.forks, self.folder, self.way, self.world = forks, folder, way, world
        self.count = 0
        begin = time.monotonic()
        self.expected, self.losses = self.finished(self.words("whole"))
        self.seconds = time.monotonic() - begin

    def words(self, name: str) -> list[object]:
        out = self.folder / name
        return ["train", *self.way.words, "--set", f"{FAST},{self.way.set}", "--out", out]

    def start(self, words: list[object]) -> list[Child]:
        if self.world > 1:
            return self.forks.start_ranks(*[words] * self.world)
        return [self.forks.start(*words)]

    def finished(self, words: list[object]) -> tuple[dict[str, Any], list[float]]:
        """Run to the end; return what is printed, and all losses."""
        first, *others = [child.wait() for child in self.start(words)]
        assert first.code == 0, first.err
        for other in others:
            assert (other.code, other.out) == (0, ""), other.err
        return check_end(first, self.way, Path(str(words[-1])))

    def run(self, draw: random.Random, most: int) -> int:
        """Kill one run again and again until it gets to its end; return how many kills struck."""
        self.count += 1
        words = self.words(f"killed-{self.count}")
        struck = 0
        for _ in range(most):
            children = self.start(words)
            moment = self.moment(draw, Path(str(words[-1])))
            # One of several, or all.
            chosen = children if draw.random() < 0.5 else [draw.choice(children)]
            if not self.kill(children, chosen, moment):
                break
            struck += 1
        ended, found = self.finished(words)
        assert ended["weights"] == self.expected["weights"]
        assert found == self.losses
        assert len(checkpoints(self.folder / f"killed-{self.count}")) == 2
        return struck

    def kill(self, children: list[Child], chosen: list[Child], reached: Callable[[], bool]) -> bool:
        while not reached() and all(child.running() for child in children):
            time.sleep(0.001)
        for child in chosen:
            child.signal(signal.SIGKILL)
        for child in children:
            # As torchrun does with the others.
            if child not in chosen:
                child.signal(signal.SIGTERM)
        ended = [child.wait(30) for child in children]
        assert not any("Traceback" in one.err for one in ended), [one.err for one in ended]
        return any(one.code == -signal.SIGKILL for one in ended)

    def moment(self, draw: random.Random, run: Path) -> Callable[[], bool]:
        """Return when to kill: at a time, while a checkpoint is written, or after some more updates."""
        kind = draw.choice(("time", "saving", "updates"))
        if kind == "time":
            end = time.monotonic() + draw.uniform(0.0, self.seconds)
            return lambda: time.monotonic() >= end
        log = run / "updates.jsonl"
        wanted = size(log) + draw.randint(1, 6000)
        if kind == "updates":
            return lambda: size(log) >= wanted
        return lambda: size(log) >= wanted and any((run / "checkpoints").glob(".*.tmp"))


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def check_end(ended: Result, way: Way, run: Path) -> tuple[dict[str, Any], list[float]]:
    told: dict[str, Any] = json.loads(ended.out)
    assert (told["updates"], told["of"], told["finished"]) == (way.updates, way.updates, True)
    found = losses(run)
    assert len(found) == way.updates
    assert told["last"]["update"] == way.updates
    return told, found


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Way]:
    return ways(tmp_path_factory.mktemp("ways"))


class TestOneProcess:
    def test_a_run_killed_three_times_ends_like_one_that_was_not(
        self, forks: Forks, every: dict[str, Way], tmp_path: Path
    ) -> None:
        assert Scene(forks, tmp_path, every["lora"]).run(random.Random(1), most=3) >= 2

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["lora", "full", "lora-packed", "full-packed", "dpo"])
    def test_eight_kills_change_nothing(
        self, name: str, forks: Forks, every: dict[str, Way], tmp_path: Path
    ) -> None:
        scene, draw, struck = Scene(forks, tmp_path, every[name]), random.Random(name), 0
        while struck < 8:
            struck += scene.run(draw, most=8 - struck)


class TestTwoProcesses:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["lora-packed", "full", "dpo"])
    def test_killing_one_or_all_changes_nothing(
        self, name: str, forks: Forks, every: dict[str, Way], tmp_path: Path
    ) -> None:
        scene, draw, struck = Scene(forks, tmp_path, every[name], world=2), random.Random(name), 0
        while struck < 4:
            struck += scene.run(draw, most=4 - struck)


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "code"),
        [(signal.SIGTERM, 0), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
    )
    def test_the_first_signal_saves_and_the_same_command_goes_on(
        self, number: signal.Signals, code: int, forks: Forks, every: dict[str, Way], tmp_path: Path
    ) -> None:
        scene = Scene(forks, tmp_path, every["lora"]._replace(updates=60))
        words = [*scene.words("left"), "--set", f"{FAST},{every['lora'].set},saving.every=1000"]
        [child] = scene.start(words)
        until(child, lambda: size(tmp_path / "left" / "updates.jsonl") > 0)
        child.signal(number)
        left = child.wait()
        assert left.code == code, left.err
        assert "som: saving after this update; Ctrl-C again gives it up.\n" in left.err
        assert "the same command goes on.\n" in left.err
        assert "Traceback" not in left.err
        told = json.loads(left.out)
        assert not told["finished"]
        assert 0 < told["updates"] < 60
        assert checkpoints(tmp_path / "left") == [f"step-{told['updates']:08d}"]
        assert len(losses(tmp_path / "left")) == told["updates"]
        [child] = scene.start(words)
        ended, found = check_end(child.wait(), every["lora"], tmp_path / "left")
        assert ended["weights"] == scene.expected["weights"]
        assert found == scene.losses


class TestTorchrun:
    @pytest.mark.slow
    def test_kills_and_signals_by_way_of_torchrun(
        self, forks: Forks, every: dict[str, Way], tmp_path: Path
    ) -> None:
        way = every["lora-packed"]
        scene = Scene(forks, tmp_path, way, world=2)
        words, log = scene.words("killed"), tmp_path / "killed" / "updates.jsonl"
        with torchrun(words) as process:
            until_grown(process, log, 1)
            os.kill(workers(process)[1], signal.SIGKILL)
            begin = time.monotonic()
            _, err = process.communicate(timeout=60)
            # The other one must not wait for it for ever.
            assert time.monotonic() - begin < 20
        assert process.returncode == 1
        assert err.count("som: another process of this run has ended; the same command goes on") <= 1
        with torchrun(words) as process:
            until_grown(process, log, 1000)
            for pid in (process.pid, *workers(process)):
                os.kill(pid, signal.SIGKILL)
        for number in (signal.SIGTERM, signal.SIGINT):
            with torchrun(words) as process:
                until_grown(process, log, 1000)
                process.send_signal(number)
                _, err = process.communicate(timeout=60)
            assert err.count("som: saving after this update") == 1
            assert err.count("the same command goes on") == 1
            made = len(losses(tmp_path / "killed"))
            assert checkpoints(tmp_path / "killed")[-1] == f"step-{made:08d}"
            assert made < way.updates
        with torchrun(words) as process:
            out, err = process.communicate(timeout=120)
        ended, found = check_end(Result(process.returncode, out, err), way, tmp_path / "killed")
        assert ended["weights"] == scene.expected["weights"]
        assert found == scene.losses


@contextmanager
def torchrun(words: list[object]) -> Iterator["subprocess.Popen[str]"]:
    """Start `som` on two ranks; launcher and ranks are killed at the end of the block at the latest."""
    command = [sys.executable, *LAUNCH, "-m", "skillofmind", *map(str, words)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment())
    try:
        yield process
    finally:
        if process.poll() is None:
            for pid in (*workers(process), process.pid):
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def workers(process: "subprocess.Popen[str]") -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return sorted(map(int, children))


def until_grown(process: "subprocess.Popen[str]", log: Path, more: int) -> None:
    before, end = size(log), time.monotonic() + 120
    while size(log) < before + more:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def until(child: Child, reached: Callable[[], bool]) -> None:
    while not reached():
        assert child.running(), child.err()
        time.sleep(0.002)


class TestLeaving:
    """Ctrl-C reaches the ranks twice under a launcher, which passes on what the terminal sent to all."""

    @pytest.mark.parametrize("patience", [0.0, 60.0])
    def test_a_second_ctrl_c_counts_when_it_comes_later(
        self, patience: float, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(start, "_AT_ONCE", patience)
        before = signal.getsignal(signal.SIGINT)
        given_up = False
        with start._leaving(quiet=False) as leaving:
            os.kill(os.getpid(), signal.SIGINT)
            assert leaving()
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
            except KeyboardInterrupt:
                given_up = True
        assert given_up == (patience == 0.0)
        assert signal.getsignal(signal.SIGINT) == before
        assert capfd.readouterr().err.count("som: saving after this update") == 1

    def test_the_other_ranks_say_nothing(self, capfd: pytest.CaptureFixture[str]) -> None:
        with start._leaving(quiet=True) as leaving:
            os.kill(os.getpid(), signal.SIGTERM)
            assert leaving.signal == signal.SIGTERM
        assert capfd.readouterr().err == ""
