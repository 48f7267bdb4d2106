"""One sequence to train on, with what the loss makes of each of its tokens: the *loss plan*.

Prompt masking, training on the assistant alone, selective losses (SLUNG, arXiv 2505.03052) and verification
tuning are all the same thing, a code per token:

    ignore        the token is read, nothing is learned from predicting it
    ce            cross-entropy: it becomes more likely
    unlikelihood  -log(1 - p): it becomes less likely

The code stands at the token that is predicted, so `loss_plan[t]` is about p(ids[t] | ids[:t]); the first
token of a sequence is never predicted.

Letters: T tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IGNORE, CE, UNLIKELIHOOD = 0, 1, 2

Ids = NDArray[np.int32]
LossPlan = NDArray[np.uint8]
Weights = NDArray[np.float32]


class TokenRow(NamedTuple):
    """One sequence.

    Attributes:
        id: of the row it was made from.
        ids: tokens, [T].
        loss_plan: `IGNORE`, `CE` or `UNLIKELIHOOD` for each token, [T].
        weight: factor of each token's loss, [T]; `None` is 1 everywhere. It does not change the divisor.
    """

    id: str
    ids: Ids
    loss_plan: LossPlan
    weight: Weights | None = None

    def trained(self) -> int:
        """Return how many tokens the loss looks at."""
        return int(np.count_nonzero(self.loss_plan[1:]))


class Example(NamedTuple):
    """One thing to learn, in one form or several; each pass draws one of `choices`."""

    id: str
    choices: tuple[TokenRow, ...]


class PreferencePair(NamedTuple):
    """Two answers to one prompt.

    Attributes:
        id: of the row it was made from.
        chosen: the better one; its loss plan marks the answer.
        rejected: the worse one.
        gap: how far apart they are to an independent judge; a large one is easy. `None` where unknown.
    """

    id: str
    chosen: TokenRow
    rejected: TokenRow
    gap: float | None = None


class Refused(NamedTuple):
    """A row that cannot be trained on, and why."""

    id: str
    reason: str


def token_row(
    id: str, ids: Sequence[int], loss_plan: Sequence[int], weight: Sequence[float] | None = None
) -> TokenRow:
    """Return a row from plain lists of equal length.

    Raises:
        ValueError: the lengths differ, or a code is none of the three.
    """
    if len(loss_plan) != len(ids) or (weight is not None and len(weight) != len(ids)):
        raise ValueError(f"row {id!r}: ids, loss plan and weights must be of one length")
    if not {*loss_plan} <= {IGNORE, CE, UNLIKELIHOOD}:
        raise ValueError(f"row {id!r}: a loss plan holds {IGNORE}, {CE} and {UNLIKELIHOOD} only")
    codes = np.array(loss_plan, dtype=np.uint8)
    codes[:1] = IGNORE
    factors = None if weight is None else np.array(weight, dtype=np.float32)
    return TokenRow(id, np.array(ids, dtype=np.int32), codes, factors)
