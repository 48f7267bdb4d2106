"""From a run's checkpoint to a model folder: adapters merged, compared, written, read back, compared again.

The folder holds safetensors, configuration, tokenizer, chat template, and a generation configuration whose
stop tokens include the end of an answer. Nothing is left behind when the numbers do not agree.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.run.atomic import storage_errors, whole_folder, write_atomic
from skillofmind.train.checkpoint import Checkpoints
from skillofmind.train.settings import Lora
from skillofmind.train.shard import Ranks
from skillofmind.train.weights.folder import Base, open_base
from skillofmind.train.weights.lora import merged, with_adapters

CARD = "README.md"
TOLERANCES = {"float32": 1e-3, "bfloat16": 0.5}
"""Largest difference of a logit that is allowed, by the type of the written weights."""

_PROBES, _PROBE_TOKENS = 4, 48


class Exported(NamedTuple):
    """What was written.

    Attributes:
        folder: with the model.
        updates: of the checkpoint it was made from.
        merge_difference: largest difference of a logit between network with adapters and merged network, in
            float32; 0 without adapters.
        written_difference: the same between the network and what is read back from the folder.
        dtype: of the written weights.
    """

    folder: Path
    updates: int
    merge_difference: float
    written_difference: float
    dtype: str


class Trained(NamedTuple):
    """A network as a run left it.

    Attributes:
        base: its network, with adapters where there are any, and its tokenizer.
        updates: it has had.
    """

    base: Base
    updates: int


def read_trained(model: Path, checkpoints: Path, lora: Lora | None) -> Trained:
    """Load the base in `model` and put the newest intact checkpoint's weights into it.

    Raises:
        ConfigurationError: `model` holds no causal language model.
        DataError: there is no intact checkpoint, or it is of another network.
    """
    here = Ranks(0, 1, torch.device("cpu"))
    base = open_base(model, here.device)
    network = base.network if lora is None else with_adapters(base.network, lora)
    named = {f"model.{name}": one for name, one in network.named_parameters() if one.requires_grad}
    if not checkpoints.is_dir():
        raise DataError(f"{str(checkpoints)!r} is not there; train for an update at least.")
    with Checkpoints(checkpoints, here) as found, torch.no_grad():
        saved = found.latest()
        if saved is None:
            raise DataError(f"{str(checkpoints)!r} holds no checkpoint; train for an update at least.")
        facts = found.load(saved, {name: one.detach() for name, one in named.items()}, prefix="model.")
    return Trained(Base(network.eval(), base.tokenizer), int(facts["updates"]))


def export(
    trained: Trained,
    folder: Path,
    *,
    dtype: str = "float32",
    tolerance: float | None = None,
    stop: tuple[str, ...] = (),
    files: Mapping[str, bytes] | None = None,
) -> Exported:
    """Write a trained network as a model folder.

    Args:
        trained: it is used up.
        folder: new.
        dtype: of the written weights, `float32` or `bfloat16`.
        tolerance: largest difference of a logit; that of `TOLERANCES` without it.
        stop: texts of tokens that end an answer, added to those that the base knows.
        files: further files by name, such as the card.

    Raises:
        ConfigurationError: the folder is there already, an unknown type, or a stop text that is no token.
        DataError: the logits differ by more than `tolerance`; nothing stays.
        StorageError: the disk said no; nothing stays.
    """
    if folder.exists():
        raise ConfigurationError(f"{str(folder)!r} is there already; name a new folder, or remove it.")
    if dtype not in TOLERANCES:
        raise ConfigurationError(f"dtype {dtype!r} is none of {', '.join(TOLERANCES)}.")
    allowed = TOLERANCES[dtype] if tolerance is None else tolerance
    network, tokenizer = trained.base
    before = _logits(network)
    if hasattr(network, "peft_config"):
        network = merged(network)
    # Merging happens in float32, whatever is written.
    merge_difference = _refuse_difference(
        before, _logits(network), TOLERANCES["float32"] if tolerance is None else tolerance, "merged"
    )
    _set_stops(network, tokenizer, stop)
    with whole_folder(folder) as temporary:
        _write(temporary, network.to(getattr(torch, dtype)), tokenizer, files or {})
        again = open_base(temporary, torch.device("cpu")).network.eval()
        difference = _refuse_difference(before, _logits(again), allowed, f"written in {dtype}")
    return Exported(folder, trained.updates, merge_difference, difference, dtype)


def _logits(network: Any) -> torch.Tensor:
    """Return the logits of a few random sequences, always the same ones."""
    size = network.config.get_text_config().vocab_size
    generator = torch.Generator().manual_seed(0)
    ids_BT = torch.randint(0, size, (_PROBES, _PROBE_TOKENS), generator=generator)
    with torch.inference_mode():
        return network(input_ids=ids_BT, use_cache=False).logits.float().clone()


def _refuse_difference(before: torch.Tensor, after: torch.Tensor, allowed: float, what: str) -> float:
    difference = float((before - after).abs().max())
    if not difference <= allowed:
        raise DataError(
            f"the {what} network's logits differ by {difference:.3g} from the trained one's, more than "
            f"{allowed:g}; nothing was written."
        )
    return difference


def _set_stops(network: Any, tokenizer: Any, stop: tuple[str, ...]) -> None:
    """Let generation end at the end of an answer, whatever the base's own list says."""
    own = network.generation_config.eos_token_id
    ends = [*own] if isinstance(own, list) else [own] if own is not None else []
    for text in stop:
        number = tokenizer.convert_tokens_to_ids(text)
        if number is None or number == tokenizer.unk_token_id:
            raise ConfigurationError(f"stop text {text!r} is no token of this tokenizer.")
        ends.append(number)
    unique = list(dict.fromkeys(ends))
    if unique:
        network.generation_config.eos_token_id = unique if len(unique) > 1 else unique[0]


def _write(folder: Path, network: Any, tokenizer: Any, files: Mapping[str, bytes]) -> None:
    with storage_errors(folder):
        network.config.use_cache = True
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    for name, data in files.items():
        write_atomic(folder / name, data)
