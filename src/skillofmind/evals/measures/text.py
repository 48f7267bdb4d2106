"""How near a reply is to the one that was given, how long and how varied replies are.

A failed answer is missing; an empty reply counts, with 0. See `reference` for what a token is.
"""

from collections.abc import Sequence

from skillofmind.evals.measure import Measure
from skillofmind.evals.measures.reference import (
    LIKENESS,
    Compared,
    bleu_measures,
    distinct_measures,
    likeness,
    means,
)
from skillofmind.evals.records import Answer, Better, Case, Item
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders
from skillofmind.scorers.overlap import length

SCORES: dict[str, tuple[Better, str]] = {
    **LIKENESS,
    "length": ("", "Mean length in words, or characters in scripts without spaces."),
    "length_ratio": ("", "Mean length divided by that of the given reply."),
    "empty": ("lower", "Share of replies without a word."),
}
"""Scores whose mean is a measure: which way it improves, and what it says."""


def score_reply(item: Item, answer: Answer, encoders: Encoders = NO_ENCODERS) -> dict[str, float | None]:
    """Return the scores of one reply; all `None` where it failed.

    Args:
        item: with `gold.reply` where there is one to compare with.
        answer: with the reply.
        encoders: for `cosine` and `token_f1`, which are `None` without.
    """
    scores = dict[str, float | None].fromkeys(SCORES)
    if answer.error is not None:
        return scores
    lang, gold = item.dialogue.lang, item.gold.reply
    size = length(answer.reply, lang)
    scores.update(length=float(size), empty=float(not size))
    if gold.strip():
        scores.update(likeness(Compared(answer.reply, gold, lang), encoders))
        below = length(gold, lang)
        scores["length_ratio"] = size / below if below else None
    return scores


def reply_measures(cases: Sequence[Case]) -> list[Measure]:
    """Return the means of the scores that there are, `bleu1` to `bleu4` and `dist1` to `dist3`."""
    there = [case if case.answer.error is None else None for case in cases]
    pairs = [
        Compared(case.answer.reply, case.item.gold.reply, case.item.dialogue.lang)
        if case and case.item.gold.reply.strip()
        else None
        for case in there
    ]
    texts = [(case.answer.reply, case.item.dialogue.lang) if case else None for case in there]
    return [
        *means(cases, SCORES),
        *(bleu_measures(pairs) if any(pairs) else ()),
        *distinct_measures(texts, [case.item.group for case in cases]),
    ]
