"""What each update trains on: examples for a token loss, preference pairs for a preference loss.

Both hold their rows as arrays and make the batches of an update when it is due, so nothing but the order has
to be kept. Every rank holds all rows and takes its share of each update.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skillofmind.train.rows.batch import Batch, Side, collated
from skillofmind.train.rows.order import Bin, Order, Update, planned, share
from skillofmind.train.rows.token_row import Example, PreferencePair, TokenRow
from skillofmind.train.shard import Ranks

_Logprobs = NDArray[np.float64]


class ExampleFeed:
    """Rows for `TokenLoss`; a pass draws one choice of each example.

    Attributes:
        updates: all of them.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        order: Order,
        *,
        micro: int,
        pad_id: int,
        ranks: Ranks,
        held_out: Sequence[Example] = (),
        side: Side = "right",
    ) -> None:
        """Plan all updates.

        Args:
            examples: to train on.
            order: how rows become updates.
            micro: sequences of one forward pass, at least 1.
            pad_id: token that fills up.
            ranks: this process among the others.
            held_out: to evaluate on; the first choice of each.
            side: of the padding.
        """
        self._examples, self._held_out = examples, held_out
        self._micro, self._pad_id, self._ranks, self._side = micro, pad_id, ranks, side
        lengths = [[len(row.ids) for row in one.choices] for one in examples]
        self.updates: list[Update] = planned(lengths, order)

    def __len__(self) -> int:
        """Return the number of updates."""
        return len(self.updates)

    def window(self, update: int) -> Sequence[Batch]:
        """Return the micro-batches of this rank."""
        bins = share(self.updates[update].bins, self._micro, self._ranks.rank, self._ranks.world)
        return [self._batch([[self._row(one) for one in bin] for bin in micro]) for micro in bins]

    def held_out(self) -> Sequence[Batch]:
        """Return this rank's share of the held-out rows."""
        bins: list[Bin] = [((number, 0),) for number in range(len(self._held_out))]
        if not bins:
            return ()
        shares = share(bins, self._micro, self._ranks.rank, self._ranks.world)
        return [
            self._batch([[self._held_out[number].choices[0]] for ((number, _),) in micro]) for micro in shares
        ]

    def passed(self, update: int) -> float:
        """Return the passes that the updates before `update` made."""
        return self.updates[update - 1].done if update else 0.0

    def _row(self, drawn: tuple[int, int]) -> TokenRow:
        number, choice = drawn
        return self._examples[number].choices[choice]

    def _batch(self, bins: Sequence[Sequence[TokenRow]]) -> Batch:
        return collated(bins, self._pad_id, side=self._side)


class PairFeed:
    """Pairs for `PreferenceLoss`: the chosen answers of a micro-batch come first, then the rejected ones.

    Attributes:
        updates: all of them.
        micro: pairs of one forward pass.
        pad_id: token that fills up.
    """

    def __init__(
        self,
        pairs: Sequence[PreferencePair],
        order: Order,
        *,
        micro: int,
        pad_id: int,
        ranks: Ranks,
        held_out: Sequence[PreferencePair] = (),
        stages: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """Plan all updates.

        Args:
            pairs: to train on.
            order: how pairs become updates; a `batch` counts pairs, packing is not for them.
            micro: pairs of one forward pass, at least 1.
            pad_id: token that fills up.
            ranks: this process among the others.
            held_out: to evaluate on.
            stages: a curriculum (`rows.order.staged`); all pairs in one stage without it.
        """
        self._pairs, self._held_out = pairs, held_out
        self._references: tuple[_Logprobs | None, _Logprobs | None] = (None, None)
        self.micro, self.pad_id, self._ranks = micro, pad_id, ranks
        lengths = [[max(len(one.chosen.ids), len(one.rejected.ids))] for one in pairs]
        self.updates: list[Update] = planned(lengths, order, stages)

    def refer(self, pairs: "_Logprobs", held_out: "_Logprobs") -> None:
        """Take the reference's log-probabilities of chosen and rejected answers, [pairs, 2] each.

        Without them the reference is left to the policy.
        """
        self._references = (pairs, held_out)

    def __len__(self) -> int:
        """Return the number of updates."""
        return len(self.updates)

    def window(self, update: int) -> Sequence[Batch]:
        """Return the micro-batches of this rank."""
        return self._batches(self._pairs, self.updates[update].bins, self._references[0])

    def held_out(self) -> Sequence[Batch]:
        """Return this rank's share of the held-out pairs."""
        bins: list[Bin] = [((number, 0),) for number in range(len(self._held_out))]
        return self._batches(self._held_out, bins, self._references[1]) if bins else ()

    def passed(self, update: int) -> float:
        """Return the passes that the updates before `update` made."""
        return self.updates[update - 1].done if update else 0.0

    def _batches(
        self, pairs: Sequence[PreferencePair], bins: Sequence[Bin], reference: "_Logprobs | None"
    ) -> list[Batch]:
        found = []
        for micro in share(bins, self.micro, self._ranks.rank, self._ranks.world):
            numbers = [number for ((number, _),) in micro]
            batch = paired([pairs[number] for number in numbers], self.pad_id)
            if reference is not None:
                known = torch.from_numpy(reference[numbers].T.reshape(-1).astype(np.float32))
                batch = batch._replace(reference_R=known)
            found.append(batch)
        return found


def paired(pairs: Sequence[PreferencePair], pad_id: int) -> Batch:
    """Return the batch of pairs: chosen answers first, then rejected ones, in the same order."""
    rows = [[one.chosen] for one in pairs] + [[one.rejected] for one in pairs]
    return collated(rows, pad_id)
