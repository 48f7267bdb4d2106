"""A causal language model that can be trained: log-probabilities, samples, updates, save and load.

Any transformers network, full or with adapters, on one process or sharded over several. The vocabulary is
projected at the places where a trained token is predicted and nowhere else: prompts and padding cost no
logits. An update is

    g = (1 / N) sum over ranks, micro-batches of d terms.loss,   N = sum over ranks, micro-batches of count

so neither accumulation nor the number of processes changes it. Dropout is drawn from (seed, update, rank,
micro-batch), so no generator has to be saved for a run to go on exactly.

    policy = TorchPolicy(network, tokenizer, Optimiser(learning_rate=1e-4))
    told = policy.update([batch], TokenLoss())

Letters: B sequences, T positions, N trained tokens, D hidden size, V vocabulary.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from skillofmind.core.completion import Completion, Sample, Sampling, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.errors import ConfigurationError, DataError, TrainingDiverged
from skillofmind.train.checkpoint import Checkpoints
from skillofmind.train.losses import Loss, Terms, row_sums
from skillofmind.train.rows.batch import Batch
from skillofmind.train.settings import Optimiser
from skillofmind.train.shard import Ranks, clip_, exchanged, gradient_norm, summed
from skillofmind.train.weights.lora import adapters_off

ONE = Ranks(0, 1, torch.device("cpu"))
"""A single process on the CPU."""

CHUNK = 2**27
"""Most numbers of a float32 copy of logits; more are done chunk by chunk, again when going backwards."""

_FUSED = {"cpu", "cuda"}


class TorchPolicy:
    """Holds a network, its optimiser, and how many updates it has had.

    Attributes:
        network: the transformers (or PEFT) module.
        tokenizer: its tokenizer.
        updates: how many were made.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        optimiser: Optimiser,
        *,
        ranks: Ranks = ONE,
        precision: str = "fp32",
        clip: float | None = 1.0,
        rate: Callable[[int], float] | None = None,
        seed: int = 0,
    ) -> None:
        """Take over a network whose trainable parameters have `requires_grad`.

        Args:
            network: on its device; sharded already where there are several ranks.
            tokenizer: for `sample`, and for the token that pads.
            optimiser: which, with its settings.
            ranks: this process among the others.
            precision: `bf16` computes in bfloat16 and keeps float32 weights; `fp32` does everything in that.
            clip: largest norm of a gradient; `None` leaves it.
            rate: update number from 0 -> factor of the learning rate; 1 without it.
            seed: of dropout.

        Raises:
            ConfigurationError: nothing is trainable, or ranks and sharding do not fit.
        """
        self.network, self.tokenizer = network, tokenizer
        self.ranks, self.seed, self.updates = ranks, seed, 0
        self._clip, self._precision = clip, precision
        self._named = {name: one for name, one in network.named_parameters() if one.requires_grad}
        if not self._named:
            raise ConfigurationError("no parameter is trainable; add adapters, or train the whole network.")
        self._optimiser = _optimiser(self._named, optimiser)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._optimiser, rate or (lambda _: 1.0))
        self._head = _head(network)
        network.config.use_cache = False

    # -- the four verbs

    def logprobs(self, batch: Batch, *, reference: bool = False) -> Tensor:
        """Return the log-probability of each trained token, [N], float32, without gradient or dropout.

        Args:
            batch: on any device.
            reference: with the adapters switched off.

        Raises:
            ConfigurationError: a reference of a network without adapters.
        """
        was = self.network.training
        self.network.eval()
        try:
            with torch.no_grad(), adapters_off(self.network) if reference else nullcontext():
                return self._logprobs(batch.to(self.ranks.device))
        finally:
            self.network.train(was)

    def sample(self, prompts: Sequence[Conversation], sampling: Sampling) -> Sequence[Completion]:
        """Answer each prompt with the weights as they are; all ranks have to ask the same.

        Raises:
            RequestRejected: a prompt that the chat template refuses.
        """
        from skillofmind.models.local import decoding
        from skillofmind.models.local.loading import end_tokens
        from skillofmind.models.local.prompts import PromptEncoder

        encoder = PromptEncoder(self.tokenizer)
        limit = getattr(self.network.config, "max_position_embeddings", None) or 2**31
        encoded = [encoder.prompt(prompt) for prompt in prompts]
        jobs = [
            decoding.Job(
                prompt, decoding.settings(sampling, self.network, limit - len(prompt)), lambda: False
            )
            for prompt in encoded
        ]
        with self._answering():
            written = decoding.write(
                self.network, self.tokenizer, jobs, end_tokens(self.network, self.tokenizer)
            )
        return [
            Completion(
                samples=(Sample(one.text, one.stop, tokens=one.tokens),),
                usage=Usage(len(prompt), one.spent),
            )
            for prompt, one in zip(encoded, written, strict=True)
        ]

    def update(self, batch: Sequence[Batch], loss: Loss) -> dict[str, float]:
        """Take one optimiser step.

        Args:
            batch: this rank's micro-batches; every rank has equally many.
            loss: what to make smaller.

        Returns:
            `loss` and `gradient_norm` (before clipping) over all ranks, `learning_rate`, `trained` (what the
            loss was divided by), `tokens` (positions computed), and the means that the loss tells.

        Raises:
            DataError: no rank has anything to train on.
            TrainingDiverged: loss or gradient is not finite; the weights are as they were.
        """
        counts = summed(
            [float(sum(map(loss.count, batch))), float(sum(one.tokens() for one in batch))], self.ranks
        )
        if not counts[0]:
            raise DataError(f"update {self.updates + 1} has no trained token; its rows are {_names(batch)}.")
        self.network.train()
        self._optimiser.zero_grad(set_to_none=True)
        found = [self._backward(number, one, loss, counts[0]) for number, one in enumerate(batch)]
        total, *told = self._told(found)
        weights = self._named.values()
        norm = gradient_norm(weights) if self._clip is None else clip_(weights, self._clip)
        if not (math.isfinite(total) and math.isfinite(norm)):
            self._optimiser.zero_grad(set_to_none=True)
            raise TrainingDiverged(
                f"update {self.updates + 1} has loss {total:g} and gradient norm {norm:g}, on rows "
                f"{_names(batch)}; lower the learning rate, or look at these rows."
            )
        rate = self._rates.get_last_lr()[0]
        self._optimiser.step()
        self._rates.step()
        self.updates += 1
        return {
            "loss": total / counts[0],
            "gradient_norm": norm,
            "learning_rate": rate,
            "trained": counts[0],
            "tokens": counts[1],
            **dict(told),
        }

    def measured(self, batches: Sequence[Batch], loss: Loss) -> dict[str, float]:
        """Return `loss` and the means that it tells over all ranks' batches; no gradient, no dropout.

        Raises:
            DataError: no rank has a trained token or pair.
        """
        count = summed([float(sum(map(loss.count, batches)))], self.ranks)[0]
        if not count:
            raise DataError(f"there is no trained token to measure on; the rows are {_names(batches)}.")
        found = []
        for batch in batches:
            batch = self._with_reference(batch.to(self.ranks.device), loss)
            found.append(loss(self.logprobs(batch), batch))
        total, *told = self._told(found)
        return {"loss": total / count, **dict(told)}

    def save(self, path: Path) -> None:
        """Write weights, optimiser and number of updates into the folder `path`, as its newest checkpoint.

        Raises:
            StorageError: the disk said no; earlier checkpoints are as they were.
        """
        with Checkpoints(path, self.ranks) as checkpoints:
            checkpoints.save(self.updates, self.state(), self.facts())

    def load(self, path: Path) -> None:
        """Read the newest intact checkpoint of the folder `path`.

        Raises:
            DataError: there is none, or it is of another network.
        """
        with Checkpoints(path, self.ranks) as checkpoints:
            saved = checkpoints.latest()
            if saved is None:
                raise DataError(f"{str(path)!r} holds no checkpoint; name the folder that `save` was given.")
            self.restore(checkpoints.load(saved, self.state()))

    # -- what checkpoints hold

    def state(self) -> dict[str, Tensor]:
        """Return everything that training changes, by name; filling these tensors loads them."""
        if not self.updates and not self._optimiser.state:
            self._make_optimiser_state()
        names = {one: name for name, one in self._named.items()}
        found = {f"model.{name}": one.detach() for name, one in self._named.items()}
        for parameter, slots in self._optimiser.state.items():
            for key, value in slots.items():
                if isinstance(value, torch.Tensor):
                    found[f"optimiser.{names[parameter]}.{key}"] = value
        return found

    def facts(self) -> dict[str, Any]:
        """Return what else a checkpoint has to say, as JSON values."""
        return {"updates": self.updates}

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Take over the facts that belong to the tensors of `state` just filled."""
        self.updates = int(facts["updates"])
        self._rates.last_epoch = self.updates
        for group, rate, base in zip(
            self._optimiser.param_groups, self._rates.lr_lambdas, self._rates.base_lrs, strict=True
        ):
            group["lr"] = base * rate(self.updates)
        self._rates._last_lr = [group["lr"] for group in self._optimiser.param_groups]

    def _make_optimiser_state(self) -> None:
        """Let the optimiser make its slots, as it would at its first step, without moving a weight."""
        rates = [group["lr"] for group in self._optimiser.param_groups]
        for group in self._optimiser.param_groups:
            group["lr"] = 0.0
        for one in self._named.values():
            one.grad = torch.zeros_like(one)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        for slots in self._optimiser.state.values():
            for value in slots.values():
                if isinstance(value, torch.Tensor):
                    value.zero_()
        for group, rate in zip(self._optimiser.param_groups, rates, strict=True):
            group["lr"] = rate

    # -- one micro-batch

    def _backward(self, number: int, batch: Batch, loss: Loss, count: float) -> Terms:
        batch = self._with_reference(batch.to(self.ranks.device), loss)
        torch.manual_seed(_mixed(self.seed, self.updates, self.ranks.rank, number))
        terms = loss(self._logprobs(batch), batch)
        (terms.loss / count).backward()
        return Terms(terms.loss.detach(), terms.sums)

    def _with_reference(self, batch: Batch, loss: Loss) -> Batch:
        if not loss.needs_reference() or batch.reference_R is not None:
            return batch
        return batch._replace(reference_R=row_sums(self.logprobs(batch, reference=True), batch))

    def _logprobs(self, batch: Batch) -> Tensor:
        # A batch without a trained token still runs, as the ranks of a sharded network go together.
        place_N = batch.place_N if len(batch.place_N) else batch.place_N.new_zeros(1)
        kind = self.ranks.device.type
        with (
            torch.autocast(kind, torch.bfloat16, enabled=self._precision == "bf16"),
            _projected(self._head, place_N),
        ):
            out = self.network(input_ids=batch.ids_BT, position_ids=batch.position_BT, use_cache=False)
        logits_NV = out.logits[0]
        target_N = batch.target_N if len(batch.target_N) else batch.place_N.new_zeros(1)
        return _gathered(logits_NV, target_N)[: len(batch.target_N)]

    def _told(self, found: Sequence[Terms]) -> list[Any]:
        """Return the loss, then (name, mean) of what it tells, over micro-batches and ranks."""
        names = sorted({name for terms in found for name in terms.sums})
        if self.ranks.world > 1:
            names = sorted(_all_names(names, self.ranks))
        flat = [float(sum(terms.loss.item() for terms in found))]
        for name in names:
            pairs = [terms.sums[name] for terms in found if name in terms.sums]
            flat += [sum(value.item() for value, _ in pairs), sum(count.item() for _, count in pairs)]
        total, *rest = summed(flat, self.ranks)
        means = [
            (name, rest[2 * place] / rest[2 * place + 1])
            for place, name in enumerate(names)
            if rest[2 * place + 1]
        ]
        return [total, *means]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        was, cached = self.network.training, self.network.config.use_cache
        self.network.eval()
        self.network.config.use_cache = True
        try:
            yield
        finally:
            self.network.train(was)
            self.network.config.use_cache = cached


def _gathered(logits_NV: Tensor, target_N: Tensor) -> Tensor:
    """Return the log-probability of each target in float32; large logits go chunk by chunk."""
    rows = max(1, CHUNK // logits_NV.shape[-1])
    if len(logits_NV) <= rows:
        return _target_logp(logits_NV, target_N)
    parts = [
        checkpoint(_target_logp, one_NV, one_N, use_reentrant=False)
        for one_NV, one_N in zip(logits_NV.split(rows), target_N.split(rows), strict=True)
    ]
    return torch.cat(parts)


def _target_logp(logits_NV: Tensor, target_N: Tensor) -> Tensor:
    return -cross_entropy(logits_NV.float(), target_N, reduction="none")


@contextmanager
def _projected(head: Any, place_N: Tensor) -> Iterator[None]:
    """Let the output layer see the hidden states at `place_N` only, as one sequence [1, N, D].

    A hook, because what a network does to its logits after the layer (scaling, capping) must stay.
    """

    def chosen(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden_BTD, *rest = given
        return (hidden_BTD.reshape(-1, hidden_BTD.shape[-1])[place_N].unsqueeze(0), *rest)

    hook = head.register_forward_pre_hook(chosen)
    try:
        yield
    finally:
        hook.remove()


def _head(network: Any) -> Any:
    """Return the layer that projects to the vocabulary.

    Raises:
        ConfigurationError: the network has none.
    """
    base = network.get_base_model() if hasattr(network, "peft_config") else network
    head = base.get_output_embeddings()
    if head is None:
        raise ConfigurationError(
            f"{type(base).__name__} has no output embeddings; use a causal language model."
        )
    return head


def _optimiser(named: Mapping[str, Any], settings: Optimiser) -> Any:
    """Return the optimiser; vectors (biases, norms) do not decay."""
    matrices = [one for one in named.values() if one.ndim > 1]
    vectors = [one for one in named.values() if one.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    kept = [group for group in groups if group["params"]]
    rate = settings.learning_rate
    if settings.name == "sgd":
        return torch.optim.SGD(kept, lr=rate)
    if settings.name == "adafactor":
        return torch.optim.Adafactor(kept, lr=rate)
    # One kernel for all of an update's arithmetic, where there is one.
    fused = all(one.device.type in _FUSED for one in named.values())
    return torch.optim.AdamW(kept, lr=rate, betas=settings.betas, eps=settings.epsilon, fused=fused)


def _mixed(*parts: int) -> int:
    """Return one 63-bit seed from several numbers."""
    found = 0
    for part in parts:
        # The multiplier of PCG64's generator; neighbours must not give neighbouring seeds.
        found = ((found ^ (part + 0x9E3779B97F4A7C15)) * 0x2360ED051FC65DA44385DF649FCCF645) % 2**128
    return found >> 65


def _names(window: Sequence[Batch]) -> str:
    names = list(dict.fromkeys(name for one in window for name in one.names))
    shown = ", ".join(repr(name) for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "none"


def _all_names(names: list[str], ranks: Ranks) -> set[str]:
    """Return the names that any rank has something to tell of."""
    told = exchanged("\n".join(names).encode(), ranks)
    return {name for one in told for name in one.decode().split("\n") if name}
