"""Corpus BLEU as sacrebleu has it, from counts that are added up over sentences; needs numpy.

With m_k of t_k k-grams of all candidates matched in their references, c tokens in all candidates and r in all
references (Papineni et al., 2002; Post, arXiv 1804.08771):

    BLEU-n = 100 min(1, exp(1 - r / c)) (p_1 ... p_n) ^ (1/n),    p_k = m_k / t_k

The i-th p_k without a match is 1 / (2^i t_k) (sacrebleu's smoothing `exp`); without any match, or where the
candidates are too short to have a k-gram, BLEU is 0. `bleu.py` has the BLEU of one text against many.

    >>> counts = [bleu_counts("the cat sat on a mat".split(), "the cat sat on the mat".split())]
    >>> round(float(bleu_of(np.array(counts, dtype=float).sum(axis=0), 4)), 4)
    53.7285
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skillofmind.scorers.bleu import ORDER
from skillofmind.scorers.diversity import grams

Floats = NDArray[np.float64]

COLUMNS = 2 + 2 * ORDER
"""Numbers that `bleu_counts` returns."""

_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))

_SPACED = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
"""Punctuation of ASCII stands alone; `.` and `,` not inside numbers; `-` after a digit."""


def tokens_13a(text: str) -> list[str]:
    """Return the tokens of sacrebleu's tokenizer `13a`, which is that of mteval-v13a; case counts."""
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    text = f" {text} "
    for pattern, spaced in _SPACED:
        text = pattern.sub(spaced, text)
    return text.split()


def characters(text: str) -> list[str]:
    """Return the characters but for white space, which is sacrebleu's tokenizer `char`."""
    return list("".join(text.split()))


def bleu_counts(candidate: Sequence[str], reference: Sequence[str]) -> tuple[int, ...]:
    """Return c, r, m_1 to m_4, t_1 to t_4 of one pair of texts."""
    matched, total = [], []
    for order in range(1, ORDER + 1):
        ours = Counter(grams(candidate, order))
        matched.append((ours & Counter(grams(reference, order))).total())
        total.append(max(0, len(candidate) - order + 1))
    return (len(candidate), len(reference), *matched, *total)


def bleu_of(sums: Floats, order: int) -> Floats:
    """Return BLEU-`order`, 0 to 100; `nan` where there is no text at all.

    Args:
        sums: added counts, [..., COLUMNS].
        order: longest k-gram, 1 to 4.
    """
    ours, theirs = sums[..., 0], sums[..., 1]
    matched, total = sums[..., 2 : 2 + order], sums[..., 2 + ORDER : 2 + ORDER + order]
    halvings = np.cumsum(matched == 0, axis=-1)
    hits = np.where(matched > 0, matched, 0.5**halvings)
    known = (total > 0).all(axis=-1) & (matched > 0).any(axis=-1)
    logs = np.log(hits / np.maximum(total, 1)).sum(axis=-1) / order
    brevity = np.minimum(0.0, 1 - theirs / np.maximum(ours, 1))
    found: Floats = np.where(known, 100 * np.exp(logs + brevity), 0.0)
    return np.where((ours == 0) & (theirs == 0), np.nan, found)
