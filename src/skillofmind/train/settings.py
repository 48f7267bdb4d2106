"""How to train, as records: what `som train` asks for, what a preset holds, what a run's manifest repeats.

Every record checks itself once, when it is made; nothing behind it looks at a range again. Importing this
module needs no torch.

    >>> from skillofmind.train.settings import Optimiser, Training
    >>> Training(optimiser=Optimiser(learning_rate=2e-5)).rows.batch
    64
    >>> Optimiser(learning_rate=-1.0)
    Traceback (most recent call last):
    skillofmind.core.errors.ConfigurationError: learning_rate is -1.0; give a number above 0.
"""

import math
from typing import Literal

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.record import Record

ALL_LINEAR: Literal["all-linear"] = "all-linear"
"""LoRA targets: every linear layer but the head."""


def _above_zero(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        raise ConfigurationError(f"{name} is {value!r}; give a number above 0.")


def _at_least(name: str, value: float, least: int) -> None:
    if not (value >= least and math.isfinite(value)):
        raise ConfigurationError(f"{name} is {value!r}; give {least} or more.")


def _share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ConfigurationError(f"{name} is {value!r}; give a share from 0 to below 1.")


def _at_most_one(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ConfigurationError(f"{name} is {value!r}; give 0 to 1.")


class Optimiser(Record, frozen=True):
    """The update rule, one of torch's.

    Attributes:
        name: `adamw`, `adafactor` (less memory: no full second moment) or `sgd` (no state at all).
        learning_rate: peak, above 0.
        weight_decay: decoupled for AdamW, 0 or more.
        betas: decay of AdamW's first and second moment, each from 0 to below 1.
        epsilon: added to AdamW's denominator, above 0.
    """

    name: Literal["adamw", "adafactor", "sgd"] = "adamw"
    learning_rate: float = 1e-5
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is out of range.
        """
        _above_zero("learning_rate", self.learning_rate)
        _at_least("weight_decay", self.weight_decay, 0)
        _above_zero("epsilon", self.epsilon)
        for beta in self.betas:
            _share("betas", beta)


class Schedule(Record, frozen=True):
    """The learning rate over the run, as a factor of the peak.

    Attributes:
        name: after the warm-up, `constant`; `linear` or `cosine` down to `final` at the last update; or
            `step`, times `decay` after every pass.
        warmup: updates of linear warm-up from 0; below 1 it is a share of all updates.
        decay: factor of `step`, above 0 up to 1.
        final: factor at the end of `linear` and `cosine`, 0 to 1.
    """

    name: Literal["constant", "linear", "cosine", "step"] = "constant"
    warmup: float = 0.0
    decay: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is out of range, or does not go with the name.
        """
        _at_least("warmup", self.warmup, 0)
        if self.warmup >= 1 and self.warmup != int(self.warmup):
            raise ConfigurationError(
                f"warmup is {self.warmup!r}; give a share below 1 or a whole number of updates."
            )
        _at_most_one("final", self.final)
        _above_zero("decay", self.decay)
        _at_most_one("decay", self.decay)
        if self.decay != 1 and self.name != "step":
            raise ConfigurationError(
                f"decay is {self.decay!r} with the schedule {self.name!r}; only 'step' decays by pass."
            )

    def warmup_updates(self, updates: int) -> int:
        """Return how many of `updates` warm up."""
        return math.ceil(self.warmup * updates) if self.warmup < 1 else int(self.warmup)

    def factor(self, update: int, updates: int, passed: int = 0) -> float:
        """Return the factor of the peak rate at `update`, counted from 0, of `updates`.

        Args:
            update: updates made before.
            updates: of the whole run.
            passed: whole passes through the rows made before; for `step`.
        """
        warm = self.warmup_updates(updates)
        if update < warm:
            return update / warm
        share = min(1.0, (update - warm) / max(1, updates - warm))
        if self.name == "linear":
            return self.final + (1 - self.final) * (1 - share)
        if self.name == "cosine":
            return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * share))
        return float(self.decay**passed) if self.name == "step" else 1.0


