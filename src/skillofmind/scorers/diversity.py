"""How varied texts are: distinct k-grams, entropy, and samples of an equal number of tokens.

    distinct-k = distinct k-grams / all k-grams of the whole set        (k-grams do not cross texts)
    entropy    = - sum p log2 p over the shares p of the values, in bits

Distinct-k falls as a set grows, since new text repeats old words; two sets are compared only at the same
number of tokens (`first_tokens`). Entropy divided by that of equal shares is *evenness*, 0 to 1.

    >>> distinct([["a", "b", "a"], ["a", "b"]], 2)
    0.6666666666666666
    >>> entropy({"x": 1, "y": 1})
    1.0
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple


def grams(tokens: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    """Yield the runs of `order` tokens, from the left; none where there are fewer tokens."""
    return zip(*(tokens[start:] for start in range(order)), strict=False)


def distinct(texts: Iterable[Sequence[str]], order: int) -> float | None:
    """Return distinct k-grams / all k-grams of a set of texts, above 0 up to 1; `None` without any.

    Args:
        texts: tokens of each text; read once.
        order: k, 1 or more.
    """
    total, seen = 0, set[tuple[str, ...]]()
    for tokens in texts:
        for gram in grams(tokens, order):
            total += 1
            seen.add(gram)
    return len(seen) / total if total else None


class DistinctParts(NamedTuple):
    """What each group of texts adds to distinct-k.

    Attributes:
        distinct: different k-grams of the whole set.
        total: all its k-grams.
        own: of each group, different k-grams that no other group has.
        grams: of each group, all k-grams.
    """

    distinct: int
    total: int
    own: tuple[int, ...]
    grams: tuple[int, ...]

    def without(self) -> tuple[float | None, ...]:
        """Return distinct-k of the set without each of its groups; `None` where nothing is left."""
        return tuple(
            (self.distinct - own) / (self.total - count) if self.total > count else None
            for own, count in zip(self.own, self.grams, strict=True)
        )


def distinct_parts(texts: Iterable[Sequence[str]], groups: Iterable[int], order: int) -> DistinctParts:
    """Count k-grams by group.

    Args:
        texts: tokens of each text; read once.
        groups: of each text, its number from 0.
        order: k, 1 or more.
    """
    shared = -1
    owner: dict[tuple[str, ...], int] = {}
    total = list[int]()
    for tokens, group in zip(texts, groups, strict=True):
        total += [0] * (group + 1 - len(total))
        for gram in grams(tokens, order):
            total[group] += 1
            if owner.setdefault(gram, group) != group:
                owner[gram] = shared
    own = [0] * len(total)
    for group in owner.values():
        if group != shared:
            own[group] += 1
    return DistinctParts(len(owner), sum(total), tuple(own), tuple(total))


def first_tokens(texts: Iterable[Sequence[str]], tokens: int) -> list[Sequence[str]]:
    """Return texts from the front that have `tokens` tokens in all, the last one cut, or all there are."""
    found: list[Sequence[str]] = []
    left = tokens
    for text in texts:
        if left <= 0:
            break
        found.append(text[:left])
        left -= len(found[-1])
    return found


def entropy(counts: Mapping[str, int]) -> float:
    """Return the entropy in bits of the shares of the counts; 0 for one value and for none."""
    total = sum(counts.values())
    shares = (count / total for count in counts.values() if count)
    return abs(math.fsum(share * math.log2(share) for share in shares))


def evenness(counts: Mapping[str, int]) -> float | None:
    """Return entropy / log2 of the number of values that occur, 0 to 1; `None` below two such values."""
    values = sum(count > 0 for count in counts.values())
    return min(1.0, entropy(counts) / math.log2(values)) if values > 1 else None
