"""The packaged sentence encoder for scoring, with progress; and what is said where a run loses its scores."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from skillofmind.cli.printable import printable
from skillofmind.core.errors import DataError

if TYPE_CHECKING:
    from skillofmind.evals.embedding import Embedding
    from skillofmind.evals.files import Evaluated
    from skillofmind.scorers.embedding import Vectors

_BATCH = 64
"""Texts between two looks at the progress."""


class Encoder(Protocol):
    """What encodes texts, such as `TextEncoder`."""

    identity: str

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Return the vectors of texts, [texts, size]."""


def packaged_encoder() -> Encoder:
    """Load the encoder of the extra `embed`.

    Raises:
        MissingExtra: torch, transformers or the weights are not installed.
    """
    from skillofmind.models.local.encoder import TextEncoder

    # One text a pass: vectors, and so the derived files, do not depend on what else is encoded.
    return TextEncoder(batch=1)


def watched_embedding(load: Callable[[], Encoder] = packaged_encoder) -> "Embedding":
    """Return the encoder as an embedding that shows how far it is.

    Args:
        load: opens the encoder, now.

    Raises:
        MissingExtra: the encoder is not installed.
    """
    import numpy as np

    from skillofmind.evals.embedding import Embedding
    from skillofmind.run.progress import Progress

    encoder = load()

    def encode(texts: Sequence[str]) -> "Vectors":
        batches = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
        found = []
        with Progress(len(texts), "encode") as progress:
            for batch in batches:
                found.append(encoder.encode(batch))
                progress.advance(len(batch))
        return np.concatenate(found)

    return Embedding(f"all-MiniLM-L6-v2:{encoder.identity}", encode)


def scored_before(path: Path) -> "Evaluated | None":
    """Return a run as it was scored before; `None` where it was not, or that cannot be read."""
    from skillofmind.evals.files import is_scored, read_run

    try:
        return read_run(path) if is_scored(path) else None
    except DataError:
        # Scoring again is what mends it.
        return None


def tell_dropped(path: Path) -> None:
    """Say which scores a run loses by being scored again without the encoder."""
    from skillofmind.evals.embedding import ENCODER
    from skillofmind.evals.files import is_scored, read_summary

    try:
        name = read_summary(path).settings.get(ENCODER, "") if is_scored(path) else ""
    except DataError:
        return
    if name:
        again = printable(shlex.join(["som", "eval", "show", str(path), "--rescore", "--embed"]))
        sys.stderr.write(
            f"som: cosines by the encoder {printable(name)} are dropped; to have them again: {again}\n"
        )
