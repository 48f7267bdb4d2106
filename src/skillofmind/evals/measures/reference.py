"""Texts against a reference, and how varied they are: ROUGE, corpus BLEU, distinct-k as scores and measures.

What a token is depends on the language of the dialogue, since no one way fits all:

| | English | other languages with spaces, or an unknown one | `UNSPACED` |
|---|---|---|---|
| ROUGE | a-z and 0-9, as `rouge_score` | `overlap.units` | `overlap.units` |
| BLEU | `13a`, as sacrebleu | `13a` | `char`, as sacrebleu |
| distinct-k | casual, in lower case, as NLTK | the same | `overlap.units` |

Distinct-k is no sum over cases, and drawing groups again would bias it: a resample has fewer different groups
and therefore fewer different k-grams for the same number of k-grams. Its interval is that of the jackknife
over groups: with D_-g the value without group g, of G groups, each group stands for the part

    D / G + sqrt((G - 1) / G) (mean of D_-h over h  -  D_-g)

whose sum is D and whose variance under resampling is the jackknife's (Efron and Stein, 1981). What it should
cover is the value expected of as much text from as many groups.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.records import Better, Case
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.scorers.bleu import ORDER
from skillofmind.scorers.casual import casual_tokens
from skillofmind.scorers.corpus_bleu import COLUMNS, bleu_counts, bleu_of, characters, tokens_13a
from skillofmind.scorers.diversity import DistinctParts, distinct_parts
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders, cosine, greedy_f1
from skillofmind.scorers.overlap import units
from skillofmind.scorers.rouge import rouge, words

UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "km"})
"""Languages that are written without spaces."""

DISTINCT_ORDER = 3
"""Longest run of tokens of distinct-k."""

ROUGE: dict[str, tuple[Better, str]] = {
    f"rouge{name}": (
        "higher",
        f"Mean ROUGE-{name} F1; words as in rouge_score (no stemmer) for English, overlap.units elsewhere.",
    )
    for name in ("1", "2", "L", "Lsum")
}
"""Scores of ROUGE: which way they improve, and what their mean says."""

LIKENESS: dict[str, tuple[Better, str]] = {
    **ROUGE,
    "cosine": (
        "higher",
        "Mean cosine of the sentence vectors of text and reference as wholes; `token_f1` goes by token.",
    ),
    "token_f1": (
        "higher",
        "Mean F1 of tokens matched greedily by their vectors (BERTScore; no idf, no rescaling).",
    ),
}
"""Scores of `likeness`, likewise."""

_DISTINCT = (
    "Different runs of {0} tokens (casual, lower case) of all runs of {0} in all texts together; falls as "
    "there is more text. Interval: jackknife over groups."
)

_CACHED = 2**16


class Compared(NamedTuple):
    """A text and what it is compared with.

    Attributes:
        text: that is judged.
        reference: that it should be like.
        lang: BCP-47 code; "" where unknown.
    """

    text: str
    reference: str
    lang: str = ""


def likeness(of: Compared, encoders: Encoders = NO_ENCODERS) -> dict[str, float | None]:
    """Return the F1 of ROUGE-1, -2, -L and -Lsum, and what the encoders say; a blank text is like nothing."""
    cut = words if _primary(of.lang) == "en" else units
    found: dict[str, float | None] = dict(zip(ROUGE, rouge(of.text, of.reference, cut), strict=True))
    blank = not of.text.strip()
    if encoders.texts is not None:
        found["cosine"] = 0.0 if blank else float(cosine(*encoders.texts([of.text, of.reference])))
    if encoders.tokens is not None:
        ours, theirs = encoders.tokens(of.text), encoders.tokens(of.reference)
        found["token_f1"] = 0.0 if blank else greedy_f1(ours, theirs)
    return found


def means(cases: Sequence[Case], scores: dict[str, tuple[Better, str]]) -> list[Measure]:
    """Return the means of the scores that any of the cases has."""
    values = {name: [case.scores.get(name) for case in cases] for name in scores}
    return [
        mean_of(name, values[name], *scores[name])
        for name in scores
        if any(value is not None for value in values[name])
    ]


def bleu_measures(pairs: Sequence[Compared | None]) -> list[Measure]:
    """Return corpus BLEU-1 to BLEU-4, 0 to 100.

    Args:
        pairs: of each case; `None` for one that does not count.
    """
    rows = np.zeros((len(pairs), COLUMNS))
    for row, pair in enumerate(pairs):
        if pair is not None:
            rows[row] = _counts(*pair)
    n = sum(pair is not None for pair in pairs)
    about = (
        "Corpus BLEU-{} as sacrebleu (case counts, tokens 13a or, in languages without spaces, char; exp)."
    )
    return [
        Measure(f"bleu{order}", rows, partial(bleu_of, order=order), n, about=about.format(order))
        for order in range(1, ORDER + 1)
    ]


@lru_cache(maxsize=_CACHED)
def _counts(text: str, reference: str, lang: str) -> tuple[int, ...]:
    # Slices ask for the same pairs again.
    cut = characters if _primary(lang) in UNSPACED else tokens_13a
    return bleu_counts(cut(text), cut(reference))


def distinct_measures(texts: Sequence[tuple[str, str] | None], groups: Sequence[str]) -> list[Measure]:
    """Return distinct-1 to distinct-3 of all texts together, 0 to 1.

    Where there are several groups and only one of them has runs of that length, the value is undefined: no
    other group says how far it may vary.

    Args:
        texts: text and language of each case; `None` for one that does not count.
        groups: of each case, what is drawn together.
    """
    there = [(place, *one) for place, one in enumerate(texts) if one is not None]
    first = dict[str, int]()
    for row, _, _ in there:
        first.setdefault(groups[row], row)
    number = {name: place for place, name in enumerate(first)}
    tokens = [distinct_tokens(text, lang) for _, text, lang in there]
    of = [number[groups[row]] for row, _, _ in there]
    alone = len(set(groups)) == 1
    found = []
    for order in range(1, DISTINCT_ORDER + 1):
        parts = distinct_parts(tokens, of, order)
        rows = _distinct_rows(parts, list(first.values()), len(texts), alone)
        about = _DISTINCT.format(order)
        found.append(Measure(f"dist{order}", rows, _added, len(there), "higher", about))
    return found


def distinct_tokens(text: str, lang: str) -> Sequence[str]:
    """Return what distinct-k counts."""
    return units(text, lang) if _primary(lang) in UNSPACED else casual_tokens(text.lower())


def _distinct_rows(parts: DistinctParts, firsts: Sequence[int], cases: int, alone: bool) -> Floats:
    """Return [cases, 2]: the part of a group and 1 in the row of its first case; 0 where it has no value."""
    rows = np.zeros((cases, 2))
    value = parts.distinct / max(parts.total, 1)
    without = [one for one in parts.without() if one is not None]
    if parts.total and alone:
        rows[firsts] = value, 1
    elif len(without) == len(firsts) > 1:
        left_out = np.array(without)
        spread = np.sqrt((len(firsts) - 1) / len(firsts)) * (left_out.mean() - left_out)
        rows[firsts, 0] = value / len(firsts) + spread
        rows[firsts, 1] = 1
    return rows


def _added(sums: Floats) -> Floats:
    return np.where(sums[..., 1] > 0, sums[..., 0], np.nan)


def _primary(lang: str) -> str:
    return lang.partition("-")[0].lower()
