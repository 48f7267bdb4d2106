import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.checkpoint import Checkpoints, weights_fingerprint
from skillofmind.train.shard import (
    Ranks,
    agreed,
    blocks,
    clip_,
    exchanged,
    full_tensors,
    gradient_norm,
    orderly,
    ranks,
    require_sharded,
    shard_,
    summed,
)
from tests.train.launching import environment, launch
from tests.train.rank_work import Plain, network, state, updates

ONE = Ranks(0, 1, torch.device("cpu"))
FULL = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


def enter(device: str, environment: dict[str, str]) -> None:
    with ranks(device, environment):
        raise AssertionError("not refused")


class TestOneProcess:
    def test_without_torchrun_there_is_one_rank(self) -> None:
        with ranks("cpu", {"MASTER_ADDR": "somewhere"}) as here:
            assert here == ONE

    def test_a_world_of_one_needs_no_process_group(self) -> None:
        with ranks("cpu", FULL | {"WORLD_SIZE": "1"}) as here:
            assert here == ONE
            assert not torch.distributed.is_initialized()

    @pytest.mark.parametrize("gone", sorted(FULL))
    def test_a_half_set_environment_is_refused(self, gone: str) -> None:
        half = {name: value for name, value in FULL.items() if name != gone}
        with (
            pytest.raises(ConfigurationError, match=f"not '{gone}'; start it with `torchrun"),
            ranks("cpu", half),
        ):
            pass

    @pytest.mark.parametrize(
        "wrong", [{"RANK": "2"}, {"RANK": "-1"}, {"WORLD_SIZE": "0"}, {"LOCAL_RANK": "-1"}, {"RANK": "a"}]
    )
    def test_a_senseless_place_is_refused(self, wrong: dict[str, str]) -> None:
        with (
            pytest.raises(ConfigurationError, match="is not a place among ranks"),
            ranks("cpu", FULL | wrong),
        ):
            pass

    def test_a_device_that_is_not_there_is_refused(self) -> None:
        with (
            pytest.raises(ConfigurationError, match="device 'nonsense' is not to be had"),
            ranks("nonsense", {}),
        ):
            pass

    def test_several_ranks_cannot_have_one_named_device(self) -> None:
        with pytest.raises(ConfigurationError, match="'meta' cannot be given to 2 ranks"):
            enter("meta", FULL)

    def test_an_exit_with_code_0_is_orderly(self) -> None:
        endings = (None, SystemExit(), SystemExit(0), SystemExit(1), ValueError(), KeyboardInterrupt())
        assert [orderly(error) for error in endings] == [True, True, True, False, False, False]

    def test_sums_and_messages_are_the_rank_s_own(self) -> None:
        assert summed([0.1, 2], ONE) == [0.1, 2.0]
        assert [agreed(True, ONE), agreed(False, ONE)] == [True, False]
        assert exchanged(b"abc", ONE) == [b"abc"]

    def test_nothing_is_sharded(self) -> None:
        model = Plain()
        shard_(model, ONE, precision="bf16")
        assert type(model) is Plain
        with pytest.raises(ConfigurationError, match=r"14 trainable .* the first is 'scale'"):
            require_sharded(model)

    def test_the_norm_is_that_of_torch_and_clipping_keeps_the_direction(self) -> None:
        model = nn.Linear(3, 2)
        assert gradient_norm(model.parameters()) == 0.0
        model.weight.grad = torch.full((2, 3), 2.0)
        model.bias.grad = torch.full((2,), 1.0)
        assert gradient_norm(model.parameters()) == pytest.approx(26**0.5, abs=1e-6)
        assert clip_(model.parameters(), 1.0) == pytest.approx(26**0.5, abs=1e-6)
        assert float(model.weight.grad[0, 0]) == pytest.approx(2 / 26**0.5, abs=1e-6)
        assert clip_(model.parameters(), 9.0) == pytest.approx(1.0, abs=1e-5)
        assert gradient_norm(model.parameters()) == pytest.approx(1.0, abs=1e-5)

    def test_full_tensors_of_tied_weights_share_memory(self) -> None:
        model = Plain()
        full = full_tensors(model)
        assert full.keys() == model.state_dict().keys()
        assert full["head.weight"] is full["embedding.weight"]
        assert not full["scale"].requires_grad


class TestBlocks:
    def test_the_longest_list_is_taken(self) -> None:
        model = Plain()
        model.add_module("more", nn.ModuleList([nn.Linear(1, 1)]))
        assert blocks(model) == list(model.layers)

    def test_what_a_model_must_not_split_goes_before_length(self) -> None:
        model = Plain()
        model.add_module("more", nn.ModuleList([nn.Linear(1, 1)]))
        model._no_split_modules = {"Conv2d", "Block"}
        model.add_module("longest", nn.ModuleList(nn.Identity() for _ in range(9)))
        assert blocks(model) == list(model.layers)

    def test_a_network_without_lists_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="'Linear' has no list of blocks"):
            blocks(nn.Linear(1, 1))


