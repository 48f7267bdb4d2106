r"""Texts as counted pieces: words, pairs of neighbouring words, and runs of two to four characters.

A piece is known by the CRC-32 of its name, so that nothing has to be kept to look it up: two names that
collide share a weight, which at 10^5 pieces happens to one in 40,000. Pieces come in *blocks* (the words of
the reply, the characters of the reply, the words of the turn before, ...), each of which is brought to unit
length after it was weighted by rarity, so that a long turn before does not drown a short reply.

    >>> found = grams([("", "No, no!")], fields=("reply",))
    >>> found.texts, len(found.codes) > 10
    (1, True)

Needs numpy (extra `eval`).
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Field = Literal["before", "reply"]
"""Which text pieces are taken from: the turn that is replied to, or the reply."""

Pair = tuple[str, str]
"""The turn before, and the reply to it."""

MAX_CHARS = 4000
"""Longer texts lose their middle."""

SHORTEST, LONGEST = 2, 4
"""Characters of a run."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[?!…]+|\.\.\.+")


class Grams(NamedTuple):
    """Pieces of many texts.

    Attributes:
        codes: hash of each piece.
        values: 1 + ln(how often it occurs in its block).
        blocks: number of its block; those of text `i` are from `i * per_text` on.
        texts: how many.
        per_text: blocks of one text.
    """

    codes: NDArray[np.uint32]
    values: NDArray[np.float64]
    blocks: NDArray[np.int64]
    texts: int
    per_text: int


def grams(pairs: Sequence[Pair], fields: Sequence[Field]) -> Grams:
    """Return the pieces of the named fields of each pair."""
    codes: list[int] = []
    values: list[float] = []
    sizes: list[int] = []
    for before, reply in pairs:
        for field in fields:
            text = _shortened(before if field == "before" else reply).casefold().replace("’", "'")
            words = _WORD.findall(text)
            for block in (_words(words, field), _runs(words, field)):
                codes += block
                values += [1 + math.log(count) for count in block.values()]
                sizes.append(len(block))
    blocks = np.repeat(np.arange(len(sizes), dtype=np.int64), np.array(sizes, dtype=np.int64))
    return Grams(np.array(codes, np.uint32), np.array(values), blocks, len(pairs), 2 * len(fields))


def _words(words: Sequence[str], field: str) -> Counter[int]:
    """Count words and pairs of neighbours, the edges of the text included."""
    bounded = ["^", *words, "$"]
    return _counted(
        f"{field}:", [*words, *(f"{one} {other}" for one, other in pairwise(bounded))] if words else []
    )


def _runs(words: Sequence[str], field: str) -> Counter[int]:
    """Count runs of characters; they do not cross words."""
    found: list[str] = []
    for word in words:
        bounded = f" {word} "
        for length in range(SHORTEST, LONGEST + 1):
            found += [bounded[start : start + length] for start in range(max(1, len(bounded) - length + 1))]
    return _counted(f"{field}~", found)


def _counted(prefix: str, names: Iterable[str]) -> Counter[int]:
    return Counter(zlib.crc32(f"{prefix}{name}".encode("utf-8", "surrogatepass")) for name in names)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS // 2]} {text[-MAX_CHARS // 2 :]}"
