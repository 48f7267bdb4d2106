"""The languages audit: the same turns in several languages should get the same skill.

The plain arm is English; the other languages are arms of the same items. Measured are the share of turns with
one skill in all languages, agreement and Cohen's kappa for every pair of languages, and how much accuracy is
lost against English where people labelled the turn (the label is the same in all languages).

`expected` is what independent choices with the same frequencies of skills would give: a planner that names
one skill all the time agrees with itself in every language.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations

import msgspec
import numpy as np

from skillofmind.evals.audits.effects import (
    ByArm,
    Effect,
    corrected,
    difference,
    groups_of,
    measured,
    right,
    skill_of,
    table_of,
)
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.records import Case, Item, Table
from skillofmind.evals.statistics.resampling import Floats

NAME = "languages"

PLAIN = "en"
"""Language of the plain arm."""

TASKS = {lang: f"xdailydialog.{lang}" for lang in (PLAIN, "de", "it", "zh")}
"""Language -> task of the package with parallel dialogues."""


def arm_of(lang: str) -> str:
    """Return the arm of a language; English is the plain one."""
    return "" if lang == PLAIN else f"{NAME}.{lang}"


def in_languages(items: Mapping[str, Sequence[Item]]) -> list[Item]:
    """Return the turns that all languages have with the same right answer, as arms of the English items.

    Args:
        items: language -> plain items; translations of a dialogue share their group.

    Returns:
        the English items as they are, then those of each language in their order, under the task, the id and
        the group of the English one. Empty without English.
    """
    by_turn = {lang: {_turn(one): one for one in found} for lang, found in items.items()}
    english = by_turn.pop(PLAIN, {})
    kept = [
        turn
        for turn, item in english.items()
        if all(turn in found and found[turn].gold.label == item.gold.label for found in by_turn.values())
    ]
    found = [english[turn] for turn in kept]
    for lang, translated in sorted(by_turn.items()):
        for plain, turn in zip(found[: len(kept)], kept, strict=True):
            own = translated[turn]
            found.append(
                msgspec.structs.replace(
                    own, task=plain.task, id=plain.id, group=plain.group, arm=arm_of(lang)
                )
            )
    return found


def _turn(item: Item) -> tuple[str, int]:
    """Return what translations of one turn share: the group, and the place in the dialogue."""
    return item.group, len(item.dialogue.turns)


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