def two_ranks(kind: str, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what two ranks found, and the tensors of rank 0."""
    done = launch(kind, folder)
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return json.loads((folder / "found.json").read_text()), torch.load(folder / "tensors.pt")


def one_rank(kind: str, folder: Path) -> tuple[nn.Module, dict[str, Tensor], dict[str, Tensor], list[float]]:
    """Train on all rows and save; return the network, its state, the first gradients and the norms."""
    model = network(kind)
    optimiser, gradients, norms = updates(model, slice(0, 8))
    tensors = state(model, optimiser)
    with Checkpoints(folder / "one", ONE) as checkpoints:
        checkpoints.save(7, tensors, {"by": 1, "rate": [0.1, 1e-300]})
    return model, tensors, gradients, norms


def check(kind: str, folder: Path, close: float) -> None:
    model, tensors, gradients, norms = one_rank(kind, folder)
    found, theirs = two_ranks(kind, folder)
    assert found["cut"] == found["weights"] == len(list(model.parameters()))
    assert found["norms"] == pytest.approx(norms, rel=close)
    assert theirs["gradients"].keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(theirs["gradients"][name], gradient, atol=close, rtol=close)
    assert theirs["full"].keys() == model.state_dict().keys()
    check_saved_on_two(folder, found, theirs["full"], tensors, close)
    check_saved_on_one(found, tensors)
    check_disk_full(folder, found)


def check_saved_on_two(
    folder: Path, found: dict[str, Any], full: dict[str, Tensor], tensors: dict[str, Tensor], close: float
) -> None:
    """What two ranks wrote is read by one, to the byte, in the background or not."""
    for background in (False, True):
        loaded = {name: torch.full_like(tensor.detach(), -1) for name, tensor in tensors.items()}
        with Checkpoints(folder / f"two-{background}", ONE) as checkpoints:
            saved = checkpoints.latest()
            assert saved is not None
            assert (saved.step, saved.world, saved.skipped) == (2, 2, ())
            assert checkpoints.load(saved, loaded) == {"by": 2}
        assert weights_fingerprint(loaded) == found["fingerprint"]
        for name, tensor in loaded.items():
            if name.startswith("model."):
                assert torch.equal(tensor, full[name.removeprefix("model.")])
                torch.testing.assert_close(tensor, tensors[name].detach(), atol=10 * close, rtol=10 * close)


def check_saved_on_one(found: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """What one rank wrote is read by two, to the byte; another network is refused on both."""
    assert found["loaded"] == weights_fingerprint(tensors)
    assert found["facts"] == {"by": 1, "rate": [0.1, 1e-300]}


def check_disk_full(folder: Path, found: dict[str, Any]) -> None:
    """Where the disk of rank 1 is full, both ranks say the same and the checkpoint before stays."""
    told = found["told"]
    assert "rank-00001.safetensors': the file is larger than the system allows" in told[0]
    assert told[1:3] == ["step-00000002", ""]
    assert told[3].startswith("StorageError: cannot write")
    assert found["all"] == [told, told]
    assert sorted(path.name for path in (folder / "two-False").iterdir()) == ["step-00000002"]


class TestTwoRanks:
    def test_two_ranks_train_save_and_load_as_one(self, tmp_path: Path) -> None:
        check("plain", tmp_path, 1e-6)
        found = json.loads((tmp_path / "found.json").read_text())
        assert "it alone has 'model.scale' and 'optimiser.exp_avg.scale' and 2 more" in found["refusal"]
        assert found["sums"] == [0.2, 2e-9, 1.0]
        assert found["agreed"] == [True, False]
        assert found["messages"] == ["", "xxx"]

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["llama", "lora"])
    def test_a_transformers_network_with_and_without_adapters(self, kind: str, tmp_path: Path) -> None:
        check(kind, tmp_path, 1e-6)

    @pytest.mark.slow
    def test_bfloat16_computes_with_less_precision_and_keeps_float32(self, tmp_path: Path) -> None:
        _, _, gradients, norms = one_rank("bf16", tmp_path)
        found, theirs = two_ranks("bf16", tmp_path)
        assert found["norms"] == pytest.approx(norms, rel=0.03)
        assert found["norms"] != pytest.approx(norms, rel=1e-5)
        assert {tensor.dtype for tensor in theirs["full"].values()} == {torch.float32}
        assert {tensor.dtype for tensor in theirs["gradients"].values()} == {torch.float32}
        assert theirs["gradients"].keys() == gradients.keys()

    @pytest.mark.slow
    def test_an_error_on_one_rank_ends_both_soon(self, tmp_path: Path) -> None:
        begin = time.monotonic()
        done = launch("error", tmp_path)
        assert done.returncode != 0
        assert "ValueError: rank 1 is gone" in done.stderr
        assert time.monotonic() - begin < 60

    @pytest.mark.slow
    def test_ranks_with_other_weights_are_refused(self, tmp_path: Path) -> None:
        done = launch("uneven", tmp_path)
        assert done.returncode == 0, done.stderr
        told = json.loads((tmp_path / "found.json").read_text())["told"]
        assert "the ranks hold different weights, the first is 'embedding.weight'" in told

    @pytest.mark.slow
    def test_processes_end_well_every_time(self, tmp_path: Path) -> None:
        script = tmp_path / "end.py"
        script.write_text(
            "import torch\n"
            "from torch.distributed.tensor import Shard, distribute_tensor, init_device_mesh\n"
            "from skillofmind.train.shard import ranks\n"
            "with ranks('cpu') as here:\n"
            "    mesh = init_device_mesh('cpu', (here.world,))\n"
            "    whole = distribute_tensor(torch.ones(5, 3), mesh, [Shard(0)]).full_tensor()\n"
        )
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        for _ in range(5):
            subprocess.run([sys.executable, *launcher, str(script)], check=True, env=environment())
