import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from skillofmind.core.errors import ConfigurationError, DataError, StorageError
from skillofmind.train import checkpoint, checkpoint_files
from skillofmind.train.checkpoint import Checkpoints, Saved, weights_fingerprint
from skillofmind.train.checkpoint_files import Part, Piece, Stored, fill_, write_parts
from skillofmind.train.shard import Ranks
from tests.train.killing import newest
from tests.train.launching import HERE, command, environment

ONE = Ranks(0, 1, torch.device("cpu"))


def tensors(step: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(step)
    return {
        "model.weight": torch.randn(5, 3, generator=generator),
        "model.half": torch.randn(3, 2, 2, generator=generator).bfloat16(),
        "optimiser.step": torch.tensor(float(step)),
        "model.flags": torch.tensor([True, False, True]),
        "model.ids": torch.arange(step, step + 4),
        "model.none": torch.zeros(0, 3),
        "model.turned": torch.randn(4, 6, generator=generator).t(),
    }


def blank() -> dict[str, Tensor]:
    return {name: torch.zeros_like(tensor) for name, tensor in tensors().items()}


def same(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> bool:
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def save(folder: Path, *steps: int, keep: int = 2, background: bool = False) -> None:
    with Checkpoints(folder, ONE, keep=keep, background=background) as checkpoints:
        for step in steps:
            checkpoints.save(step, tensors(step), {"step": step})


def latest(folder: Path) -> Saved:
    with Checkpoints(folder, ONE) as checkpoints:
        saved = checkpoints.latest()
        assert saved is not None
        found = blank()
        assert checkpoints.load(saved, found) == {"step": saved.step}
    assert same(found, tensors(saved.step))
    return saved


class TestRoundTrip:
    @pytest.mark.parametrize("background", [False, True])
    def test_what_was_saved_is_loaded(self, background: bool, tmp_path: Path) -> None:
        folder = tmp_path / "deep" / "folder"
        save(folder, 4, background=background)
        assert latest(folder) == Saved(folder / "step-00000004", 4, 1, {"step": 4})

    def test_there_may_be_nothing_yet(self, tmp_path: Path) -> None:
        with Checkpoints(tmp_path / "new", ONE) as checkpoints:
            assert checkpoints.latest() is None

    def test_files_are_safetensors_that_others_can_read(self, tmp_path: Path) -> None:
        save(tmp_path, 1)
        assert same(load_file(tmp_path / "step-00000001" / "rank-00000.safetensors"), tensors(1))

    def test_background_and_foreground_write_the_same_bytes(self, tmp_path: Path) -> None:
        for background in (False, True):
            save(tmp_path / str(background), 3, background=background)
        first, second = (tmp_path / str(one) / "step-00000003" for one in (False, True))
        assert names(first) == names(second) == ["checkpoint.json", "rank-00000.safetensors"]
        assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names(first))

    def test_a_background_save_keeps_what_was_true_when_it_was_called(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = checkpoint_files.write_parts

        def slow(path: Path, parts: Any) -> Any:
            time.sleep(0.1)
            return write(path, parts)

        monkeypatch.setattr(checkpoint, "write_parts", slow)
        now, facts = tensors(3), {"step": 3}
        with Checkpoints(tmp_path, ONE, background=True) as checkpoints:
            checkpoints.save(3, now, facts)
            now["model.weight"].zero_()
            facts["step"] = 9
            assert names(tmp_path) != ["step-00000003"]
        assert latest(tmp_path).step == 3

    def test_facts_come_back_as_they_were(self, tmp_path: Path) -> None:
        facts: dict[str, Any] = {"a": [1, 0.1, None, True, {"ü": "\n"}], "big": 2**62, "tiny": 5e-324}
        with Checkpoints(tmp_path, ONE) as checkpoints:
            checkpoints.save(0, {}, facts)
            saved = checkpoints.latest()
            assert saved is not None
            assert checkpoints.load(saved, {}) == facts

    @pytest.mark.parametrize("fact", [float("nan"), (1, 2), object(), {1: 2}, b"x"])
    def test_facts_that_json_cannot_keep_are_refused(self, fact: object, tmp_path: Path) -> None:
        with (
            Checkpoints(tmp_path, ONE) as checkpoints,
            pytest.raises(ConfigurationError, match="facts of a checkpoint must be JSON values"),
        ):
            checkpoints.save(1, {}, {"fact": fact})
        assert names(tmp_path) == []

    def test_other_refusals(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="keep 0 would delete"):
            Checkpoints(tmp_path, ONE, keep=0)
        checkpoints = Checkpoints(tmp_path, ONE)
        with pytest.raises(ConfigurationError, match="step -1 is negative"):
            checkpoints.save(-1, {}, {})
        with pytest.raises(ConfigurationError, match=r"'a' has dtype torch\.complex64"):
            checkpoints.save(1, {"a": torch.zeros(1, dtype=torch.complex64)}, {})
        checkpoints.close()
        checkpoints.close()
        with pytest.raises(StorageError, match="are closed"):
            checkpoints.save(1, {}, {})

    def test_a_network_that_differs_is_refused_and_nothing_is_filled(self, tmp_path: Path) -> None:
        save(tmp_path, 1)
        other = blank()
        other["model.new"] = other.pop("model.ids")
        other["model.weight"] = torch.zeros(3, 5)
        other["model.half"] = other["model.half"].float()
        before = weights_fingerprint(other)
        with Checkpoints(tmp_path, ONE) as checkpoints:
            saved = checkpoints.latest()
            assert saved is not None
            with pytest.raises(DataError) as caught:
                checkpoints.load(saved, other)
        assert str(caught.value) == (
            f"the checkpoint {str(saved.path)!r} is of another network: it lacks 'model.new', it alone has "
            "'model.ids', the shape differs of 'model.weight' ([5, 3], not [3, 5]), the dtype differs of "
            "'model.half' (BF16, not F32); use the settings that it was written with"
        )
        assert weights_fingerprint(other) == before


class TestRotation:
    def test_the_newest_stay(self, tmp_path: Path) -> None:
        save(tmp_path, 1, 2, 3, 10, keep=2)
        assert names(tmp_path) == ["step-00000003", "step-00000010"]
        save(tmp_path, 11, keep=1)
        assert names(tmp_path) == ["step-00000011"]

    def test_a_step_that_is_there_is_replaced(self, tmp_path: Path) -> None:
        with Checkpoints(tmp_path, ONE) as checkpoints:
            checkpoints.save(5, tensors(4), {"step": 4})
        save(tmp_path, 5, keep=1)
        assert names(tmp_path) == ["step-00000005"]
        assert latest(tmp_path).step == 5

    def test_what_is_known_to_be_broken_does_not_count(self, tmp_path: Path) -> None:
        save(tmp_path, 1, 2, 3, keep=3)
        for step in (2, 3):
            (tmp_path / f"step-0000000{step}" / "checkpoint.json").unlink()
        with Checkpoints(tmp_path, ONE, keep=2) as checkpoints:
            saved = checkpoints.latest()
            assert saved is not None
            assert saved.step == 1
            checkpoints.save(2, tensors(2), {"step": 2})
            assert names(tmp_path) == ["step-00000001", "step-00000002", "step-00000003"]
            checkpoints.save(4, tensors(4), {"step": 4})
        assert names(tmp_path) == ["step-00000002", "step-00000004"]

    def test_other_things_in_the_folder_are_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / ".hidden.tmp").mkdir()
        save(tmp_path, 1, 2, keep=1)
        assert names(tmp_path) == [".hidden.tmp", "notes.txt", "step-00000002"]


def corrupt(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


class TestBroken:
    def test_a_changed_byte_is_found_and_the_one_before_is_taken(self, tmp_path: Path) -> None:
        save(tmp_path, 1, 2)
        corrupt(tmp_path / "step-00000002" / "rank-00000.safetensors", -1)
        saved = latest(tmp_path)
        assert saved.step == 1
        assert saved.skipped == ("step-00000002: rank-00000.safetensors has changed",)

    @given(at=st.integers(min_value=0, max_value=10_000))
    @settings(max_examples=25, deadline=None)
    def test_any_changed_byte_of_the_description_is_found(self, at: int) -> None:
        with_folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"som-checkpoint-{os.getpid()}"
        shutil.rmtree(with_folder, ignore_errors=True)
        try:
            save(with_folder, 1, 2)
            path = with_folder / "step-00000002" / "checkpoint.json"
            corrupt(path, at % (path.stat().st_size - 1))  # the last byte is the end of the line
            assert latest(with_folder).step == 1
        finally:
            shutil.rmtree(with_folder)

    @pytest.mark.parametrize(
        ("harm", "reason"),
        [
            ("torn", "checkpoint.json cannot be understood"),
            ("no json", "checkpoint.json cannot be read (No such file or directory)"),
            ("no tensors", "rank-00000.safetensors cannot be read (No such file or directory)"),
            ("short", "bytes and not"),
            ("renamed", "it says that its step is 2"),
            ("empty", "checkpoint.json cannot be read"),
        ],
    )
    def test_harm_is_named_and_the_one_before_is_taken(self, harm: str, reason: str, tmp_path: Path) -> None:
        save(tmp_path, 1, 2)
        broken = tmp_path / "step-00000002"
        description, data = broken / "checkpoint.json", broken / "rank-00000.safetensors"
        if harm == "torn":
            description.write_bytes(description.read_bytes()[:100])
        if harm in ("no json", "empty"):
            description.unlink()
        if harm in ("no tensors", "empty"):
            data.unlink()
        if harm == "short":
            data.write_bytes(data.read_bytes()[:-1])
        if harm == "renamed":
            broken = broken.rename(tmp_path / "step-00000009")
        saved = latest(tmp_path)
        assert saved.step == 1
        assert len(saved.skipped) == 1
        assert saved.skipped[0].startswith(f"{broken.name}: ")
        assert reason in saved.skipped[0]

    def test_where_all_are_broken_it_says_so(self, tmp_path: Path) -> None:
        save(tmp_path, 1, 2)
        for step in (1, 2):
            (tmp_path / f"step-0000000{step}" / "checkpoint.json").write_bytes(b"{}")
        with (
            Checkpoints(tmp_path, ONE) as checkpoints,
            pytest.raises(
                DataError, match=r"no checkpoint in .* is intact \(step-00000002: .*step-00000001: "
            ),
        ):
            checkpoints.latest()

    def test_one_that_went_after_it_was_found_is_an_error(self, tmp_path: Path) -> None:
        save(tmp_path, 1)
        with Checkpoints(tmp_path, ONE) as checkpoints:
            saved = checkpoints.latest()
            assert saved is not None
            (saved.path / "rank-00000.safetensors").unlink()
            with pytest.raises(DataError, match=r"cannot read the checkpoint .* ask for the latest again"):
                checkpoints.load(saved, blank())


class TestKilled:
    def test_leftovers_of_a_killed_save_are_removed(self, tmp_path: Path) -> None:
        save(tmp_path, 1)
        shutil.copytree(tmp_path / "step-00000001", tmp_path / ".step-00000002.1.tmp")
        shutil.copytree(tmp_path / "step-00000001", tmp_path / ".step-00000000.deleted.tmp")
        assert latest(tmp_path).step == 1
        assert names(tmp_path) == ["step-00000001"]

    def test_a_replacement_that_was_cut_short_is_undone(self, tmp_path: Path) -> None:
        save(tmp_path, 1)
        (tmp_path / "step-00000001").rename(tmp_path / ".step-00000001.replaced.tmp")
        assert latest(tmp_path).step == 1
        shutil.copytree(tmp_path / "step-00000001", tmp_path / ".step-00000001.replaced.tmp")
        assert latest(tmp_path).step == 1
        assert names(tmp_path) == ["step-00000001"]

    def test_a_reader_leaves_a_live_save_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = checkpoint_files.write_parts

        def interrupted(path: Path, parts: Any) -> Any:
            written = write(path, parts)
            assert latest(tmp_path).step == 1
            return written

        save(tmp_path, 1)
        monkeypatch.setattr(checkpoint, "write_parts", interrupted)
        save(tmp_path, 2)
        assert latest(tmp_path).step == 2

    def test_kills_at_random_moments_leave_an_intact_checkpoint(self, tmp_path: Path) -> None:
        kill(tmp_path, kills=6, seed=1)

    @pytest.mark.slow
    def test_many_kills_at_random_moments(self, tmp_path: Path) -> None:
        kill(tmp_path, kills=30, seed=2)

    @pytest.mark.slow
    def test_kills_of_two_ranks(self, tmp_path: Path) -> None:
        draw, found = random.Random(3), [0]
        for _ in range(5):
            process = subprocess.Popen(
                command("saving", tmp_path),
                env=environment(),
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for_a_step_after(found[-1], tmp_path)
            time.sleep(draw.uniform(0.0, 0.2))
            kill_all(process)
            found.append(newest(tmp_path))
        assert found == sorted(set(found))


def kill(folder: Path, kills: int, seed: int) -> None:
    script = [sys.executable, str(HERE / "killing.py"), str(folder), str(kills), str(seed)]
    done = subprocess.run(script, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    assert len(steps) == kills
    assert steps == sorted(steps)
    assert steps[-1] > 0


def wait_for_a_step_after(step: int, folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(name > f"step-{step:08d}" for name in names(folder) if name.startswith("step-")):
            return
        time.sleep(0.02)
    raise AssertionError("nothing was saved")


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill the launcher and the ranks that it started, which have sessions of their own."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in (process.pid, *map(int, children)):
        os.kill(child, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 10
    while time.monotonic() < end and any(Path(f"/proc/{child}/stat").exists() for child in children):
        time.sleep(0.02)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs more rights")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


class TestFullDisk:
    @pytest.mark.parametrize("background", [False, True])
    def test_a_full_disk_keeps_what_is_there(self, background: bool, tiny_disk: Path) -> None:
        large = {"w": torch.ones(110_000)}
        checkpoints = Checkpoints(tiny_disk, ONE, background=background)
        checkpoints.save(1, large, {})
        checkpoints.save(2, large, {})
        with pytest.raises(
            StorageError, match=r"rank-00000\.safetensors': the disk is full; free some space"
        ):
            self.third(checkpoints, large)
        assert names(tiny_disk) == ["step-00000001", "step-00000002"]
        saved = checkpoints.latest()
        assert saved is not None
        assert saved.step == 2
        shutil.rmtree(tiny_disk / "step-00000001")
        checkpoints.save(3, large, {})
        checkpoints.close()
        assert names(tiny_disk) == ["step-00000002", "step-00000003"]

    def fail_in_the_block(self, disk: Path) -> None:
        with Checkpoints(disk, ONE, background=True) as checkpoints:
            checkpoints.save(1, {"w": torch.ones(500_000)}, {})
            raise ValueError("mine")

    def third(self, checkpoints: Checkpoints, large: dict[str, Tensor]) -> None:
        """In the background the error is told by what is asked next."""
        checkpoints.save(3, large, {})
        checkpoints.latest()

    def test_an_error_of_the_block_carries_that_of_the_background_save(self, tiny_disk: Path) -> None:
        with pytest.raises(ValueError, match="mine") as caught:
            self.fail_in_the_block(tiny_disk)
        assert "the last checkpoint was not written" in caught.value.__notes__[0]
        assert names(tiny_disk) == []


def cuts(length: int, count: int) -> list[tuple[int, int]]:
    """(begin, length) of each rank's piece, as torch cuts."""
    step = -(-length // count)
    return [(min(k * step, length), min(step, max(length - k * step, 0))) for k in range(count)]


@given(
    rows=st.integers(0, 9),
    columns=st.integers(1, 3),
    writers=st.integers(1, 5),
    readers=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None)
def test_any_number_of_ranks_reads_what_any_number_wrote(
    rows: int, columns: int, writers: int, readers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    whole = torch.arange(rows * columns, dtype=torch.float32).reshape(rows, columns)
    pieces = []
    for number, (begin, length) in enumerate(cuts(rows, writers)):
        data = whole[begin : begin + length]
        write_parts(folder / f"{number}", [Part("w", "F32", (rows, columns), (begin, 0), data, shared=False)])
        pieces.append(Piece(f"{number}", (begin, 0), (length, columns)))
    stored = {"w": Stored("F32", (rows, columns), tuple(pieces))}
    for begin, length in cuts(rows, readers):
        data = torch.full((length, columns), -1.0)
        fill_(folder, stored, [Part("w", "F32", (rows, columns), (begin, 0), data, shared=False)])
        assert torch.equal(data, whole[begin : begin + length])
    if rows > writers > 1:
        fewer = {"w": Stored("F32", (rows, columns), tuple(pieces[1:]))}
        with pytest.raises(DataError, match="a part of 'w' only"):
            fill_(folder, fewer, [Part("w", "F32", whole.shape, (0, 0), whole.clone(), shared=False)])


def test_the_fingerprint_sees_names_dtypes_shapes_and_bytes() -> None:
    one = {"a": torch.zeros(2, 3), "b": torch.ones(1)}
    others = [
        {"a": torch.zeros(2, 3), "c": torch.ones(1)},
        {"a": torch.zeros(3, 2), "b": torch.ones(1)},
        {"a": torch.zeros(2, 3, dtype=torch.int32), "b": torch.ones(1)},
        {"a": -torch.zeros(2, 3), "b": torch.ones(1)},
    ]
    prints = [weights_fingerprint(tensors) for tensors in (one, *others)]
    assert len(set(prints)) == 5
    assert weights_fingerprint({"b": one["b"], "a": torch.zeros(3, 2).t().contiguous()}) == prints[0]
