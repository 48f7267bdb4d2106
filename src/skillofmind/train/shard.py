"""Processes of one training run."""

from collections.abc import Sequence
from typing import NamedTuple

import torch


class Ranks(NamedTuple):
    """This process among the others."""

    rank: int
    world: int
    device: torch.device


def summed(values: Sequence[float], ranks: Ranks) -> list[float]:
    """Return the sums over all ranks."""
    return list(values)
