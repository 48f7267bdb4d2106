r"""What a batch's log-probabilities come to: token losses, and preference losses over pairs.

A loss returns a *sum* and says what it is to be divided by, a count that is known before the network runs.
The policy divides by that count over all micro-batches of an update and over all ranks, so cutting a batch
differently changes nothing. With p the probability of a trained token,

    ce            -log p
    unlikelihood  -log(1 - p)                                  SLUNG, arXiv 2505.03052

and for a pair, with l = log pi(y|x) summed over the answer, l_ref that of the reference, n its trained
tokens, and the margin h = (l_w - l_ref,w) - (l_l - l_ref,l), where each answer's part may be divided by n,

    dpo     -(1-e) log s(b h) - e log s(-b h)    arXiv 2305.18290; e: smoothing
    ipo     (h - 1 / (2 b))^2                    arXiv 2310.12036; per token, as its authors' results are
    hinge   max(0, 1 - b h)                      SLiC, arXiv 2305.10425
    simpo   -log s(b h - g)                      arXiv 2405.14734; per token, no reference

s is the logistic function. To each, c times the mean cross-entropy of the chosen answer can be added (RPO,
arXiv 2404.19733), which keeps the chosen answer likely while the rejected one falls.

Letters: N trained tokens, R rows, P pairs.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, relu

from skillofmind.train.rows.batch import Batch
from skillofmind.train.rows.token_row import UNLIKELIHOOD
from skillofmind.train.settings import Preference


class Terms(NamedTuple):
    """What one micro-batch adds.

    Attributes:
        loss: the sum to be divided by the update's count, a scalar with a gradient.
        sums: further sums to be told, name -> (sum, what it is divided by); no gradient.
    """

    loss: Tensor
    sums: dict[str, tuple[Tensor, Tensor]]


class Loss(Protocol):
    """What `Policy.update` makes smaller."""

    def count(self, batch: Batch) -> int:
        """Return what the batch adds to the divisor."""

    def needs_reference(self) -> bool:
        """Say whether `batch.reference_R` has to be there."""

    def __call__(self, logp_N: Tensor, batch: Batch) -> Terms:
        """Return the batch's terms."""


def log1mexp(logp_N: Tensor) -> Tensor:
    """Return log(1 - exp(x)) for x <= 0, exact at both ends (Maechler, 2012).

    Where x rounds to 0 the value is finite, and the gradient is that of the largest p below 1 in float32:
    a clamp would stop the gradient where the penalty is needed most.
    """
    least = -(2.0**-24)
    # Straight through: the value is that of the clamped number, the gradient passes.
    clamped = logp_N + (logp_N.clamp(max=least) - logp_N).detach()
    safe = torch.where(logp_N > least, clamped, logp_N)
    near = safe > -math.log(2.0)
    # Each side gets harmless numbers where the other is taken, or its gradient would be 0 * inf.
    small = torch.where(near, safe, torch.full_like(safe, -math.log(2.0)))
    large = torch.where(near, torch.full_like(safe, -math.log(2.0)), safe)
    return torch.where(near, torch.log(-torch.expm1(small)), torch.log1p(-torch.exp(large)))


class TokenLoss:
    """Cross-entropy and unlikelihood, each token as its loss plan says; divided by all trained tokens."""

    def count(self, batch: Batch) -> int:
        """Return the number of trained tokens, whatever their weights."""
        return len(batch.target_N)

    def needs_reference(self) -> bool:
        """Return `False`."""
        return False

    def __call__(self, logp_N: Tensor, batch: Batch) -> Terms:
        """Return the weighted sum over all trained tokens."""
        against_N = batch.loss_plan_N == UNLIKELIHOOD
        loss_N = -logp_N * batch.weight_N
        sums = {"cross_entropy": _mean(-logp_N, ~against_N)}
        if bool(against_N.any()):
            unlikely_N = -log1mexp(logp_N)
            loss_N = torch.where(against_N, unlikely_N * batch.weight_N, loss_N)
            sums["unlikelihood"] = _mean(unlikely_N, against_N)
        return Terms(loss_N.sum(), sums)


def _mean(value_N: Tensor, chosen_N: Tensor) -> tuple[Tensor, Tensor]:
    return (value_N.detach() * chosen_N).sum(), chosen_N.sum()


class Side(NamedTuple):
    """One side of the pairs, [P] each: log-probability, that of the reference (or 0), trained tokens."""

    logp_P: Tensor
    reference_P: Tensor
    size_P: Tensor


