"""One training on several processes: each *rank* keeps a part of every weight (FSDP2, `fully_shard`).

`torchrun` starts one process per rank and tells each who it is by `RANK`, `WORLD_SIZE`, `LOCAL_RANK`,
`MASTER_ADDR` and `MASTER_PORT`. Without them there is one rank, and everything here is the identity.

    with ranks() as here:
        shard_(network, here, precision="bf16")   # after adapters, before the optimiser
        loss = (token_losses.sum() / total)       # `total` counts the trained tokens of all ranks
        loss.backward()                           # gradients are the SUM over ranks of the local ones

FSDP's own rule is the mean over ranks. Here it is the sum, so that a loss divided by a count over all ranks
has the gradient of one process that sees every row. Every function that says *collective* must be called by
all ranks, in the same order.

Every rank must start from the same weights (read the same folder, or draw with the same seed): FSDP takes
each rank's part from that rank's own copy. `shard_` compares them.
"""

import os
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, init_device_mesh

from skillofmind.core.errors import ConfigurationError
from skillofmind.models.local.loading import find_device

Precision = Literal["fp32", "bf16"]

_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_TRIES = 5000
_GRACE = 0.25
_START = "start it with `torchrun --nproc-per-node N`"


class Ranks(NamedTuple):
    """This process among those that train together.

    Attributes:
        rank: number of this process, from 0.
        world: how many there are.
        device: where its tensors live.
    """

    rank: int
    world: int
    device: torch.device


@contextmanager
def ranks(device: str = "auto", environment: Mapping[str, str] | None = None) -> Iterator[Ranks]:
    """Join the other processes that torchrun started, or be the only one; they part at the end of the block.

    Where the block raises, the others are not waited for: they may never come. torchrun then stops them.
    `SystemExit` with code 0 is a normal end.

    Args:
        device: `auto` (the rank's GPU, else CPU), `cpu`, `cuda`, or a device's name for a single process.
        environment: torchrun's variables; `None` is the process's own.

    Raises:
        ConfigurationError: the variables are incomplete or senseless, or there is no such device.
    """
    variables = os.environ if environment is None else environment
    rank, world, local = _place(variables)
    here = Ranks(rank, world, _device(device, local, world))
    if world == 1:
        yield here
        return
    _join(here)
    try:
        yield here
    except BaseException as error:
        if orderly(error):
            _part()
        else:
            _leave(here)
        raise
    _part()


def orderly(error: BaseException | None) -> bool:
    """Say whether a block that ended so has done its work: no error, or `SystemExit` with code 0."""
    return error is None or (isinstance(error, SystemExit) and error.code in (None, 0))


def shard_(network: nn.Module, ranks: Ranks, *, precision: Precision) -> None:
    """Cut every weight of `network` over the ranks, block by block; nothing changes on one rank. Collective.

    Call it after adapters are in and before the optimiser is made: parameters become `DTensor`. Frozen and
    trainable weights may be mixed, but the trainable ones of a block must have one dtype. Modules move to the
    rank's device.

    Args:
        network: a causal language model of transformers, bare or wrapped by PEFT.
        ranks: of this process.
        precision: `bf16` computes in bfloat16 and adds gradients up in float32; the dtype in which weights
            are kept does not change.

    Raises:
        ConfigurationError: no blocks are found, the network is sharded already, or the ranks hold different
            weights.
    """
    if ranks.world == 1:
        return
    if isinstance(network, FSDPModule):
        raise ConfigurationError(f"{type(network).__name__!r} is sharded already; call shard_ once")
    _require_equal_weights(network, ranks)
    mesh = init_device_mesh(ranks.device.type, (ranks.world,))
    policy = MixedPrecisionPolicy()
    if precision == "bf16":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for block in blocks(network):
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(network, mesh=mesh, mp_policy=policy)
    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            # gloo knows no scaled reduction: ask for a plain sum, divided by 1 afterwards.
            module.set_force_sum_reduction_for_comms(True)
    require_sharded(network)


