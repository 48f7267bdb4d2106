"""ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum: how much of a text a reference shares (Lin, 2004).

With m what two texts share and a, b how much each of them has, F1 = 2 m / (a + b). What is counted:

- ROUGE-1, ROUGE-2: tokens and pairs of neighbouring tokens, each at most as often as both texts have it;
- ROUGE-L: the longest sequence of tokens that stands in both in this order, not always side by side;
- ROUGE-Lsum: the same line by line. A token of a line of the reference counts where it is in such a sequence
  with any line of the candidate, and at most as often as both texts have it.

Cut by `words`, values are those of the package `rouge_score` without its stemmer. That knows the letters a
to z and digits only, so text in another script has no words; `overlap.units` cuts any script and is the
default.

The longest common subsequence of m and n tokens takes m operations on whole numbers of n bits (Hyyrö, 2004).

    >>> rouge("the cat sat", "the cat slept", words).two
    0.5
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from skillofmind.scorers.diversity import grams
from skillofmind.scorers.overlap import f1, units

Cut = Callable[[str], Sequence[str]]
"""Text -> tokens."""

_WORD = re.compile("[a-z0-9]+")


class Rouge(NamedTuple):
    """F1 values, 0 to 1 each; 0 where a text has no tokens.

    Attributes:
        one: ROUGE-1.
        two: ROUGE-2.
        longest: ROUGE-L.
        lines: ROUGE-Lsum.
    """

    one: float
    two: float
    longest: float
    lines: float


def words(text: str) -> list[str]:
    """Return the runs of a-z and 0-9 of the text in lower case, as `rouge_score` cuts it."""
    return _WORD.findall(text.lower())


def rouge(candidate: str, reference: str, cut: Cut = units) -> Rouge:
    """Return what the candidate shares with the reference.

    Args:
        candidate: the text that is judged.
        reference: the text that it is compared with.
        cut: cuts both, line by line, into tokens.
    """
    ours, theirs = _lines(candidate, cut), _lines(reference, cut)
    first, second = _joined(ours), _joined(theirs)
    both = len(first) + len(second)
    longest = 2 * subsequence(first, second) / both if both else 0.0
    one_line = len(ours) < 2 and len(theirs) < 2
    return Rouge(
        f1(first, second),
        _pairs_f1(first, second),
        longest,
        longest if one_line or not both else 2 * _shared_by_lines(ours, theirs) / both,
    )


def _lines(text: str, cut: Cut) -> list[Sequence[str]]:
    return [tokens for line in text.split("\n") if (tokens := cut(line))]


def _joined(lines: list[Sequence[str]]) -> Sequence[str]:
    return lines[0] if len(lines) == 1 else [token for line in lines for token in line]


def _pairs_f1(first: Sequence[str], second: Sequence[str]) -> float:
    ours, theirs = Counter(grams(first, 2)), Counter(grams(second, 2))
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest sequence that stands in both in this order."""
    return len(second) - _differences(first, second)[-1].bit_count()


def _differences(first: Sequence[str], second: Sequence[str]) -> list[int]:
    """Return for every prefix of `first`, the empty one included, where the length does not grow.

    Bit j of number i is 0 where `second[: j + 1]` shares one token more with `first[:i]` than `second[:j]`.
    """
    places: dict[str, int] = {}
    for place, token in enumerate(second):
        places[token] = places.get(token, 0) | 1 << place
    everything = (1 << len(second)) - 1
    still = everything
    found = [still]
    for token in first:
        here = still & places.get(token, 0)
        still = ((still + here) | (still - here)) & everything
        found.append(still)
    return found


def _shared_by_lines(ours: list[Sequence[str]], theirs: list[Sequence[str]]) -> int:
    left_ours, left_theirs = Counter(_joined(ours)), Counter(_joined(theirs))
    shared = 0
    for line in theirs:
        for place in sorted({place for other in ours for place in _places(line, other)}):
            token = line[place]
            if left_ours[token] > 0 and left_theirs[token] > 0:
                shared += 1
                left_ours[token] -= 1
                left_theirs[token] -= 1
    return shared


def _places(line: Sequence[str], other: Sequence[str]) -> list[int]:
    """Return the places in `line` of one longest common subsequence, from the right.

    Several may be equally long; which one is taken is as in `rouge_score`, since lines are joined by it.
    """
    still = _differences(line, other)
    i, j, found = len(line), len(other), list[int]()
    while i and j:
        if line[i - 1] == other[j - 1]:
            i, j = i - 1, j - 1
            found.append(i)
        elif _length(still[i], j - 1) > _length(still[i - 1], j):
            j -= 1
        else:
            i -= 1
    return found


def _length(still: int, first: int) -> int:
    return first - (still & ((1 << first) - 1)).bit_count()
