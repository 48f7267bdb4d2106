"""Low-rank adapters (LoRA, arXiv 2106.09685) by PEFT: W' = W + (alpha / r) B A, with B = 0 at first.

The base is frozen; adapters are kept in float32. Switching them off gives the base back, which is the
reference of a preference loss for nothing.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.settings import Lora

# PEFT is imported where adapters are used: it costs a second of CPU that training all weights need not pay.
if TYPE_CHECKING:
    from peft import PeftModel


def with_adapters(network: Any, lora: Lora) -> "PeftModel":
    """Return `network` with new adapters, drawn from torch's generator.

    Raises:
        ConfigurationError: the network has no module of the names in `lora.targets`.
    """
    from peft import LoraConfig, get_peft_model

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        target_modules=targets,
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with warnings.catch_warnings():
            # PEFT asks for a flag of transformers by its old name.
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
            # It sets the flag that it warns of, for the transposed layers of GPT-2.
            warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False", category=UserWarning)
            return get_peft_model(network, config)
    except ValueError as error:
        raise ConfigurationError(f"LoRA targets {targets!r} do not fit this network: {error}") from error


@contextmanager
def adapters_off(network: Any) -> Iterator[None]:
    """Let `network` compute as its base does.

    Raises:
        ConfigurationError: it has no adapters.
    """
    from peft import PeftModel

    if not isinstance(network, PeftModel):
        raise ConfigurationError("a network without adapters holds no reference; compute it beforehand.")
    # `PeftModel.disable_adapter` does this too, after a look at every layer for a warning, each time.
    network.base_model.disable_adapter_layers()
    try:
        yield
    finally:
        network.base_model.enable_adapter_layers()


def merged(network: "PeftModel") -> Any:
    """Return the base with the adapters added to its weights; `network` is used up.

    Raises:
        ConfigurationError: the sum holds a number that is not finite.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return network.merge_and_unload(safe_merge=True)
        except ValueError as error:
            raise ConfigurationError(f"the adapters cannot be merged: {error}") from error