def blocks(network: nn.Module) -> list[nn.Module]:
    """Return the transformer blocks: what the model says must not be split, else its longest `ModuleList`.

    Raises:
        ConfigurationError: there is neither.
    """
    lists = [list(module) for module in network.modules() if isinstance(module, nn.ModuleList)]
    members = [block for modules in lists for block in modules]
    kinds = _unsplit_kinds(network)
    found = [block for block in members if type(block).__name__ in kinds]
    if not found:
        found = max(lists, key=len, default=[])
    if not found:
        raise ConfigurationError(
            f"{type(network).__name__!r} has no list of blocks to shard; use a causal language model of "
            "transformers, or one process"
        )
    return found


def require_sharded(network: nn.Module) -> None:
    """Make sure that each rank holds a part only.

    Raises:
        ConfigurationError: a trainable parameter is whole on every rank.
    """
    whole = [name for name, weight in network.named_parameters() if weight.requires_grad and not _cut(weight)]
    if whole:
        raise ConfigurationError(
            f"{len(whole)} trainable parameters are not sharded, the first is {whole[0]!r}; add adapters "
            "before shard_, and make the optimiser after it"
        )


def summed(values: Sequence[float], ranks: Ranks) -> list[float]:
    """Return the sums over ranks of each of `values`, in float64; the same bits on every rank. Collective."""
    if ranks.world == 1:
        return [float(value) for value in values]
    # On the CPU (gloo) also when training runs on GPUs: NCCL would need a trip to the device and back.
    totals = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(totals)
    return [float(total) for total in totals.tolist()]


def agreed(flag: bool, ranks: Ranks) -> bool:
    """Return whether any rank says so: a signal may reach one of them only. Collective."""
    return summed([float(flag)], ranks)[0] > 0


def exchanged(message: bytes, ranks: Ranks, group: Any = None) -> list[bytes]:
    """Return every rank's message, in the order of ranks. Collective.

    Args:
        message: of any length.
        ranks: of this process.
        group: a process group with gloo; `None` is that of all ranks.
    """
    if ranks.world == 1:
        return [message]
    lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(ranks.world)]
    dist.all_gather(lengths, torch.tensor([len(message)]), group=group)
    sizes = [int(length) for length in lengths]
    padded = bytearray(message.ljust(max(*sizes, 1), b"\0"))
    rows = [torch.zeros(len(padded), dtype=torch.uint8) for _ in sizes]
    dist.all_gather(rows, torch.frombuffer(padded, dtype=torch.uint8), group=group)
    return [row.numpy().tobytes()[:size] for row, size in zip(rows, sizes, strict=True)]


def is_of_a_lost_rank(error: BaseException) -> bool:
    """Say whether an error comes from waiting for a rank that is gone."""
    # gloo has no class of its own for that.
    return isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "Connection"))


def counted(name: str) -> int | None:
    """Return how many ranks asked for `name` before this one; `None` where the count went with its rank."""
    try:
        return int(dist.distributed_c10d._get_default_store().add(name, 1)) - 1
    except (RuntimeError, ValueError):
        return None


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the Euclidean norm of all gradients, of all ranks' parts together; 0 without any. Collective."""
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    return float(_whole(nn.utils.get_total_norm(gradients))) if gradients else 0.0


def clip_(parameters: Iterable[nn.Parameter], longest: float) -> float:
    """Scale all gradients so that their norm is at most `longest`; return the norm before. Collective."""
    weights = list(parameters)
    norm = gradient_norm(weights)
    nn.utils.clip_grads_with_norm_(weights, longest, torch.tensor(norm))
    return norm


