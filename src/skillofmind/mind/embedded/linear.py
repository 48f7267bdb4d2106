"""A linear model over named features, scored in plain Python.

    score(skill) = bias(skill) + sum over features f:  value(f) * weight(f, skill)

The weights are 8-bit integers with one scale per skill. Features of one part share few distinct values, so
the rows of all features with the same value are summed first, as one big integer with a 32-bit lane per
skill: one addition for all skills at once. numpy would score a dialogue a millisecond faster and cost the
base install 72 MB and every start 40 ms (docs/decisions/003-embedded-without-numpy.md).

Feature names are kept as 32-bit hashes: two names that collide share a weight, which at 10^5 features
happens to about one in 40,000 unseen names. The file also holds the cue lexicon, so that it needs nothing
beside it; `regression.py` makes it.
"""

import hashlib
import math
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.mind.embedded.cues import Lexicon

MAGIC = b"SOMPLAN\x02"
ZERO = 128
"""Stored byte of a weight of zero."""

DIGEST_BYTES = 32
"""The file ends in the SHA-256 of everything before, so that damage never goes unnoticed."""

_LANE = 4
_HASH_BYTES = 4


class Header(Record, frozen=True):
    """Everything of a model except its weights.

    Attributes:
        labels: skill names, in the order of the columns.
        bias: one number a skill.
        scales: one number a skill; (stored byte - 128) times this is the weight.
        temperature: scores are divided by it before the softmax; set on held-out rows.
        rows: number of features.
        lexicon: the cue lexicon that the features were taken with.
        trained_on: what the model was made from, for people: rows, dialogues, data fingerprint.
    """

    labels: tuple[str, ...]
    bias: tuple[float, ...]
    scales: tuple[float, ...]
    temperature: float
    rows: int
    lexicon: Lexicon
    trained_on: dict[str, Any]


class LinearModel:
    """A fitted model.

    Attributes:
        header: everything of it except the weights.
    """

    def __init__(self, header: Header, hashes: bytes, weights: bytes) -> None:
        """Take over ascending hashes (4 bytes each, little-endian) and weights (a byte each, by rows)."""
        self.header = header
        self._hash_bytes, self._weights = hashes, weights
        self._hashes = array("I", hashes)
        if sys.byteorder == "big":
            self._hashes.byteswap()
        self._lanes = struct.Struct(f"<{len(header.labels)}I")

    def contributions(self, parts: Sequence[Mapping[str, float]]) -> list[list[float]]:
        """Return what each part adds to the score of each skill, [parts][skills]."""
        return [self._contribution(features) for features in parts]

    def scores(self, contributions: Sequence[Sequence[float]]) -> list[float]:
        """Return bias plus all contributions, [skills]."""
        return [math.fsum(column) for column in zip(self.header.bias, *contributions, strict=True)]

    def probabilities(self, scores: Sequence[float]) -> list[float]:
        """Return the calibrated probabilities of scores, [skills]."""
        return calibrated(scores, self.header.temperature)

    def to_bytes(self) -> bytes:
        """Return the file."""
        header = msgspec.json.encode(self.header, order="deterministic")
        body = MAGIC + len(header).to_bytes(4, "little") + header + self._hash_bytes + self._weights
        return body + hashlib.sha256(body).digest()

    def _contribution(self, features: Mapping[str, float]) -> list[float]:
        sums: dict[float, int] = {}
        counts: dict[float, int] = {}
        for name, value in features.items():
            row = self._row(name)
            if row is not None:
                sums[value] = sums.get(value, 0) + row
                counts[value] = counts.get(value, 0) + 1
        total = [0.0] * len(self.header.labels)
        for value, packed in sums.items():
            zero = ZERO * counts[value]
            lanes = self._lanes.unpack(packed.to_bytes(self._lanes.size, "little"))
            total = [so_far + value * (lane - zero) for so_far, lane in zip(total, lanes, strict=True)]
        return [amount * scale for amount, scale in zip(total, self.header.scales, strict=True)]

    def _row(self, name: str) -> int | None:
        """Return the weights of a feature as one integer with a lane per skill, or `None`."""
        code = feature_hash(name)
        index = bisect_left(self._hashes, code)
        if index == len(self._hashes) or self._hashes[index] != code:
            return None
        skills = len(self.header.labels)
        spread = bytearray(_LANE * skills)
        spread[::_LANE] = self._weights[index * skills : (index + 1) * skills]
        return int.from_bytes(spread, "little")


def load_linear(data: bytes, name: str) -> LinearModel:
    """Read a model file.

    Raises:
        DataError: not a model file, damaged, or cut short.
    """
    if not data.startswith(MAGIC):
        raise DataError(f"{name}: not a planner file of this version's `som fit`; name one that it wrote.")
    body, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise DataError(f"{name}: the file is cut or changed; run `som fit` again.")
    start = len(MAGIC) + 4
    end = start + int.from_bytes(body[len(MAGIC) : start], "little")
    try:
        header = msgspec.json.decode(body[start:end], type=Header)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name}: the header is not understood ({error}); run `som fit` again.") from error
    if not _fits_together(header) or len(body) != end + header.rows * (_HASH_BYTES + len(header.labels)):
        raise DataError(f"{name}: the header's sizes do not fit together; run `som fit` again.")
    middle = end + header.rows * _HASH_BYTES
    return LinearModel(header, body[end:middle], body[middle:])


def calibrated(scores: Sequence[float], temperature: float) -> list[float]:
    """Return the softmax of scores divided by `temperature` (more than 0)."""
    top = max(scores)
    powers = [math.exp((score - top) / temperature) for score in scores]
    total = math.fsum(powers)
    return [power / total for power in powers]


def feature_hash(name: str) -> int:
    """Return the 32-bit hash under which a feature is kept."""
    return zlib.crc32(name.encode())


def _fits_together(header: Header) -> bool:
    sizes = {len(header.labels), len(header.bias), len(header.scales)}
    return len(sizes) == 1 and 0 not in sizes and header.rows >= 0 and header.temperature > 0
