"""Two processes train as one does: the recipe on gloo ranks by torchrun, against the same in this process."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from skillofmind.train.policy import ONE
from tests.train.launching import HERE, LAUNCH, environment
from tests.train.sharded_work import CASES, UPDATES, found, told, trained

CLOSE = 1e-5
SHORT = ["sft-lora"]


def on_two(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Train the cases on two ranks, one after another; return what each found."""
    command = [sys.executable, *LAUNCH, str(HERE / "sharded_work.py"), str(folder), *names]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads((folder / "found-2.json").read_text())
    return result


def on_one(folder: Path, name: str, until: int = UPDATES) -> dict[str, Any]:
    place = folder / f"{name}-1"
    return found(trained(CASES[name], place, ONE, until), place)


def flat(records: Sequence[dict[str, float]]) -> list[float]:
    # The accuracy jumps where a rounding error decides between right, wrong and tied.
    return [value for one in records for name, value in sorted(one.items()) if name != "accuracy"]


def farthest(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the largest difference, relative where numbers are above 1."""
    assert len(one) == len(other)
    return max(abs(a - b) / max(1.0, abs(a)) for a, b in zip(one, other, strict=True))


def check(folder: Path, name: str, two: dict[str, Any]) -> None:
    one = on_one(folder, name)
    assert two["cut"] == two["parameters"] == one["parameters"] > 0
    assert one["cut"] == 0
    assert len(one["losses"]) == UPDATES
    # The first update has a rate of 0.
    assert len(set(one["losses"])) >= UPDATES - 1
    assert one["trained"] == two["trained"]
    for key in ("losses", "norms"):
        assert farthest(one[key], two[key]) <= CLOSE, key
        sys.stdout.write(f"{name} {key} {farthest(one[key], two[key]):.1e}\n")
    for key in ("told", "held_out"):
        assert farthest(flat(one[key]), flat(two[key])) <= 10 * CLOSE, key
    assert sum(bool(record) for record in two["held_out"]) == 2
    if CASES[name].optimiser.name == "sgd":
        assert weights_apart(folder, name) <= CLOSE
        sys.stdout.write(f"{name} weights {weights_apart(folder, name):.1e}\n")


def weights_apart(folder: Path, name: str) -> float:
    one, two = (torch.load(folder / f"{name}-{world}" / "weights.pt") for world in (1, 2))
    assert one.keys() == two.keys()
    return max(float((one[key] - two[key]).abs().max()) for key in one)


def test_two_ranks_train_as_one_process_does(tmp_path: Path) -> None:
    two = on_two(tmp_path, SHORT)
    for name in SHORT:
        check(tmp_path, name, two[name])


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("both")
    return folder, on_two(folder, [name for name in CASES if name not in SHORT])


@pytest.mark.slow
class TestEveryKind:
    @pytest.mark.parametrize("name", [name for name in CASES if name not in SHORT])
    def test_losses_norms_and_weights_agree(self, name: str, both: tuple[Path, dict[str, Any]]) -> None:
        folder, two = both
        check(folder, name, two[name])

    def test_eight_rows_are_eight_accumulated_and_two_processes(
        self, both: tuple[Path, dict[str, Any]], tmp_path: Path
    ) -> None:
        _, two = both
        whole, accumulated = (on_one(tmp_path, f"sft-full-{how}") for how in ("whole", "accumulated"))
        for key in ("losses", "norms"):
            assert farthest(whole[key], accumulated[key]) <= CLOSE
            assert farthest(whole[key], two["sft-full-whole"][key]) <= CLOSE
            assert farthest(whole[key], two["sft-full-accumulated"][key]) <= CLOSE

    @pytest.mark.parametrize("name", ["sft-full-adamw", "dpo-lora"])
    def test_saved_on_two_goes_on_on_one_and_back(
        self, name: str, both: tuple[Path, dict[str, Any]], tmp_path: Path
    ) -> None:
        whole, place = on_one(tmp_path, name), tmp_path / f"{name}-shared"
        on_two(tmp_path, [f"{name}@5"])
        assert len(told(place)["losses"]) == 5
        trained(CASES[name], place, ONE, until=11)
        assert len(told(place)["losses"]) == 11
        on_two(tmp_path, [f"{name}@{UPDATES}"])
        for key in ("losses", "norms"):
            assert farthest(whole[key], told(place)[key]) <= CLOSE, key
