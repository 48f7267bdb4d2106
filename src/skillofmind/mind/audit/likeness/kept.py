"""Vectors of texts, kept in a folder, so that a scan that was stopped goes on and a second one is quick.

Texts are encoded in the chunks that they come in; a chunk is one file, named by a hash of the encoder and the
texts. A file that cannot be read is made again.

    kept = KeptVectors(TextEncoder(), Path("vectors"))
    kept(["I failed the exam again."]).shape   # (1, 384)
"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.run.atomic import write_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skillofmind.mind.encoded.fit import Encoder

    Floats = NDArray[np.float32]


class KeptVectors:
    """Encodes chunks of texts, each once."""

    def __init__(self, encoder: "Encoder", folder: Path) -> None:
        """Keep the vectors of `encoder` in `folder`, which is there."""
        self._encoder, self._folder = encoder, folder

    def __call__(self, texts: Sequence[str]) -> "Floats":
        """Return the vectors of `texts`, [texts, size].

        Raises:
            StorageError: a new chunk cannot be written.
        """
        import numpy as np

        key = hashlib.sha256("\0".join([self._encoder.identity, *texts]).encode()).hexdigest()[:32]
        file = self._folder / f"{key}.npy"
        shape = (len(texts), self._encoder.size)
        kept = _read(file)
        if kept is not None and kept.shape == shape:
            return kept
        vectors = np.asarray(self._encoder.encode(texts), dtype=np.float32)
        data = io.BytesIO()
        np.save(data, vectors, allow_pickle=False)
        write_atomic(file, data.getvalue())
        return vectors


def _read(file: Path) -> "Floats | None":
    import numpy as np

    try:
        found: Floats = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found
