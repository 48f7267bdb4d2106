"""Sentence vectors for benchmarks, kept on disk so that a second run does not encode again.

    vectors = Vectors(Path("vectors"))
    vectors(["I failed the exam again."]).shape   # (1, 384)

The encoder is the package's frozen one (`models.local.encoder`); torch is loaded only for new texts.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SIZE = 384
_CHUNK = 2000


class Vectors:
    """Encodes texts, each once."""

    def __init__(self, folder: Path) -> None:
        """Keep vectors in `folder`, which is made where absent; read those that are there."""
        self._file = folder / "vectors.npz"
        folder.mkdir(parents=True, exist_ok=True)
        self._rows: dict[str, int] = {}
        self._values = np.zeros((0, SIZE), dtype=np.float32)
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as kept:
                self._rows = {key: row for row, key in enumerate(kept["keys"].tolist())}
                self._values = kept["values"]

    def __call__(self, texts: Sequence[str]) -> "Floats":
        """Return the vectors of `texts`, [texts, 384], each of length 1."""
        new = {key: text for text in texts if (key := _key(text)) not in self._rows}
        if new:
            self._add(new)
        return self._values[[self._rows[_key(text)] for text in texts]]

    def _add(self, new: dict[str, str]) -> None:
        from skillofmind.models.local.encoder import TextEncoder

        encoder = TextEncoder()
        keys = sorted(new, key=lambda key: len(new[key]))
        for start in range(0, len(keys), _CHUNK):
            chosen = keys[start : start + _CHUNK]
            values = encoder.encode([new[key] for key in chosen])
            self._rows |= {key: len(self._values) + row for row, key in enumerate(chosen)}
            self._values = np.concatenate([self._values, values])
        np.savez(self._file, keys=np.array(list(self._rows)), values=self._values)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
