"""The languages audit: the same turns in several languages should get the same skill.

Parallel dialogues carry `meta["parallel"]`, equal for all translations. The plain arm is English; the other
languages are arms of the same items. Measured are the share of turns with one skill in all languages, flips
and Cohen's kappa for every pair of languages, and how much accuracy is lost against English where people
labelled the turn (the label is the same in all languages).

`expected` is what independent choices with the same frequencies of skills would give: a planner that names
one skill all the time agrees with itself in every language.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations

import numpy as np

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.labels import LabelMap
from skillofmind.data.select import every_turn
from skillofmind.evals.audits.effects import (
    ByArm,
    Effect,
    answered,
    corrected,
    difference,
    groups_of,
    measured,
    right,
    skill_of,
    table_of,
)
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.records import Case, Gold, Item, Table
from skillofmind.evals.statistics.resampling import Floats

NAME = "languages"

PLAIN = "en"
"""Language of the plain arm."""

ACT = "dailydialog.act"


def arm_of(lang: str) -> str:
    """Return the arm of a language; English is the plain one."""
    return "" if lang == PLAIN else f"{NAME}.{lang}"


def parallel_items(dialogues: Iterable[Dialogue], table: LabelMap, *, task: str = NAME) -> list[Item]:
    """Return the labelled turns of parallel dialogues that all languages have.

    Args:
        dialogues: with `meta["parallel"]`; others are left out.
        table: knows the class of an act.
        task: name of the items' task.

    Returns:
        items of all arms. Translations share id and group. A turn counts where every language has it with the
        same class.
    """
    by_lang: dict[str, dict[str, Item]] = {}
    for dialogue in dialogues:
        if "parallel" in dialogue.meta:
            found = by_lang.setdefault(dialogue.lang, {})
            found |= {one.id: one for one in _items(dialogue, table, task)}
    if PLAIN not in by_lang:
        return []
    kept = [
        key
        for key, item in by_lang[PLAIN].items()
        if all(key in found and found[key].gold == item.gold for found in by_lang.values())
    ]
    langs = [PLAIN, *sorted(by_lang.keys() - {PLAIN})]
    return [by_lang[lang][key] for lang in langs for key in kept]


def class_score(case: Case, table: LabelMap) -> dict[str, float | None]:
    """Return whether the skill of a case belongs to the act that people gave the turn."""
    if not answered(case) or not case.item.gold.label:
        return {"class": None}
    return {"class": float(table.class_of(ACT, skill_of(case)) == case.item.gold.label)}


def language_effects(cases: Sequence[Case]) -> tuple[Effect, ...]:
    """Return agreement between languages and accuracy lost against English.

    Args:
        cases: of the plain arm and of the arms of languages; a turn counts where all were answered.
    """
    by_arm = ByArm(cases)
    arms = ["", *(arm for arm in by_arm.names() if arm.startswith(f"{NAME}."))]
    rows = by_arm.in_all(arms)
    if len(arms) < 2 or not rows:
        return ()
    groups = groups_of(row[0] for row in rows)
    names = [arm.removeprefix(f"{NAME}.") or PLAIN for arm in arms]
    skills = [[skill_of(row[place]) for row in rows] for place in range(len(arms))]
    found = _agreement(" = ".join(names), skills, groups)
    for first, second in combinations(range(len(arms)), 2):
        found += _agreement(f"{names[first]} = {names[second]}", [skills[first], skills[second]], groups)
    return corrected([*found, *_losses(names, rows)])


def language_tables(effects: Sequence[Effect]) -> tuple[Table, ...]:
    """Return agreement and accuracy."""
    chance = "`expected` is agreement by the frequencies of skills alone."
    return (
        table_of("Same skill in several languages", effects, chance, lambda e: e.measure in (SAME, KAPPA)),
        table_of("Accuracy by language", effects, "", lambda e: e.measure.startswith("accuracy")),
    )


SAME = "same skill"
KAPPA = "Cohen's kappa"


def _items(dialogue: Dialogue, table: LabelMap, task: str) -> Iterable[Item]:
    parallel = str(dialogue.meta["parallel"])
    for index in every_turn(dialogue):
        matches = (table.match(label) for label in dialogue.turns[index].labels if label.scheme == ACT)
        match = next((one for one in matches if one is not None and one.group), None)
        if match is not None:
            yield Item(
                task,
                f"{parallel}:{index}",
                parallel,
                dialogue.before(index),
                Gold(label=match.group or ""),
                arm_of(dialogue.lang),
                {"lang": dialogue.lang},
            )


def _agreement(name: str, skills: Sequence[Sequence[str]], groups: Sequence[str]) -> list[Effect]:
    """Return the share of equal skills, and kappa for two languages."""
    found = agreement(skills)
    kappa = found._replace(name=KAPPA, value=partial(_kappa, raters=len(skills)))
    chance = float(_expected(found.rows.sum(axis=0), len(skills)))
    effects = measured(name, [found, kappa] if len(skills) == 2 else [found], groups)
    return [
        Effect(
            e.change, e.measure, e.value, e.low, e.high, e.n, e.groups, chance if e.measure == SAME else 0.0
        )
        for e in effects
    ]


def agreement(skills: Sequence[Sequence[str]]) -> Measure:
    """Return the share of turns with one skill in all languages; skills are [languages][turns].

    The rows hold 1, whether all are equal, and how often each language has each skill.
    """
    column = {skill: place for place, skill in enumerate(sorted({one for row in skills for one in row}))}
    count, size = len(skills[0]), len(column)
    rows = np.zeros((count, 2 + len(skills) * size))
    rows[:, 0] = 1
    rows[:, 1] = [len(set(turn)) == 1 for turn in zip(*skills, strict=True)]
    for place, row in enumerate(skills):
        rows[np.arange(count), [2 + place * size + column[skill] for skill in row]] = 1
    return Measure(SAME, rows, _same, count)


def _same(sums: Floats) -> Floats:
    found: Floats = sums[..., 1] / sums[..., 0]
    return found


def _expected(sums: Floats, raters: int) -> Floats:
    counts = sums[..., 2:].reshape(*sums.shape[:-1], raters, -1)
    found: Floats = (counts / sums[..., :1, None]).prod(axis=-2).sum(axis=-1)
    return found


def _kappa(sums: Floats, raters: int) -> Floats:
    expected = _expected(sums, raters)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (_same(sums) - expected) / (1 - expected)
    return found


def _losses(names: Sequence[str], rows: Sequence[tuple[Case, ...]]) -> list[Effect]:
    known = [row for row in rows if all(right(case) is not None for case in row)]
    if not known:
        return []
    groups = groups_of(row[0] for row in known)
    sides = [mean_of("accuracy", [right(row[place]) for row in known]) for place in range(len(names))]
    found: list[Effect] = []
    for name, side in zip(names, sides, strict=True):
        found += measured(name, [side], groups)
    return found + [
        difference(f"{name} - {names[0]}", "accuracy changed", sides[0], side, groups)
        for name, side in zip(names[1:], sides[1:], strict=True)
    ]