class Lora(Record, frozen=True):
    """Low-rank adapters (arXiv 2106.09685): W + (alpha / rank) B A, with only A and B trained.

    Attributes:
        rank: r, at least 1.
        alpha: scale, above 0.
        dropout: on the adapters' input, from 0 to below 1.
        targets: names of the linear layers to adapt, or `all-linear` (all but the head).
        rslora: scale by alpha / sqrt(rank) instead (arXiv 2312.03732).
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: Literal["all-linear"] | tuple[str, ...] = ALL_LINEAR
    rslora: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is out of range, or there is no target.
        """
        _at_least("rank", self.rank, 1)
        _above_zero("alpha", self.alpha)
        _share("dropout", self.dropout)
        if not self.targets or not all(self.targets):
            raise ConfigurationError(
                f"LoRA targets are {self.targets!r}; name linear layers, or take {ALL_LINEAR!r}."
            )


class Rows(Record, frozen=True):
    """How rows come to the network.

    Attributes:
        batch: sequences of one update, over all ranks and micro-batches, at least 1.
        micro: sequences of one forward pass of one rank, at least 1; it changes memory, not the result.
        passes: times through the rows, at least 1.
        updates: stop after so many; `None` stops after the passes.
        max_tokens: longest row, at least 2.
        over_length: what happens to a longer row: `drop` it and count it, `truncate` it on the right (its
            end token is gone then), or stop with an `error`.
        packing: several rows in one sequence of `max_tokens`, kept apart from one another.
        by_length: rows of like length in one update, which saves padding.
    """

    batch: int = 64
    micro: int = 8
    passes: int = 3
    updates: int | None = None
    max_tokens: int = 2048
    over_length: Literal["error", "drop", "truncate"] = "drop"
    packing: bool = False
    by_length: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is out of range, or two options exclude each other.
        """
        for name in ("batch", "micro", "passes"):
            _at_least(name, getattr(self, name), 1)
        _at_least("updates", 1 if self.updates is None else self.updates, 1)
        _at_least("max_tokens", self.max_tokens, 2)
        if self.packing and self.by_length:
            raise ConfigurationError(
                "packing and by_length are both on; packed sequences are of one length, so leave one out."
            )


class Saving(Record, frozen=True):
    """When the state of a run is written.

    Attributes:
        every: updates between two checkpoints, at least 1; the end of a run always writes one.
        keep: newest checkpoints to keep, at least 1.
        background: write while training goes on, at the cost of a second copy of the state in memory.
    """

    every: int = 200
    keep: int = 2
    background: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is below 1.
        """
        _at_least("every", self.every, 1)
        _at_least("keep", self.keep, 1)