def full_tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of `network` as whole tensors on the CPU of rank 0, and nothing elsewhere. Collective.

    One tensor at a time is put together, so a GPU needs room for the largest one only. Tied weights share
    their memory, as they do in the network.
    """
    keep = not dist.is_initialized() or dist.get_rank() == 0
    whole: dict[int, Tensor] = {}
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict(keep_vars=True).items():
        if id(tensor) not in whole:
            full = _whole(tensor.detach())
            whole[id(tensor)] = full.cpu() if keep else torch.empty(0)
        state[name] = whole[id(tensor)]
    return state if keep else {}


def _place(variables: Mapping[str, str]) -> tuple[int, int, int]:
    """Return rank, world and local rank."""
    if not any(name in variables for name in _VARIABLES[:3]):
        return 0, 1, 0
    missing = [name for name in _VARIABLES if not variables.get(name)]
    if missing:
        raise ConfigurationError(
            f"the environment has a part of torchrun's variables but not {missing[0]!r}; {_START}, or unset "
            f"{', '.join(_VARIABLES[:3])}"
        )
    try:
        rank, world, local = (int(variables[name]) for name in _VARIABLES[:3])
    except ValueError:
        rank, world, local = -1, 0, -1
    if not 0 <= rank < world or local < 0:
        given = ", ".join(f"{name}={variables[name]!r}" for name in _VARIABLES[:3])
        raise ConfigurationError(f"{given} is not a place among ranks; {_START}")
    return rank, world, local


def _device(name: str, local: int, world: int) -> torch.device:
    kind = name
    if name == "auto":
        kind = "cuda" if torch.cuda.is_available() else "cpu"
    if world > 1 and kind not in ("cpu", "cuda"):
        raise ConfigurationError(
            f"device {name!r} cannot be given to {world} ranks; use 'auto', 'cpu' or 'cuda'"
        )
    return find_device(f"cuda:{local}" if kind == "cuda" else kind)


def _join(here: Ranks) -> None:
    if here.device.type == "cpu":
        dist.init_process_group("gloo")
        return
    torch.cuda.set_device(here.device)
    dist.init_process_group("cpu:gloo,cuda:nccl", device_id=here.device)


def _part() -> None:
    """Wait for the other ranks, then let them go."""
    last = torch.zeros(1)
    released = weakref.ref(last)
    dist.all_reduce(last)
    del last
    # gloo's threads hold the tensors of finished sums for a moment, and need the interpreter to let go of
    # them. Where the interpreter ends first, the process aborts (SIGABRT) with all its work done. That the
    # last tensor is free can be seen; for those of other threads there is only some time.
    for _ in range(_TRIES):
        if released() is None:
            break
        time.sleep(0.001)
    time.sleep(_GRACE)
    dist.destroy_process_group()


def _leave(here: Ranks) -> None:
    # NCCL's orderly end waits for the other ranks; the end of the process does not.
    if here.device.type == "cpu":
        dist.destroy_process_group()


def _unsplit_kinds(network: nn.Module) -> set[str]:
    # PEFT's wrapper passes attributes on, so the class is asked and not the object.
    named = (vars(module).get("_no_split_modules") or () for module in network.modules())
    declared = (getattr(type(module), "_no_split_modules", None) or () for module in network.modules())
    return {name for names in (*named, *declared) for name in names}


def _require_equal_weights(network: nn.Module, ranks: Ranks) -> None:
    sums = [torch.sum(weight.detach(), dtype=torch.float64) for weight in network.parameters()]
    mine = torch.stack([total.cpu() for total in sums])
    total = torch.tensor(summed(mine.tolist(), ranks), dtype=torch.float64)
    differs = ~torch.isclose(total, mine * ranks.world, rtol=1e-6, atol=0.0, equal_nan=True)
    if agreed(bool(differs.any()), ranks):
        names = [name for name, _ in network.named_parameters()]
        first = next((name for name, other in zip(names, differs.tolist(), strict=True) if other), names[0])
        raise ConfigurationError(
            f"the ranks hold different weights, the first is {first!r}; read the same files on each, or "
            "draw them with the same seed"
        )


def _cut(weight: Tensor) -> bool:
    return isinstance(weight, DTensor)


def _whole(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
