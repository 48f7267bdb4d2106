"""Near-duplicate dialogues: the same talk again, lightly edited, within a corpus or across splits.

1. A dialogue becomes its set of *shingles*: 5 words in a row, or 5 characters in scripts without spaces.
2. MinHash: for each of 128 random functions, the smallest value over the shingles. Two sets agree in a place
   with probability J, their Jaccard similarity |A & B| / |A | B|.
3. Signatures are cut into bands of r places; whoever shares a whole band is a candidate, which happens with
   probability 1 - (1 - J^r)^(128 / r). r is the largest that finds at least 99.9 % at the threshold.
4. Candidates are confirmed by the exact Jaccard similarity, so a pair that is reported is one.

Time grows with the text, memory with the number of dialogues (512 bytes of signature each). An edit of one
word touches five shingles: 5 % of words replaced leave a similarity of about 0.63, below the usual threshold
of 0.7. A dialogue that is a small part of another one is not found. Signatures are the same with numpy, which
is used where it is installed, and without.

    >>> from skillofmind.core.dialogue import Turn
    >>> text = "the train to the coast was late again and so was I"
    >>> talks = [Dialogue((Turn("A", text),), id="a:1"), Dialogue((Turn("B", text.upper()),), id="b:1")]
    >>> list(near_duplicates(talks))
    [Pair(first='a:1', second='b:1', jaccard=1.0)]
"""

import hashlib
import random
import re
import struct
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.record import Record
from skillofmind.data.split import components

SHINGLE = 5
"""Words, or characters, in a shingle."""

PERMUTATIONS = 128
"""Places in a signature."""

Hasher = Callable[["array[int]"], bytes]
"""Shingle hashes -> signature: `PERMUTATIONS` numbers of 32 bits."""

_PLACE = struct.calcsize("I")
_WORDS = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_MASK = 2**64 - 1
_BLOCK = 4096
_FOUND = 0.999


class Pair(Record, frozen=True):
    """Two near-duplicates, by dialogue id, and the exact Jaccard similarity of their shingles."""

    first: str
    second: str
    jaccard: float


class CrossSplit(Record, frozen=True):
    """Near-duplicates that stand in different splits.

    Attributes:
        clusters: clusters with members in more than one split: the splits, joined by ` + `, -> clusters.
        dialogues: split -> its dialogues that have a near-duplicate in another split.
    """

    clusters: dict[str, int]
    dialogues: dict[str, int]


