"""Settings under a name: those of the Thanos paper, and one that two processor cores finish in minutes.

Nothing is downloaded: `base` says which model a preset is meant for, and whoever trains gives its folder. A
preset without a base makes its model from nothing (`train.weights.scratch`).

    >>> preset("thanos-1b").training.lora.rank
    256
"""

from difflib import get_close_matches

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record
from skillofmind.train.settings import (
    DpoSettings,
    Lora,
    Optimiser,
    Preference,
    Rows,
    Saving,
    Schedule,
    Size,
    Training,
)


class Preset(Record, frozen=True):
    """Settings for one kind of model.

    Attributes:
        name: what `--preset` takes.
        description: what it is for and where the numbers come from, one line.
        base: the model that the numbers are meant for; `None` makes one of `size` from nothing.
        training: of a planner, supervised.
        preference: of a response model on pairs, after or instead of it.
        size: of the model that is made.
    """

    name: str
    description: str
    base: str | None
    training: Training
    preference: DpoSettings
    size: Size | None = None


_THANOS_TRAINING = Training(
    optimiser=Optimiser("adamw", learning_rate=1e-5, weight_decay=0.0),
    schedule=Schedule("step", decay=0.85),
    # The published code cuts no row and sorts by length; 64 is 8 rows on each of 8 processors.
    rows=Rows(batch=64, micro=8, passes=3, max_tokens=8192, over_length="error", by_length=True),
    lora=Lora(
        rank=256,
        alpha=256,
        dropout=0.05,
        targets=("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    ),
    precision="bf16",
    clip=None,
    recompute=True,
    seed=42,
)

_THANOS_PREFERENCE = DpoSettings(
    Training(
        optimiser=Optimiser("adamw", learning_rate=5e-5),
        schedule=Schedule("linear", warmup=0.03),
        rows=Rows(batch=32, micro=4, passes=1, max_tokens=4096),
        lora=Lora(rank=16, alpha=32, targets="all-linear"),
        clip=1.0,
        recompute=True,
    ),
    Preference("dpo", beta=0.1, reference="adapter"),
)
"""The paper trains on no pairs; these are the usual starting values for adapters."""

_LAPTOP = Preset(
    name="laptop",
    description="a tiny model from nothing, in minutes on two processor cores (this project's values)",
    base=None,
    training=Training(
        optimiser=Optimiser("adamw", learning_rate=1.5e-3, betas=(0.9, 0.99)),
        schedule=Schedule("cosine", warmup=0.05, final=0.05),
        rows=Rows(batch=32, micro=32, passes=3, max_tokens=512),
        clip=1.0,
        saving=Saving(every=100),
        evaluate_every=200,
    ),
    preference=DpoSettings(
        Training(
            optimiser=Optimiser("adamw", learning_rate=3e-4, betas=(0.9, 0.99)),
            schedule=Schedule("linear", warmup=0.05),
            rows=Rows(batch=16, micro=16, passes=1, max_tokens=512),
            clip=1.0,
            saving=Saving(every=100),
        ),
        Preference("dpo", beta=0.1, reference="precomputed"),
    ),
    size=Size(hidden=128, layers=3, heads=4, kv_heads=4, inner=320, vocabulary=1024, context=512),
)


_LORA = Preset(
    name="lora",
    description="adapters on any chat model: the values that fine-tuning tools agree on",
    base="a chat model",
    training=Training(
        optimiser=Optimiser("adamw", learning_rate=2e-4),
        schedule=Schedule("cosine", warmup=0.03),
        rows=Rows(batch=32, micro=4, passes=2, max_tokens=4096),
        lora=Lora(rank=16, alpha=32, targets="all-linear"),
        clip=1.0,
    ),
    preference=_THANOS_PREFERENCE,
)


def _thanos(size: str, base: str) -> Preset:
    return Preset(
        name=f"thanos-{size}",
        description=f"LoRA on {base} with the settings of Thanos-{size.upper()} (arXiv 2411.04496)",
        base=base,
        training=_THANOS_TRAINING,
        preference=_THANOS_PREFERENCE,
    )


PRESETS: dict[str, Preset] = {
    one.name: one
    for one in (
        _LAPTOP,
        _LORA,
        _thanos("1b", "Llama-3.2-1B-Instruct"),
        _thanos("3b", "Llama-3.2-3B-Instruct"),
        _thanos("8b", "Llama-3.1-8B-Instruct"),
    )
}
"""All presets by name."""


def preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if name not in PRESETS:
        near = get_close_matches(name, PRESETS, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(PRESETS)}."
        raise ConfigurationError(f"preset {name!r} is unknown; {hint}")
    return PRESETS[name]
