"""A model folder as something to train, and whether its attention keeps packed documents apart.

Nothing is downloaded; weights are read from safetensors files only and no code of a model is run.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch

from skillofmind.core.errors import ConfigurationError
from skillofmind.models.local.loading import find_folder, read_network, read_tokenizer
from skillofmind.train.rows.batch import collated
from skillofmind.train.rows.token_row import token_row

TOLERANCE = 1e-3
"""Largest difference of log-probabilities, in float32, at which two documents count as kept apart."""


class Base(NamedTuple):
    """A network in float32 and its tokenizer."""

    network: Any
    tokenizer: Any


def open_base(folder: Path, device: torch.device, *, dtype: torch.dtype = torch.float32) -> Base:
    """Load a causal language model to train.

    Args:
        folder: configuration, tokenizer and safetensors.
        device: where to.
        dtype: of the weights; what is trained should be float32.

    Raises:
        ConfigurationError: the folder holds no causal language model, or not all of its weights.
        MissingExtra: torch or transformers is not installed.
    """
    place = find_folder(folder, allow_download=False)
    return Base(read_network(place, dtype).to(device), read_tokenizer(place))


def check_isolation(network: Any, device: torch.device) -> None:
    """Make sure that documents in one sequence do not see one another.

    Two short documents go through the network together and apart. Which attention a network uses, and
    whether it reads restarted positions as borders, cannot be known otherwise.

    Raises:
        ConfigurationError: what the second document's tokens get depends on the first.
    """
    size = int(network.config.get_text_config().vocab_size)
    first, second = ([(7 * place + add) % size for place in range(8)] for add in (1, 3))
    one, two = (token_row("", ids, [1] * 8) for ids in (first, second))
    was = network.training
    network.eval()
    with torch.no_grad():
        together, apart = (
            network(input_ids=batch.ids_BT, position_ids=batch.position_BT, use_cache=False).logits
            for batch in (collated([[one, two]], 0).to(device), collated([[two]], 0).to(device))
        )
    network.train(was)
    worst = (together[0, 8:].float().log_softmax(-1) - apart[0].float().log_softmax(-1)).abs().max().item()
    if not worst <= TOLERANCE:
        raise ConfigurationError(
            f"documents that share a sequence see one another in this network ({type(network).__name__}, "
            f"attention {network.config._attn_implementation!r}, difference {worst:.2g}); turn packing off."
        )
