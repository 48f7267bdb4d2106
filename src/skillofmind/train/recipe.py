"""From a base model and rows to a trained policy in a run directory: what `som train` does, as two functions.

    with ranks() as here:
        base = open_base(Path("models/tiny"), here.device)
        end = sft(base, Rows(examples), Training(), Place(Path("runs/sft"), here, run))

Both resume the run that the folder holds.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from skillofmind.core.errors import DataError
from skillofmind.run.directory import RunDirectory
from skillofmind.train.checkpoint import Checkpoints
from skillofmind.train.loop import Cadence, Feed, reference_logprobs, resume, train
from skillofmind.train.losses import Loss, PreferenceLoss, TokenLoss
from skillofmind.train.monitor import Monitor, flops_per_token
from skillofmind.train.policy import TorchPolicy
from skillofmind.train.rows.feeds import ExampleFeed, PairFeed
from skillofmind.train.rows.order import Order, staged
from skillofmind.train.rows.token_row import Example, PreferencePair
from skillofmind.train.settings import DpoSettings, Training
from skillofmind.train.shard import Ranks, shard_
from skillofmind.train.weights.folder import Base, check_isolation
from skillofmind.train.weights.lora import with_adapters

CHECKPOINTS = "checkpoints"
"""Name of the folder of checkpoints in a run directory."""

T = TypeVar("T", Example, PreferencePair)


class Split(NamedTuple, Generic[T]):
    """What to train on, and what to evaluate on."""

    train: Sequence[T]
    held_out: Sequence[T] = ()


class Place(NamedTuple):
    """Where a run happens.

    Attributes:
        folder: its directory.
        ranks: this process among the others.
        run: the directory, open, on rank 0; `None` on the others.
        stop: asked after each update whether to save and leave.
        quiet: show no progress.
    """

    folder: Path
    ranks: Ranks
    run: RunDirectory | None
    stop: Callable[[], bool] = lambda: False
    quiet: bool = False


class End(NamedTuple):
    """How a run ended.

    Attributes:
        policy: as it is now.
        updates: that it has had.
        of: updates of the whole run.
        finished: whether all were made.
        skipped: checkpoints that were broken and passed over, with the reason.
    """

    policy: TorchPolicy
    updates: int
    of: int
    finished: bool
    skipped: tuple[str, ...]


def sft(base: Base, rows: Split[Example], training: Training, place: Place) -> End:
    """Train on token rows.

    Args:
        base: the weights to start from; they are changed.
        rows: what to learn.
        training: how.
        place: where.

    Raises:
        DataError: there is no row, or an update without a trained token.
        ConfigurationError: packing with an attention that mixes documents, or settings that do not fit.
        TrainingDiverged: a loss is not finite.
        StorageError: the disk said no.
    """
    _refuse_none(rows.train)
    packs = training.rows.packing
    feed = ExampleFeed(
        rows.train,
        order_of(training, capacity=training.rows.max_tokens if packs else None),
        micro=training.rows.micro,
        pad_id=pad_id(base),
        ranks=place.ranks,
        held_out=rows.held_out,
    )
    policy = new_policy(base, training, feed, place.ranks)
    if packs:
        check_isolation(policy.network, place.ranks.device)
    return _run(policy, feed, TokenLoss(), training, place)


def dpo(base: Base, pairs: Split[PreferencePair], settings: DpoSettings, place: Place) -> End:
    """Train on preference pairs.

    Args:
        base: the weights to start from, which are the reference too; they are changed.
        pairs: what to prefer.
        settings: how, and by which loss.
        place: where.

    Raises:
        DataError: there is no pair, or a curriculum over pairs without a gap.
        ConfigurationError: settings that do not fit.
        TrainingDiverged: a loss is not finite.
        StorageError: the disk said no.
    """
    _refuse_none(pairs.train)
    training, preference = settings.training, settings.preference
    feed = PairFeed(
        pairs.train,
        order_of(training),
        micro=training.rows.micro,
        pad_id=pad_id(base),
        ranks=place.ranks,
        held_out=pairs.held_out,
        stages=_stages(pairs.train, preference.stages),
    )
    policy = new_policy(base, training, feed, place.ranks)
    if preference.needs_reference() and preference.reference == "precomputed":
        # Before a checkpoint is read: the reference is what the run started from.
        feed.refer(*(_reference(policy, some, feed) for some in (pairs.train, pairs.held_out)))
    return _run(policy, feed, PreferenceLoss(preference), training, place)


def new_policy(base: Base, training: Training, feed: Feed, ranks: Ranks) -> TorchPolicy:
    """Return a fresh policy: adapters added, activations forgotten where asked for, sharded over ranks.

    Raises:
        ConfigurationError: adapters or sharding do not fit the network.
    """
    network = base.network
    if training.lora is not None:
        # All ranks have to draw the same adapters.
        torch.manual_seed(training.seed)
        network = with_adapters(network, training.lora)
    if training.recompute:
        base.network.activation_checkpointing_enable({"use_reentrant": False})
    if ranks.world > 1:
        shard_(network, ranks, precision=training.precision)
    return TorchPolicy(
        network,
        base.tokenizer,
        training.optimiser,
        ranks=ranks,
        precision=training.precision,
        clip=training.clip,
        rate=rate_of(training, feed),
        seed=training.seed,
    )


def order_of(training: Training, capacity: int | None = None) -> Order:
    """Return how rows become updates."""
    rows = training.rows
    return Order(rows.batch, rows.passes, rows.updates, training.seed, capacity, rows.by_length)


def rate_of(training: Training, feed: Feed) -> Callable[[int], float]:
    """Return the factor of the learning rate at each update, counted from 0."""

    def factor(update: int) -> float:
        # After the last update the schedule is asked once more.
        passed = math.floor(feed.passed(min(update, len(feed))))
        return training.schedule.factor(update, len(feed), passed)

    return factor


def pad_id(base: Base) -> int:
    """Return the token that fills up; which one it is does not matter, as nothing ever sees padding."""
    known = base.tokenizer.pad_token_id
    return int(known if known is not None else base.tokenizer.eos_token_id or 0)


def _reference(policy: TorchPolicy, pairs: Sequence[PreferencePair], feed: PairFeed) -> NDArray[np.float64]:
    return reference_logprobs(policy, pairs, micro=feed.micro, pad_id=feed.pad_id)


def _stages(pairs: Sequence[PreferencePair], stages: int) -> list[list[int]] | None:
    if stages == 1:
        return None
    gaps = [one.gap for one in pairs if one.gap is not None]
    if len(gaps) < len(pairs):
        missing = next(one.id for one in pairs if one.gap is None)
        raise DataError(
            f"pair {missing!r} has no `gap`, which a curriculum of {stages} stages sorts by; add it."
        )
    return staged(gaps, stages)


def _refuse_none(rows: Sequence[object]) -> None:
    if not rows:
        raise DataError("there is no row to train on; look at why the rows were refused.")


def _run(policy: TorchPolicy, feed: Feed, loss: Loss, training: Training, place: Place) -> End:
    saving = training.saving
    with ExitStack() as owned:
        checkpoints = owned.enter_context(
            Checkpoints(
                place.folder / CHECKPOINTS, place.ranks, keep=saving.keep, background=saving.background
            )
        )
        skipped = resume(policy, feed, checkpoints)
        _note(place, "start", updates=policy.updates, of=len(feed), skipped=list(skipped))
        watch = _watch(owned, policy, feed, training, place)
        cadence = Cadence(saving.every, training.evaluate_every, checkpoints)
        finished = train(policy, feed, loss, cadence, watch, stop=place.stop)
    _note(place, "end", updates=policy.updates, of=len(feed), finished=finished)
    return End(policy, policy.updates, len(feed), finished, skipped)


def _watch(
    owned: ExitStack, policy: TorchPolicy, feed: Feed, training: Training, place: Place
) -> Callable[[Any], None]:
    if place.run is None:
        return lambda told: None
    return owned.enter_context(
        Monitor(
            place.run,
            len(feed),
            done=policy.updates,
            passed=feed.passed,
            flops=flops_per_token(policy.network, frozen_base=training.lora is not None),
            device=place.ranks.device,
            quiet=place.quiet,
        )
    )


def _note(place: Place, kind: str, **fields: Any) -> None:
    if place.run is not None:
        place.run.event(kind, **fields)