def shingles(dialogue: Dialogue) -> frozenset[str]:
    """Return the shingles of a dialogue's turns, read as one text without case, punctuation and speakers.

    A dialogue of fewer than five words (or characters) is one shingle, one without any has none.
    """
    said = " ".join(turn.text for turn in dialogue.turns)
    words = _WORDS.findall(unicodedata.normalize("NFKC", said).casefold())
    letters = "".join(words)
    if 2 * len(_UNSPACED.findall(letters)) > len(letters):
        return frozenset(letters[n : n + SHINGLE] for n in range(max(1, len(letters) - SHINGLE + 1)))
    if len(words) < SHINGLE:
        return frozenset([" ".join(words)] if words else [])
    return frozenset(map(" ".join, zip(*(words[n:] for n in range(SHINGLE)), strict=False)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return |A & B| / |A | B|, 0 where both are empty."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def near_duplicates(dialogues: Sequence[Dialogue], threshold: float = 0.7, seed: int = 0) -> Iterator[Pair]:
    """Yield pairs of dialogues whose Jaccard similarity is at least `threshold`.

    Of k dialogues with equal shingles, the first is paired with each of the others and speaks for them all,
    so that many copies of one text cost no more than their number; `clusters` joins them.

    Args:
        dialogues: with ids, each once; read a second time where candidates are compared.
        threshold: above 0, up to 1. The lower, the more candidates there are to compare.
        seed: of the random functions; it changes which pairs are missed, about 1 in 1,000 at the threshold.

    Raises:
        ConfigurationError: the threshold is out of range.
        DataError: two dialogues have the same id.
    """
    _check_threshold(threshold)
    _check_ids(dialogues)

    @lru_cache(maxsize=1024)
    def shingled(place: int) -> frozenset[str]:
        return shingles(dialogues[place])

    def compared(one: int, other: int) -> Iterator[Pair]:
        similarity = jaccard(shingled(one), shingled(other))
        if similarity >= threshold:
            yield Pair(dialogues[one].id, dialogues[other].id, similarity)

    hasher = minhash(seed)
    spokesman: dict[bytes, int] = {}
    signatures: dict[int, bytes] = {}
    for place, hashes in _hashed(dialogues):
        first = spokesman.setdefault(hashlib.blake2b(hashes, digest_size=16).digest(), place)
        if first == place:
            signatures[place] = hasher(hashes)
        else:
            yield from compared(first, place)
    for one, other in _candidates(signatures, rows_of_a_band(threshold)):
        yield from compared(one, other)


def duplicates_between(
    ours: Sequence[Dialogue], others: Iterable[Dialogue], threshold: float = 0.7, seed: int = 0
) -> Iterator[Pair]:
    """Yield pairs of one of ours and one of the others whose Jaccard similarity is at least `threshold`.

    Others are read once, as they come; memory grows with ours alone.

    Args:
        ours: dialogues; each `Pair.first` is one of them.
        others: dialogues to look through; ids need not be unique.
        threshold: as for `near_duplicates`.
        seed: as for `near_duplicates`.

    Raises:
        ConfigurationError: the threshold is out of range.
    """
    _check_threshold(threshold)
    hasher, width = minhash(seed), rows_of_a_band(threshold) * _PLACE
    own: dict[int, array[int]] = {}
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for place, hashes in _hashed(ours):
        own[place] = hashes
        for band in _bands(hasher(hashes), width):
            buckets.setdefault(band, []).append(place)
    for other in others:
        for _, hashes in _hashed((other,)):
            wanted = frozenset(hashes)
            near = {place for band in _bands(hasher(hashes), width) for place in buckets.get(band, ())}
            for place in sorted(near):
                shared = sum(map(wanted.__contains__, own[place]))
                similarity = shared / (len(wanted) + len(own[place]) - shared)
                if similarity >= threshold:
                    yield Pair(ours[place].id, other.id, similarity)


def _bands(signature: bytes, width: int) -> Iterator[tuple[int, bytes]]:
    return ((start, signature[start : start + width]) for start in range(0, len(signature), width))


def _check_threshold(threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ConfigurationError(f"threshold {threshold!r} is not above 0 and up to 1; 0.7 is usual.")


def _check_ids(dialogues: Sequence[Dialogue]) -> None:
    for id, count in Counter(dialogue.id for dialogue in dialogues).items():
        if count > 1:
            raise DataError(f"{count} dialogues have the id {id!r}; give each its own.")


def _hashed(dialogues: Iterable[Dialogue]) -> Iterator[tuple[int, "array[int]"]]:
    """Yield the place and the sorted shingle hashes of every dialogue that says something."""
    for place, dialogue in enumerate(dialogues):
        found = shingles(dialogue)
        if found:
            yield place, array("Q", sorted(map(_hash, found)))


def _hash(shingle: str) -> int:
    return int.from_bytes(hashlib.blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _candidates(signatures: Mapping[int, bytes], rows: int) -> list[tuple[int, int]]:
    """Return the pairs of places that share a band, in order, each once."""
    found: set[tuple[int, int]] = set()
    width = rows * _PLACE
    for start in range(0, PERMUTATIONS * _PLACE, width):
        buckets: dict[bytes, list[int]] = {}
        for place, signature in signatures.items():
            bucket = buckets.setdefault(signature[start : start + width], [])
            found.update((other, place) for other in bucket)
            bucket.append(place)
    return sorted(found)


def rows_of_a_band(threshold: float) -> int:
    """Return the most places a band can have if 99.9 % of pairs at the threshold are to share one."""
    sizes = [rows for rows in range(1, PERMUTATIONS + 1) if PERMUTATIONS % rows == 0]
    good = [rows for rows in sizes if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= _FOUND]
    return max(good, default=1)


def minhash(seed: int) -> Hasher:
    """Return the signature function of a seed, with numpy where it is installed."""
    random_ = random.Random(seed)
    factors = [random_.getrandbits(64) | 1 for _ in range(PERMUTATIONS)]
    terms = [random_.getrandbits(64) for _ in range(PERMUTATIONS)]
    try:
        return numpy_minhash(factors, terms)
    except ImportError:
        return plain_minhash(factors, terms)


def plain_minhash(factors: Sequence[int], terms: Sequence[int]) -> Hasher:
    """Return h -> min over h of (factor * h + term) mod 2^64, its upper 32 bits, in plain Python."""
    functions = tuple(zip(factors, terms, strict=True))

    def signature(hashes: "array[int]") -> bytes:
        return array("I", [min([a * h + b & _MASK for h in hashes]) >> 32 for a, b in functions]).tobytes()

    return signature


def numpy_minhash(factors: Sequence[int], terms: Sequence[int]) -> Hasher:
    """Return the same function with numpy, several times as fast.

    Raises:
        ImportError: numpy is not installed.
    """
    import numpy as np

    a, b = (np.array(numbers, dtype=np.uint64)[:, None] for numbers in (factors, terms))

    def signature(hashes: "array[int]") -> bytes:
        # In blocks, so that a very long dialogue does not need a very large product.
        h = np.frombuffer(hashes, dtype=np.uint64)
        blocks = [(a * h[n : n + _BLOCK] + b).min(axis=1) for n in range(0, len(h), _BLOCK)]
        found: bytes = (np.min(blocks, axis=0) >> np.uint64(32)).astype(np.uint32).tobytes()
        return found

    return signature


def clusters(pairs: Iterable[Pair]) -> dict[str, str]:
    """Return dialogue id -> the first id, by name, of its cluster; dialogues without a pair are left out."""
    return components((pair.first, pair.second) for pair in pairs)


def across_splits(dialogues: Iterable[Dialogue], clustered: Mapping[str, str]) -> CrossSplit:
    """Count the clusters that stand in more than one split, and the dialogues that this concerns."""
    members: dict[str, Counter[str]] = {}
    for dialogue in dialogues:
        if dialogue.id in clustered:
            members.setdefault(clustered[dialogue.id], Counter())[dialogue.split or ""] += 1
    leaking = [splits for splits in members.values() if len(splits) > 1]
    dialogues_of = sum(leaking, Counter[str]())
    return CrossSplit(dict(Counter(" + ".join(sorted(splits)) for splits in leaking)), dict(dialogues_of))
