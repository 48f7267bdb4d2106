"""Checkpoints of one training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from torch import Tensor

from skillofmind.train.shard import Ranks


class Saved(NamedTuple):
    """A checkpoint that was found."""

    step: int
    skipped: tuple[str, ...]


class Checkpoints:
    """Owns a folder of checkpoints."""

    def __init__(self, folder: Path, ranks: Ranks, *, keep: int = 2, background: bool = False) -> None:
        """Take over the folder."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def latest(self) -> Saved | None:
        """Return the newest intact checkpoint."""
        return None

    def load(self, saved: Saved, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
        """Fill the tensors in place and return the facts."""
        return {}

    def save(self, step: int, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Write a checkpoint."""
