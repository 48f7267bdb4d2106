"""BLEU-4 of one text against many references, and self-BLEU of a set of texts.

With p_k the share of the k-grams of the candidate that are in a reference, each counted at most as often as
in the reference that has it most often, c the length of the candidate and r the reference length nearest to
it (the shorter of two equally near):

    BLEU = min(1, exp(1 - r / c)) * (p_1 p_2 p_3 p_4) ^ (1/4)

A p_k of 0 becomes `FLOOR` / k-grams, as in method 1 of Chen and Cherry (2014), so that texts without a common
4-gram can be told apart; without a common word BLEU is 0. Self-BLEU (Zhu et al., 2018) is the mean BLEU of
texts of a set against other texts of the same set: high where they repeat one another. It grows with the
number of references, so sets are compared with the same number.

    >>> round(bleu("the cat sat on the mat".split(), Pool(["the cat sat on a mat".split()])), 4)
    0.5373
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from skillofmind.scorers.diversity import grams

ORDER = 4
"""Longest run of tokens that is compared."""

FLOOR = 0.1
"""Stands for the number of matching k-grams where there are none."""


class Pool:
    """References, counted once for any number of candidates.

    Attributes:
        most: k-gram -> how often the reference that has it most often has it.
        lengths: distinct reference lengths, ascending.
    """

    def __init__(self, references: Iterable[Sequence[str]]) -> None:
        """Count the tokens of each reference; read once."""
        self.most: Counter[tuple[str, ...]] = Counter()
        lengths = set()
        for tokens in references:
            lengths.add(len(tokens))
            for order in range(1, ORDER + 1):
                for gram, count in Counter(grams(tokens, order)).items():
                    self.most[gram] = max(count, self.most[gram])
        self.lengths = tuple(sorted(lengths))


def bleu(candidate: Sequence[str], pool: Pool) -> float:
    """Return the smoothed BLEU-4 of a candidate, 0 to 1; 0 where it or the pool is empty."""
    if not candidate or not pool.lengths:
        return 0.0
    logs = []
    for order in range(1, ORDER + 1):
        counts = Counter(grams(candidate, order))
        matched = sum(min(count, pool.most[gram]) for gram, count in counts.items())
        if order == 1 and not matched:
            return 0.0
        logs.append(math.log((matched or FLOOR) / max(1, counts.total())))
    near = min(pool.lengths, key=lambda length: (abs(length - len(candidate)), length))
    brevity = min(0.0, 1 - near / len(candidate))
    return math.exp(brevity + math.fsum(logs) / ORDER)


def self_bleu(candidates: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float | None:
    """Return the mean BLEU-4 of the candidates against all references; `None` where either is empty.

    Both are samples of one set without a common member: a text among its own references scores 1.
    """
    if not candidates or not references:
        return None
    pool = Pool(references)
    return math.fsum(bleu(candidate, pool) for candidate in candidates) / len(candidates)
