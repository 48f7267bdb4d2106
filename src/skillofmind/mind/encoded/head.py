"""The head on the sentence vectors, and the file that it is kept in.

    SOMHEAD, version | header length | header (JSON) | weights [zones x size, skills], 16-bit floats | SHA-256

The file names the encoder and the embedded planner that it was trained with: with others it means nothing.
"""

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.mind.encoded.zones import ZONES

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = b"SOMHEAD\x01"
_DIGEST_BYTES = 32
_STORED = np.dtype("<f2")


class HeadHeader(Record, frozen=True):
    """Everything of a head except its weights.

    Attributes:
        labels: skill names, in the order of the columns.
        bias: one number a skill.
        size: numbers in a sentence vector.
        share: what the head's scores are multiplied by before the linear model's are added, 0 or more.
        temperature: the sums are divided by it before the softmax.
        encoder: identity of the encoder.
        linear: digest of the embedded planner's file, hexadecimal.
        trained_on: what the head was made from, for people.
    """

    labels: tuple[str, ...]
    bias: tuple[float, ...]
    size: int
    share: float
    temperature: float
    encoder: str
    linear: str
    trained_on: dict[str, Any]


class Head:
    """A fitted head.

    Attributes:
        header: everything of it except the weights.
        weights: [zones, size, skills].
        digest: SHA-256 of the file, hexadecimal.
    """

    def __init__(self, header: HeadHeader, weights: "NDArray[np.float16]") -> None:
        """Take over weights [zones, size, skills]."""
        self.header = header
        self._stored = np.ascontiguousarray(weights, dtype=_STORED)
        self.weights = self._stored.astype(np.float64)
        self.digest = self.to_bytes()[-_DIGEST_BYTES:].hex()

    def to_bytes(self) -> bytes:
        """Return the file."""
        header = msgspec.json.encode(self.header, order="deterministic")
        body = MAGIC + len(header).to_bytes(4, "little") + header + self._stored.tobytes()
        return body + hashlib.sha256(body).digest()


def load_head(data: bytes, name: str) -> Head:
    """Read a head file.

    Raises:
        DataError: not a head file, damaged, or cut short.
    """
    if not data.startswith(MAGIC):
        raise DataError(f"{name}: not a file of this version's `som fit --planner encoder`; name one.")
    body = data[:-_DIGEST_BYTES]
    if hashlib.sha256(body).digest() != data[-_DIGEST_BYTES:]:
        raise DataError(f"{name}: the file is cut or changed; run `som fit --planner encoder` again.")
    start = len(MAGIC) + 4
    end = start + int.from_bytes(body[len(MAGIC) : start], "little")
    try:
        header = msgspec.json.decode(body[start:end], type=HeadHeader)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: the header is not understood ({error}); run `som fit` again.") from error
    shape = (len(ZONES), header.size, len(header.labels))
    if len(header.bias) != shape[2] or len(body) - end != int(np.prod(shape)) * _STORED.itemsize:
        raise DataError(f"{name}: the header's sizes do not fit together; run `som fit` again.")
    return Head(header, np.frombuffer(body[end:], dtype=_STORED).reshape(shape))
