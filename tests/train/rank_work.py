"""What the ranks of the tests do: `python -m torch.distributed.run ... rank_work.py KIND FOLDER`.

KIND is a network (`plain`, `llama`, `lora`, `bf16`), or `error` (rank 1 fails), `uneven` (other weights on
rank 1), `saving` (saves until it is killed). Rank 0 writes what it found to FOLDER.
"""

import json
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from skillofmind.core.errors import SkillOfMindError
from skillofmind.train.checkpoint import Checkpoints, weights_fingerprint
from skillofmind.train.shard import (
    Ranks,
    agreed,
    clip_,
    exchanged,
    full_tensors,
    gradient_norm,
    ranks,
    shard_,
    summed,
)

ROWS = 8


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(6, 10), nn.Linear(10, 6)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.tanh(self.up(x)))


class Plain(nn.Module):  # type: ignore[misc]
    """Three blocks between tied embeddings; 7 and 1 do not divide by two ranks."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 6)
        self.layers = nn.ModuleList(Block() for _ in range(3))
        self.scale = nn.Parameter(torch.ones(1))
        self.head = nn.Linear(6, 7, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.embedding(ids) * self.scale
        for layer in self.layers:
            hidden = layer(hidden)
        return self.head(hidden)


def network(kind: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    if kind in ("plain", "uneven"):
        return Plain()
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=7,
        hidden_size=12,
        intermediate_size=20,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    if kind != "lora":
        return model
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=3, target_modules="all-linear", init_lora_weights=False)
    with warnings.catch_warnings():
        # PEFT asks by a name that transformers calls deprecated.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        adapted = get_peft_model(model, config)
    assert isinstance(adapted, nn.Module)
    return adapted


def loss(model: nn.Module, rows: slice) -> Tensor:
    """The sum over rows and tokens of the cross-entropy, divided by the count over ALL rows."""
    ids = torch.arange(ROWS * 5).reshape(ROWS, 5) * 3 % 7
    out = model(ids[rows, :-1])
    logits = out if isinstance(out, Tensor) else out.logits
    total = nn.functional.cross_entropy(
        logits.float().flatten(0, 1), ids[rows, 1:].flatten(), reduction="sum"
    )
    return total / (ROWS * 4)


def updates(
    model: nn.Module, rows: slice, count: int = 2
) -> tuple[torch.optim.Optimizer, dict[str, Tensor], list[float]]:
    """Update; return the optimiser, the first gradients, and the norms before and after clipping."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=0.01)
    first: dict[str, Tensor] = {}
    norms = []
    for _ in range(count):
        loss(model, rows).backward()
        first = first or {
            name: whole(weight.grad).clone()
            for name, weight in model.named_parameters()
            if weight.grad is not None
        }
        norms += [clip_(weights, 0.5), gradient_norm(weights)]
        optimiser.step()
        optimiser.zero_grad()
    return optimiser, first, norms


def whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def state(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    tensors = {f"model.{name}": weight for name, weight in model.named_parameters()}
    for name, weight in model.named_parameters():
        for key, value in optimiser.state.get(weight, {}).items():
            tensors[f"optimiser.{key}.{name}"] = value
    return tensors


def train(kind: str, folder: Path, here: Ranks) -> dict[str, object]:
    model = network(kind)
    shard_(model, here, precision="bf16" if kind == "bf16" else "fp32")
    share = ROWS // here.world
    optimiser, gradients, norms = updates(model, slice(here.rank * share, (here.rank + 1) * share))
    tensors = state(model, optimiser)
    found: dict[str, object] = {
        "norms": norms,
        "cut": sum(isinstance(weight, DTensor) for weight in model.parameters()),
        "weights": len(list(model.parameters())),
        "fingerprint": weights_fingerprint(tensors),
    }
    for background in (False, True):
        with Checkpoints(folder / f"two-{background}", here, background=background) as checkpoints:
            checkpoints.save(2, tensors, {"by": here.world})
    full = full_tensors(model)
    if here.rank == 0:
        torch.save({"gradients": gradients, "full": full}, folder / "tensors.pt")
    elif full:
        raise AssertionError("only rank 0 gets the whole weights")
    if (folder / "one").exists():
        found |= load(folder / "one", tensors, here)
        found |= disk_full(folder / "two-False", tensors, here)
    return found


def load(folder: Path, tensors: dict[str, Tensor], here: Ranks) -> dict[str, object]:
    with Checkpoints(folder, here) as checkpoints:
        saved = checkpoints.latest()
        assert saved is not None
        facts = checkpoints.load(saved, tensors)
        fewer = {name: tensor for name, tensor in tensors.items() if "scale" not in name}
        refusal = message(lambda: checkpoints.load(saved, fewer))
    return {"loaded": weights_fingerprint(tensors), "facts": facts, "refusal": refusal}


def disk_full(folder: Path, tensors: dict[str, Tensor], here: Ranks) -> dict[str, object]:
    """Rank 1 may write a few bytes only; every rank has to raise the same."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    told = []
    for background in (False, True):
        checkpoints = Checkpoints(folder, here, background=background)
        if here.rank == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
        told += [message(lambda: checkpoints.save(3, tensors, {})) if not background else ""]  # noqa: B023
        if background:
            checkpoints.save(3, tensors, {})
            told += [message(checkpoints.close)]
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        saved = checkpoints.latest() if not background else None
        told += [saved.path.name if saved else ""]
    return {"told": told, "all": [json.loads(text) for text in exchanged(json.dumps(told).encode(), here)]}


def message(call: Callable[[], object]) -> str:
    try:
        call()
    except SkillOfMindError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def at(step: int, here: Ranks) -> dict[str, Tensor]:
    """What the checkpoint of a step has to hold."""
    plain = {f"w{number}": torch.full((60_000,), float(step * 10 + number)) for number in range(3)}
    if here.world == 1:
        return plain
    from torch.distributed.tensor import Shard, distribute_tensor, init_device_mesh

    mesh = init_device_mesh("cpu", (here.world,))
    return {name: distribute_tensor(tensor, mesh, [Shard(0)]) for name, tensor in plain.items()}


def save_until_killed(folder: Path, here: Ranks) -> None:
    with Checkpoints(folder, here, background=True) as checkpoints:
        saved = checkpoints.latest()
        step = saved.step if saved else 0
        while True:
            step += 1
            checkpoints.save(step, at(step, here), {"step": step})


def main(kind: str, folder: Path) -> None:
    torch.set_num_threads(1)
    with ranks("cpu") as here:
        if kind == "saving":
            save_until_killed(folder, here)
        if kind == "error" and here.rank == 1:
            raise ValueError("rank 1 is gone")
        if kind == "error":
            summed([1.0], here)
        if kind == "uneven":
            model = network("uneven", seed=here.rank)
            found: dict[str, object] = {
                "told": message(lambda: shard_(model, here, precision="fp32")),
            }
        else:
            found = train(kind, folder, here)
        found["sums"] = summed([0.1, 1e-9, here.rank], here)
        found["agreed"] = [agreed(here.rank == 1, here), agreed(False, here)]
        found["messages"] = [text.decode() for text in exchanged(b"x" * (here.rank * 3), here)]
        if here.rank == 0:
            (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
