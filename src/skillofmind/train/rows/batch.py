"""One micro-batch as tensors.

No attention mask is ever made. Where padding is on the right, causality hides it. Where several documents
share a sequence (packing, or padding on the left, which is a document of its own), `position_BT` starts at 0
with each, and transformers isolates documents by that (`find_packed_sequence_indices`); `train.policy`
checks that a network really does. Only trained tokens are listed, because the vocabulary is projected for
them alone.

Letters: B sequences, T positions, N trained tokens, R rows.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from skillofmind.train.rows.token_row import TokenRow

Side = Literal["left", "right"]


class Batch(NamedTuple):
    """Rows of one forward pass.

    Attributes:
        ids_BT: tokens.
        position_BT: places within each document.
        place_N: where each trained token is predicted: b * T + t - 1 for the token at (b, t).
        target_N: the trained tokens.
        loss_plan_N: `CE` or `UNLIKELIHOOD`.
        weight_N: factors, float32.
        row_N: number of the row that each trained token belongs to, 0 to R - 1.
        names: id of each row, [R].
        reference_R: log-probability of each row's trained tokens under a reference; `None` where not used.
    """

    ids_BT: torch.Tensor
    position_BT: torch.Tensor
    place_N: torch.Tensor
    target_N: torch.Tensor
    loss_plan_N: torch.Tensor
    weight_N: torch.Tensor
    row_N: torch.Tensor
    names: tuple[str, ...]
    reference_R: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on `device`."""
        moved = {
            name: field.to(device, non_blocking=True)
            for name, field in self._asdict().items()
            if isinstance(field, torch.Tensor)
        }
        return self._replace(**moved)

    def tokens(self) -> int:
        """Return how many positions the network computes, padding included."""
        return int(self.ids_BT.numel())


class _Placed(NamedTuple):
    """One row in the arrays."""

    row: TokenRow
    number: int
    sequence: int
    start: int


def collated(
    bins: Sequence[Sequence[TokenRow]], pad_id: int, *, side: Side = "right", multiple: int = 1
) -> Batch:
    """Return the batch of `bins`, each a sequence of one row or of several packed ones.

    Args:
        bins: rows; none at all gives a batch of one position and no trained token.
        pad_id: token that fills up; what it is does not matter.
        side: of the padding.
        multiple: the length becomes a multiple of this.
    """
    sizes = [sum(len(row.ids) for row in one) for one in bins] or [1]
    length = -(-max(1, *sizes) // multiple) * multiple
    ids_BT = np.full((len(sizes), length), pad_id, dtype=np.int64)
    position_BT = np.tile(np.arange(length), (len(sizes), 1))
    placed: list[_Placed] = []
    for sequence, one in enumerate(bins):
        start = length - sizes[sequence] if side == "left" else 0
        for row in one:
            placed.append(_Placed(row, len(placed), sequence, start))
            ids_BT[sequence, start : start + len(row.ids)] = row.ids
            # The last document's count goes on through padding on the right.
            position_BT[sequence, start:] = np.arange(length - start)
            start += len(row.ids)
    return _batch(ids_BT, position_BT, placed)


def _batch(ids_BT: NDArray[Any], position_BT: NDArray[Any], placed: Sequence[_Placed]) -> Batch:
    # The first token of a document has nothing before it to be predicted from, whatever its plan says.
    trained = [1 + np.flatnonzero(one.row.loss_plan[1:]) for one in placed]
    starts = [one.sequence * ids_BT.shape[1] + one.start for one in placed]
    pairs = list(zip(placed, trained, strict=True))
    return Batch(
        ids_BT=torch.from_numpy(ids_BT),
        position_BT=torch.from_numpy(position_BT),
        place_N=_joined([start + where - 1 for start, where in zip(starts, trained, strict=True)], np.int64),
        target_N=_joined([one.row.ids[where] for one, where in pairs], np.int64),
        loss_plan_N=_joined([one.row.loss_plan[where] for one, where in pairs], np.uint8),
        weight_N=_joined([_weights(one.row)[where] for one, where in pairs], np.float32),
        row_N=_joined([np.full(len(where), one.number) for one, where in pairs], np.int64),
        names=tuple(one.row.id for one in placed),
    )


def _weights(row: TokenRow) -> NDArray[Any]:
    return np.ones(len(row.ids), dtype=np.float32) if row.weight is None else row.weight


def _joined(parts: Sequence[NDArray[Any]], kind: type) -> torch.Tensor:
    whole = np.concatenate(parts) if parts else np.zeros(0)
    return torch.from_numpy(whole.astype(kind))
