r"""What two texts share: units, share, unigram F1, length; in any script.

A *unit* is what is counted. In scripts with spaces it is a word: letters, digits and the marks that belong
to them, with apostrophes inside (`don't`). In scripts without (Han, Kana, Thai, Lao, Khmer, Myanmar) it is a
pair of neighbouring characters, which needs no dictionary; a character that stands alone is a unit. Hangul
has spaces. Text is first brought to Unicode NFKC without case, so width, case and composed or decomposed
accents do not count.

    >>> units("Don't panic, 東京都!")
    ("don't", 'panic', '東京', '京都')
    >>> f1(units("the cat sat"), units("The cat slept"))
    0.6666666666666666
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from skillofmind.scorers.diversity import grams

_SMALL = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF))
"""Thai with Lao, Myanmar, Khmer, and Kana with its extension: blocks that hold punctuation too."""

_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LAST = 0xFFFF
"""Marks are looked for up to here: a wider class makes the patterns ten times as slow."""

_PLAIN = re.compile(r"\w+(?:'\w+)*")
"""Words of text without marks and without runs; faster than the pattern for all."""

_DOTLESS = ("tr", "az")
"""Languages in which the small letter of I is ı."""


class _Patterns(NamedTuple):
    """What text is cut by.

    `token` finds words and runs without spaces, `run` tells the latter by their first character, `character`
    takes runs with marks apart, and `mark` says whether there are any.
    """

    token: re.Pattern[str]
    run: re.Pattern[str]
    character: re.Pattern[str]
    mark: re.Pattern[str]


@cache
def marks() -> str:
    """Return the combining marks, for use in a character class; no pattern counts them as words."""
    return "".join(chr(n) for n in range(0x300, _LAST) if unicodedata.category(chr(n))[0] == "M")


@cache
def _patterns() -> _Patterns:
    # Without marks, Hindi or Thai words would be cut at their vowels.
    mark = marks()
    small = "".join(chr(n) for first, last in _SMALL for n in range(first, last + 1) if chr(n).isalnum())
    unspaced = small + _HAN
    word = rf"[^\W{unspaced}]+(?:[{mark}]+[^\W{unspaced}]*)*"
    return _Patterns(
        re.compile(rf"{word}(?:'{word})*|[{unspaced}]+(?:[{mark}]+[{unspaced}]*)*"),
        re.compile(rf"[{unspaced}]"),
        re.compile(rf"[{unspaced}][{mark}]*"),
        re.compile(rf"[{mark}]"),
    )


def units(text: str, lang: str = "") -> tuple[str, ...]:
    """Return the units of a text in order, each as often as it occurs.

    Args:
        text: anything; punctuation, symbols and pictures have no units.
        lang: BCP-47 code; only Turkish and Azeri differ, in the case of their two letters i.
    """
    text = _folded(text, lang)
    if _is_plain(text):
        return tuple(_PLAIN.findall(text))
    found: list[str] = []
    for word in _patterns().token.findall(text):
        characters = _characters(word)
        found += map("".join, pairwise(characters)) if len(characters) > 1 else (word,)
    return tuple(found)


def _is_plain(text: str) -> bool:
    return text.isascii() or not (_patterns().run.search(text) or _patterns().mark.search(text))


def _characters(token: str) -> Sequence[str]:
    """Return the characters of a run without spaces, each with its marks; a word is one."""
    found = _patterns()
    if not found.run.match(token):
        return (token,)
    return found.character.findall(token) if found.mark.search(token) else token


def length(text: str, lang: str = "") -> int:
    """Return how long a text is: its words, and its characters in scripts without spaces, added up."""
    text = _folded(text, lang)
    if _is_plain(text):
        return len(_PLAIN.findall(text))
    return sum(len(_characters(word)) for word in _patterns().token.findall(text))


def _folded(text: str, lang: str) -> str:
    if lang.partition("-")[0].lower() in _DOTLESS:
        text = text.replace("I", "ı").replace("İ", "i")
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("ʼ", "'")


def share(of: Collection[str], within: Collection[str]) -> float:
    """Return the share of the distinct units of `of` that occur in `within`, 0 to 1; 0 for none."""
    wanted = frozenset(of)
    return len(wanted & frozenset(within)) / len(wanted) if wanted else 0.0


def f1(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the unigram F1 of two sequences of units (ROUGE-1 F), 0 to 1; 0 where one is empty.

    With m the units that they share, each counted as often as both have it: 2 m / (len(first) + len(second)).
    """
    shared = (Counter(first) & Counter(second)).total()
    return 2 * shared / (len(first) + len(second)) if shared else 0.0


def copied(of: Sequence[str], source: Sequence[str], order: int = 5) -> float | None:
    """Return the share of runs of `order` units of `of` that stand in `source` too; `None` without any."""
    runs = list(grams(of, order))
    known = frozenset(grams(source, order))
    return sum(run in known for run in runs) / len(runs) if runs else None
