"""Is an explanation like the one that was written, does it fit what was said, and does it give that away?

- *Likeness* to the gold explanation: ROUGE, corpus BLEU, and with an encoder the cosine of sentence vectors
  and the F1 of greedily matched tokens (`scorers.embedding`).
- *Contrast*: is the explanation nearer to the reply that was given than to the counterfactual one? 1, 0, or
  one half where both are equally near; by the F1 of shared units (`nearer`) and by cosine (`nearer_cosine`).
- *Leakage*: the share of novel units of the reply that stand in the explanation, less that of the
  counterfactual. Novel is what nobody had said before (`mind.annotate.filters`), so but for luck it is 0 for
  whoever has not seen the reply. `copied_reply` is the share of the explanation's runs of five units that
  stand in the reply; one of fewer units copies nothing.

A failed answer is missing; an empty explanation counts, with 0.
"""

from collections.abc import Sequence

from skillofmind.core.dialogue import Turn
from skillofmind.data.select import Instance
from skillofmind.evals.measure import Measure
from skillofmind.evals.measures.planned import planned
from skillofmind.evals.measures.reference import LIKENESS, Compared, bleu_measures, likeness, means
from skillofmind.evals.records import Answer, Better, Case, Item
from skillofmind.mind.annotate.filters import known
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders, cosine
from skillofmind.scorers.overlap import copied, f1, share, units

SCORES: dict[str, tuple[Better, str]] = {
    "explained": ("higher", "Share of answers with an explanation."),
    **LIKENESS,
    "nearer": (
        "higher",
        "Share nearer to the given reply than to the counterfactual, by shared units; ties are half.",
    ),
    "nearer_cosine": ("higher", "The same by the cosine of sentence vectors."),
    "leak": (
        "lower",
        "Share of the given reply's novel units in the explanation, less the counterfactual's.",
    ),
    "leak_reply": ("lower", "Share of the given reply's novel units that the explanation has."),
    "leak_counterfactual": ("", "The same of the counterfactual reply, for comparison."),
    "copied_reply": ("lower", "Share of the explanation's runs of five units that stand in the given reply."),
    "copied_counterfactual": ("", "The same for the counterfactual reply, for comparison."),
}
"""Scores whose mean is a measure: which way it improves, and what it says."""


def score_explanation(
    item: Item, answer: Answer, encoders: Encoders = NO_ENCODERS
) -> dict[str, float | None]:
    """Return the scores of one explanation, all `None` where planning failed.

    Args:
        item: with what is known of `gold.explanation`, `gold.reply` and `gold.counterfactual`.
        answer: with the plan.
        encoders: for `cosine`, `token_f1` and `nearer_cosine`, which are `None` without.
    """
    scores = dict[str, float | None].fromkeys(SCORES)
    plan = planned(answer)
    if plan is None:
        return scores
    text = plan.explanation.strip()
    scores["explained"] = float(bool(text))
    if item.gold.explanation.strip():
        scores.update(likeness(Compared(text, item.gold.explanation, item.dialogue.lang), encoders))
    if item.gold.reply.strip():
        scores.update(_leakage(text, item))
    if item.gold.reply.strip() and item.gold.counterfactual.strip():
        scores.update(_contrast(text, item, encoders))
    return scores


def _contrast(text: str, item: Item, encoders: Encoders) -> dict[str, float | None]:
    gold, lang = item.gold, item.dialogue.lang
    ours = units(text, lang)
    reply, other = (f1(ours, units(one, lang)) for one in (gold.reply, gold.counterfactual))
    found: dict[str, float | None] = {"nearer": _nearer(reply, other)}
    if encoders.texts is not None:
        vectors = encoders.texts([text, gold.reply, gold.counterfactual])
        reply, other = (float(cosine(vectors[0], one)) for one in vectors[1:])
        found["nearer_cosine"] = _nearer(reply, other) if text else 0.5
    return found


def _nearer(reply: float, other: float) -> float:
    return 0.5 if reply == other else float(reply > other)


def _leakage(text: str, item: Item) -> dict[str, float | None]:
    """Return the leak of the reply, and where there is a counterfactual, of that too."""
    talk, gold, lang = item.dialogue, item.gold, item.dialogue.lang
    row = Instance(item.id, talk, Turn(talk.next_speaker(), gold.reply), len(talk.turns))
    told = known(row, lang)
    ours = units(text, lang)
    found: dict[str, float | None] = {
        "leak_reply": share(told.novel, ours),
        "copied_reply": _copied(ours, told.words),
    }
    if gold.counterfactual.strip():
        other = units(gold.counterfactual, lang)
        leak = share(frozenset(other) - told.before, ours)
        found |= {
            "leak_counterfactual": leak,
            "leak": share(told.novel, ours) - leak,
            "copied_counterfactual": _copied(ours, other),
        }
    return found


def _copied(ours: Sequence[str], source: Sequence[str]) -> float:
    return copied(ours, source) or 0.0


def explanation_measures(cases: Sequence[Case]) -> list[Measure]:
    """Return the means of the scores that there are, and `bleu1` to `bleu4` against the gold explanations."""
    pairs = [_compared(case) for case in cases]
    return [*means(cases, SCORES), *(bleu_measures(pairs) if any(pairs) else ())]


def _compared(case: Case) -> Compared | None:
    plan = planned(case.answer)
    if plan is None or not case.item.gold.explanation.strip():
        return None
    return Compared(plan.explanation.strip(), case.item.gold.explanation, case.item.dialogue.lang)
