"""The one loop: updates from a feed through a loss into a policy, with records, checkpoints and a way out.

A *feed* says what every update trains on; supervised rows and preference pairs differ in their feed and their
loss, in nothing else. Data, dropout and learning rate follow from the number of the update alone, so a run
that was killed and goes on behind its newest checkpoint does to the last bit what it would have done.

    resume(policy, feed, checkpoints)
    finished = train(policy, feed, TokenLoss(), cadence, watch)
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skillofmind.core.errors import ConfigurationError
from skillofmind.train.checkpoint import Checkpoints
from skillofmind.train.losses import Loss, row_sums
from skillofmind.train.policy import TorchPolicy
from skillofmind.train.rows.batch import Batch
from skillofmind.train.rows.feeds import paired
from skillofmind.train.rows.order import Bin, share
from skillofmind.train.rows.token_row import PreferencePair
from skillofmind.train.shard import agreed, summed


class Feed(Protocol):
    """What each update trains on."""

    def __len__(self) -> int:
        """Return the number of updates."""

    def window(self, update: int) -> Sequence[Batch]:
        """Return the micro-batches of this rank for an update, counted from 0; the same every time."""

    def held_out(self) -> Sequence[Batch]:
        """Return this rank's share of what is evaluated on; every rank has equally many, perhaps none."""

    def passed(self, update: int) -> float:
        """Return how many passes through the rows the updates before `update` made."""


class Told(NamedTuple):
    """What is known after an update.

    Attributes:
        update: its number, from 1.
        means: what the policy told: loss, gradient norm, learning rate and so on.
        seconds: wall time of the update.
        held_out: what the evaluation after it told; `None` without one.
    """

    update: int
    means: dict[str, float]
    seconds: float
    held_out: dict[str, float] | None = None


class Cadence(NamedTuple):
    """When the loop does what.

    Attributes:
        save_every: updates between checkpoints.
        evaluate_every: updates between evaluations; `None` evaluates at the end only.
        checkpoints: where to; `None` keeps none.
    """

    save_every: int = 200
    evaluate_every: int | None = None
    checkpoints: Checkpoints | None = None


def resume(policy: TorchPolicy, feed: Feed, checkpoints: Checkpoints) -> tuple[str, ...]:
    """Bring a fresh policy to where the newest intact checkpoint is; nothing happens where there is none.

    Returns:
        Checkpoints that are broken and were passed over, each with the reason.

    Raises:
        ConfigurationError: the checkpoint is behind the end of `feed`.
        DataError: every checkpoint is broken, or the newest is of another network.
    """
    found = checkpoints.latest()
    if found is None:
        return ()
    policy.restore(checkpoints.load(found, policy.state()))
    if policy.updates > len(feed):
        raise ConfigurationError(
            f"the checkpoint holds {policy.updates} updates and this run has {len(feed)}; use another folder."
        )
    return tuple(found.skipped)


def train(
    policy: TorchPolicy,
    feed: Feed,
    loss: Loss,
    cadence: Cadence,
    watch: Callable[[Told], None],
    *,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Make all updates of `feed` that the policy has not had yet.

    Args:
        policy: fresh, or as `resume` left it.
        feed: what to train on.
        loss: what to make smaller.
        cadence: when to save and to evaluate.
        watch: called after each update, on every rank.
        stop: asked after each update; when any rank says yes, all save and leave.
        clock: monotonic seconds.

    Returns:
        Whether all updates are made.

    Raises:
        DataError: no rank has anything to train on in an update.
        TrainingDiverged: a loss is not finite.
        StorageError: a checkpoint could not be written; the one before is intact.
    """
    while policy.updates < len(feed):
        start = clock()
        means = policy.update(feed.window(policy.updates), loss)
        seconds = clock() - start
        done = policy.updates == len(feed)
        leaving = done or agreed(stop(), policy.ranks)
        held_out = evaluated(policy, feed, loss) if _evaluates(policy.updates, cadence, done) else None
        watch(Told(policy.updates, means, seconds, held_out))
        if cadence.checkpoints and (leaving or policy.updates % cadence.save_every == 0):
            cadence.checkpoints.save(policy.updates, policy.state(), policy.facts())
        if leaving:
            break
    return policy.updates == len(feed)


def evaluated(policy: TorchPolicy, feed: Feed, loss: Loss) -> dict[str, float]:
    """Return `loss` and the means that the loss tells on the held-out rows; nothing without any."""
    batches = feed.held_out()
    return policy.measured(batches, loss) if batches else {}


def reference_logprobs(
    policy: TorchPolicy, pairs: Sequence[PreferencePair], *, micro: int, pad_id: int
) -> "NDArray[np.float64]":
    """Return log-probabilities of chosen and rejected answers under the policy as it is now, [pairs, 2].

    With several ranks each computes its share, and all know everything at the end.
    """
    found = np.zeros((len(pairs), 2))
    bins: list[Bin] = [((number, 0),) for number in range(len(pairs))]
    for mine in share(bins, micro, policy.ranks.rank, policy.ranks.world) if bins else ():
        numbers = [number for ((number, _),) in mine]
        batch = paired([pairs[number] for number in numbers], pad_id).to(policy.ranks.device)
        logp_R = row_sums(policy.logprobs(batch), batch)
        found[numbers] = logp_R.double().cpu().numpy().reshape(2, -1).T
    return np.array(summed(found.reshape(-1).tolist(), policy.ranks)).reshape(-1, 2)


def _evaluates(update: int, cadence: Cadence, done: bool) -> bool:
    return done or (cadence.evaluate_every is not None and update % cadence.evaluate_every == 0)
