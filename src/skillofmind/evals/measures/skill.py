"""Is the planned skill the right one? Scores of one plan, measures and tables of many.

A plan that failed (an error in place of an answer) is missing everywhere. A plan that names no skill, or one
outside the taxonomy, is wrong: 0, never missing. Where the gold has a class instead of skills, the planned
skill counts by its class (`data.labels`, with the scheme named in `Item.slices["scheme"]`).

| Score | 1 where |
|---|---|
| `strict` | the skill as written is the first right one, but for case: how the published code compares |
| `accuracy` | the skill, normalised, is the first right one |
| `lenient` | it is any right or accepted one |
| `category` | it is in the category of the first right one |
| `class` | its class is the right one |
| `valid` | it is a skill of the taxonomy in a well-formed answer |
| `oov` | something was written that is no skill |
| `top3` | the first right skill is among the first three of the ranking |

`lrap` is the label ranking average precision of all right skills (`scorers.ranking`), and `confidence` is
what the planner said. A plan without alternatives is a ranking of its one skill.
"""

from collections.abc import Sequence
from functools import cache

from skillofmind.core.plan import Plan
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.measures.confidence import confidence_measures
from skillofmind.evals.measures.labels import chance, encoded, kappa, macro_f1
from skillofmind.evals.measures.planned import categories, classes, guessed_class, planned, ranking
from skillofmind.evals.measures.skill_tables import skill_tables
from skillofmind.evals.records import Answer, Better, Case, Item
from skillofmind.scorers.ranking import average_precision, in_top

__all__ = ["SCORES", "score_skill", "skill_measures", "skill_tables"]

SCORES: dict[str, tuple[Better, str]] = {
    "accuracy": ("higher", "Share of plans with the right skill, after normalisation."),
    "strict": (
        "higher",
        "Share with the right skill as written, but for case, as published code compares.",
    ),
    "lenient": ("higher", "Share with a right or an accepted skill; its chance level is higher, too."),
    "category": ("higher", "Share with a skill of the right category."),
    "class": ("higher", "Share with a skill of the right class."),
    "top3": ("higher", "Share with the right skill among the first three that the planner ranks."),
    "lrap": ("higher", "Label ranking average precision of all right skills."),
    "valid": ("higher", "Share of well-formed answers with a skill of the taxonomy."),
    "oov": ("lower", "Share of answers whose skill as written is none of the taxonomy."),
}
"""Scores whose mean is a measure: which way it improves, and what it says."""


_FIRST = ("accuracy", "class", "macro_f1", "macro_f1_class")
"""What a reader wants to see before the rest."""


def score_skill(item: Item, answer: Answer) -> dict[str, float | None]:
    """Return the scores of one answer, 0 to 1 each; all `None` where it failed.

    Raises:
        ConfigurationError: the gold has a class, and the item's slices name no scheme with classes.
    """
    scores = dict[str, float | None].fromkeys((*SCORES, "confidence"))
    plan = planned(answer)
    if plan is None:
        return scores
    scores["valid"] = float(plan.valid and plan.skill is not None)
    scores["oov"] = float(plan.skill is None and bool(plan.skill_raw.strip()))
    scores["confidence"] = plan.confidence if plan.skill is not None else None
    if item.gold.skills:
        scores.update(_against(plan, item))
    if item.gold.label:
        scores["class"] = float(guessed_class(item, plan) == item.gold.label)
    return scores


def _against(plan: Plan, item: Item) -> dict[str, float | None]:
    first, skill = item.gold.skills[0], plan.skill
    said = plan.skill_raw or skill or ""
    ranked = ranking(plan)
    category = categories().get(first)
    return {
        "strict": float(said.strip().lower() == first.lower()),
        "accuracy": float(skill == first),
        "lenient": float(skill in (*item.gold.skills, *item.gold.accept)),
        "category": float(categories().get(skill or "") == category) if category else None,
        "top3": float(in_top(ranked, first, 3)),
        "lrap": average_precision(ranked, item.gold.skills, len(categories())) if ranked else 0.0,
    }


def skill_measures(cases: Sequence[Case]) -> list[Measure]:
    """Return the measures that apply to these cases of one arm, chance levels beside them.

    Means of scores have the name of the score. Further ones: `macro_f1`, `kappa`, `majority` and `draw` (the
    chance levels; with `_lenient` and `_category` those of these scores) for skills, the first four with
    `_class` for classes, and `confidence`, `ece`, `brier`, `log_loss` where the planner gives confidences.
    """
    values = {name: [case.scores.get(name) for case in cases] for name in (*SCORES, "confidence")}
    skills = any(case.item.gold.skills for case in cases)
    classes = any(case.item.gold.label for case in cases)
    left_out = (set() if skills else {"accuracy", "strict", "lenient", "category", "top3", "lrap"}) | (
        set() if classes else {"class"}
    )
    found = [mean_of(name, values[name], *SCORES[name]) for name in SCORES if name not in left_out]
    found += _skill_labels(cases) if skills else []
    found += _class_labels(cases) if classes else []
    if any(sure is not None for sure in values["confidence"]):
        hits = [case.scores.get("class" if case.item.gold.label else "accuracy") for case in cases]
        found += confidence_measures(values["confidence"], hits, [case.item.key for case in cases])
    return sorted(found, key=lambda one: _FIRST.index(one.name) if one.name in _FIRST else len(_FIRST))


def _skill_labels(cases: Sequence[Case]) -> list[Measure]:
    golds = [case.item.gold for case in cases]
    plans = [planned(case.answer) if case.item.gold.skills else None for case in cases]
    right = [gold.skills[0] if plan else None for gold, plan in zip(golds, plans, strict=True)]
    lenient = [{*gold.skills, *gold.accept} for gold in golds]
    known = {*categories(), *(name for names in lenient for name in names)}
    labels = encoded(right, [plan.skill if plan else None for plan in plans], known)
    return [
        macro_f1("macro_f1", labels, "Mean F1 of the skills that occur; an answer without one is wrong."),
        kappa("kappa", labels, "Agreement of planned and right skills beyond chance (Cohen)."),
        *chance("", right, [gold.skills[:1] for gold in golds]),
        *chance("_lenient", right, lenient),
        *chance("_category", right, [_alike(gold.skills[0]) if gold.skills else () for gold in golds]),
    ]


@cache
def _alike(skill: str) -> tuple[str, ...]:
    """Return the skills of the category of `skill`."""
    wanted = categories().get(skill)
    return tuple(name for name, category in categories().items() if category == wanted)


def _class_labels(cases: Sequence[Case]) -> list[Measure]:
    items = [case.item for case in cases]
    plans = [planned(case.answer) if case.item.gold.label else None for case in cases]
    right = [item.gold.label if plan else None for item, plan in zip(items, plans, strict=True)]
    guessed = [guessed_class(item, plan) if plan else None for item, plan in zip(items, plans, strict=True)]
    schemes = {item.slices.get("scheme", "") for item in items if item.gold.label}
    known = {*(name for scheme in schemes for name in classes(scheme)), *(item.gold.label for item in items)}
    labels = encoded(right, guessed, known - {""})
    return [
        macro_f1("macro_f1_class", labels, "Mean F1 of the classes that occur."),
        kappa("kappa_class", labels, "Agreement of planned and right classes beyond chance (Cohen)."),
        *chance("_class", right, [(item.gold.label,) for item in items]),
    ]