class PreferenceLoss:
    """A loss over pairs; rows 0 to P - 1 of a batch are the chosen answers, the others the rejected ones."""

    def __init__(self, preference: Preference) -> None:
        """Take the loss that `preference` names."""
        self.preference = preference

    def count(self, batch: Batch) -> int:
        """Return the number of pairs."""
        return len(batch.names) // 2

    def needs_reference(self) -> bool:
        """Say whether the loss looks at a reference."""
        return self.preference.needs_reference()

    def __call__(self, logp_N: Tensor, batch: Batch) -> Terms:
        """Return the sum over pairs.

        Raises:
            ValueError: the loss needs a reference and the batch has none.
        """
        chosen, rejected = self.sides(logp_N, batch)
        loss_P = PREFERENCE_LOSSES[self.preference.name](self._margin(chosen, rejected), self.preference)
        if self.preference.cross_entropy:
            loss_P = loss_P - self.preference.cross_entropy * chosen.logp_P / chosen.size_P
        return Terms(loss_P.sum(), self._told(chosen, rejected))

    def sides(self, logp_N: Tensor, batch: Batch) -> tuple[Side, Side]:
        """Return log-probabilities and sizes of the chosen and of the rejected answers."""
        if self.needs_reference() and batch.reference_R is None:
            raise ValueError(f"{self.preference.name} needs the log-probabilities of a reference")
        logp_R = row_sums(logp_N, batch)
        reference_R = torch.zeros_like(logp_R) if batch.reference_R is None else batch.reference_R
        size_R = row_sums(torch.ones_like(logp_N), batch)
        pairs = len(batch.names) // 2
        return (
            Side(logp_R[:pairs], reference_R[:pairs], size_R[:pairs]),
            Side(logp_R[pairs:], reference_R[pairs:], size_R[pairs:]),
        )

    def _told(self, chosen: Side, rejected: Side) -> dict[str, tuple[Tensor, Tensor]]:
        """Return what to watch: both log-probabilities can fall while their difference grows."""
        score_w, score_l = self._score(chosen), self._score(rejected)
        # A tie is no right answer and no wrong one.
        right_P = (score_w > score_l).float() + 0.5 * (score_w == score_l).float()
        told = {
            "accuracy": right_P,
            "chosen_reward": self.preference.beta * score_w,
            "rejected_reward": self.preference.beta * score_l,
            "chosen_logp": chosen.logp_P,
            "rejected_logp": rejected.logp_P,
        }
        pairs = torch.tensor(float(len(right_P)), device=right_P.device)
        return {name: (value_P.detach().sum(), pairs) for name, value_P in told.items()}

    def _margin(self, chosen: Side, rejected: Side) -> Tensor:
        return self._score(chosen) - self._score(rejected)

    def _score(self, side: Side) -> Tensor:
        """Return log pi - log pi_ref, [P], per token where the loss has it so."""
        score_P = side.logp_P - side.reference_P
        normalised = self.preference.length_normalised or self.preference.name in _NORMALISED
        return score_P / side.size_P if normalised else score_P


def row_sums(value_N: Tensor, batch: Batch) -> Tensor:
    """Return the sum over the trained tokens of each row, [R]."""
    return value_N.new_zeros(len(batch.names)).index_add(0, batch.row_N, value_N)


def _dpo(margin_P: Tensor, preference: Preference) -> Tensor:
    score_P, share = preference.beta * margin_P, preference.label_smoothing
    return -(1 - share) * logsigmoid(score_P) - share * logsigmoid(-score_P)


def _ipo(margin_P: Tensor, preference: Preference) -> Tensor:
    return (margin_P - 1 / (2 * preference.beta)).square()


def _hinge(margin_P: Tensor, preference: Preference) -> Tensor:
    return relu(1 - preference.beta * margin_P)


def _simpo(margin_P: Tensor, preference: Preference) -> Tensor:
    return -logsigmoid(preference.beta * margin_P - preference.gamma)


PREFERENCE_LOSSES: Mapping[str, Callable[[Tensor, Preference], Tensor]] = {
    "dpo": _dpo,
    "ipo": _ipo,
    "hinge": _hinge,
    "simpo": _simpo,
}
"""Name -> loss of each pair, [P], from the margin of the chosen over the rejected answer."""

_NORMALISED = {"ipo", "simpo"}