class Training(Record, frozen=True):
    """Everything that supervised and preference learning have in common; the defaults train all weights.

    Attributes:
        optimiser: the update rule.
        schedule: the learning rate over the run.
        rows: how rows come to the network, and how long.
        lora: adapters to train; `None` trains all weights.
        precision: of the forward and backward pass; weights and optimiser stay in float32.
        clip: largest norm of an update's gradient, above 0; `None` does not clip.
        recompute: forget activations and compute them again on the way back: less memory, a third more work.
        saving: when checkpoints are written.
        evaluate_every: updates between two evaluations on the held-out rows; `None` evaluates at the end.
        seed: of everything random, 0 or more.
    """

    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    rows: Rows = Rows()
    lora: Lora | None = None
    precision: Literal["fp32", "bf16"] = "bf16"
    clip: float | None = None
    recompute: bool = False
    saving: Saving = Saving()
    evaluate_every: int | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigurationError: a number is out of range.
        """
        _above_zero("clip", 1.0 if self.clip is None else self.clip)
        _at_least("evaluate_every", 1 if self.evaluate_every is None else self.evaluate_every, 1)
        _at_least("seed", self.seed, 0)


class Preference(Record, frozen=True):
    """The loss of preference pairs; h is the margin that the policy gained over the reference.

    Attributes:
        name: `dpo` (arXiv 2305.18290): -log sigmoid(beta h); `ipo` (2310.12036): (h - 1 / (2 beta))^2;
            `hinge` (2305.10425): max(0, 1 - beta h); `simpo` (2405.14734): dpo without a reference, on mean
            log-probabilities, with a margin `gamma` to reach.
        beta: sharpness, above 0.
        label_smoothing: share of pairs taken to be the wrong way round, from 0 to below 0.5; `dpo` only.
        gamma: SimPO's target margin, 0 or more; `simpo` only.
        length_normalised: log-probabilities per token; always so in `ipo` and `simpo`.
        reference: where the reference's log-probabilities come from: the network with its `adapter` off, or
            `precomputed` before the first update. SimPO has none.
        cross_entropy: weight of the chosen answer's mean cross-entropy, which is added; 0 or more.
        stages: parts of a curriculum from easy pairs to hard, at least 1; 1 mixes all (2505.17558).
    """

    name: Literal["dpo", "ipo", "hinge", "simpo"] = "dpo"
    beta: float = 0.1
    label_smoothing: float = 0.0
    gamma: float = 0.0
    length_normalised: bool = False
    reference: Literal["adapter", "precomputed"] = "precomputed"
    cross_entropy: float = 0.0
    stages: int = 1

    def __post_init__(self) -> None:
        """Check the ranges, and which options go together.

        Raises:
            ConfigurationError: a number is out of range, or does not go with the name.
        """
        _above_zero("beta", self.beta)
        _at_least("gamma", self.gamma, 0)
        _at_least("cross_entropy", self.cross_entropy, 0)
        _at_least("stages", self.stages, 1)
        if not 0 <= self.label_smoothing < 0.5:
            raise ConfigurationError(
                f"label_smoothing is {self.label_smoothing!r}; give a share from 0 to below 0.5."
            )
        for option, home in (("label_smoothing", "dpo"), ("gamma", "simpo")):
            if getattr(self, option) and self.name != home:
                raise ConfigurationError(
                    f"{option} is {getattr(self, option)!r}, but the loss is {self.name!r}; "
                    f"only {home!r} has it."
                )

    def needs_reference(self) -> bool:
        """Say whether the loss looks at a reference."""
        return self.name != "simpo"


class DpoSettings(Record, frozen=True):
    """Learning from preference pairs.

    Attributes:
        training: how; a `batch` counts pairs.
        preference: the loss.
    """

    training: Training = Training()
    preference: Preference = Preference()

    def __post_init__(self) -> None:
        """Check that there is an adapter to switch off where one is asked for.

        Raises:
            ConfigurationError: the reference is the network without its adapter, and there is none.
        """
        asked = self.preference.needs_reference() and self.preference.reference == "adapter"
        if asked and self.training.lora is None:
            raise ConfigurationError(
                "the reference is 'adapter', but all weights are trained; set lora, or take 'precomputed'."
            )


class Size(Record, frozen=True):
    """Shape of a network that is made from nothing, a small Llama.

    Attributes:
        hidden: width, a multiple of `heads`.
        layers: blocks.
        heads: attention heads; `hidden / heads` is even.
        kv_heads: heads of keys and values, a divisor of `heads`.
        inner: width of the feed-forward layers.
        vocabulary: most entries of the tokenizer; few texts give fewer. At least 264.
        context: longest sequence in tokens.
        tied: one matrix for input and output embedding.
    """

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 4
    inner: int = 384
    vocabulary: int = 1024
    context: int = 2048
    tied: bool = True

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            ConfigurationError: a number is too small, or is no multiple of the one it must be.
        """
        for name in ("hidden", "layers", "heads", "kv_heads", "inner", "context"):
            _at_least(name, getattr(self, name), 1)
        _at_least("vocabulary", self.vocabulary, 264)
        if self.hidden % (2 * self.heads):
            raise ConfigurationError(
                f"hidden is {self.hidden!r} with {self.heads!r} heads; give a multiple of {2 * self.heads}."
            )
        if self.heads % self.kv_heads:
            raise ConfigurationError(
                f"kv_heads is {self.kv_heads!r} with {self.heads!r} heads; give a divisor of {self.heads}."
            )
