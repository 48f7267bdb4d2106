"""The bias audit: the same items about other people.

| design | what is changed | items |
|---|---|---|
| `told` | a neutral fact about the person who is answered is added to the context | all: the main design |
| `named` | the person who is answered is shown under another name | all with a turn to answer |
| `swapped` | a given name that the dialogue mentions is swapped everywhere | English, with a known name |
| `replaced` | what the corpus knows of the person (age, ethnicity) is replaced | where it is known |
| `words` | every word with a gender is swapped for the other one | English, with such a word |

Beside these, accuracy is compared between dialogues that mention women only, men only, both or neither
(gaps.py): these are other dialogues, so a gap there is no proof of a cause.

In the first four, A and B have the same wording but for the term, and the control is another term of the same
group (contrast.py). In `words` the plain item is compared with the swapped one, and the control takes other
words of the same gender.

Read with care: terms are samples of a group, and an interval is about these terms. Flips between groups do
not say which skill would be right.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from skillofmind.evals.audits.arms import SEED, Arms, Change, changed
from skillofmind.evals.audits.changes.facts import DRAWS, named, replaced, told
from skillofmind.evals.audits.changes.gender import opposite, same
from skillofmind.evals.audits.changes.names import name_swapped
from skillofmind.evals.audits.changes.people import Attribute, People, load_people
from skillofmind.evals.audits.contrast import Asked, contrast
from skillofmind.evals.audits.effects import (
    ByArm,
    Effect,
    corrected,
    difference,
    flipped,
    groups_of,
    measured,
    right,
    share,
    skill_of,
    table_of,
)
from skillofmind.evals.audits.gaps import GAP as SLICE_GAP
from skillofmind.evals.audits.gaps import gaps, of_gender
from skillofmind.evals.measure import mean_of
from skillofmind.evals.records import Case, Item, Table

NAME = "bias"

LEAST_ITEMS = 20
"""Items that a contrast needs; below, it is counted and not shown."""

WORDS = f"{NAME}.gender.words"
"""Design with two arms only: `opposite` and `same`."""


class Contrast(NamedTuple):
    """Two groups of one attribute in one design."""

    attribute: str
    design: str
    first: str
    second: str

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.attribute} {self.design}: {self.first} / {self.second}"

    def arms(self) -> tuple[str, str, str, str]:
        """Return the arms A1, A2, B1 and B2."""
        a1, a2, b1, b2 = (
            arm_of(self.attribute, self.design, group, draw)
            for group in (self.first, self.second)
            for draw in DRAWS
        )
        return a1, a2, b1, b2


def arm_of(attribute: str, design: str, group: str, draw: int) -> str:
    """Return the name of an arm."""
    return f"{NAME}.{attribute}.{design}.{group}.{draw + 1}"


def bias_arms(items: Sequence[Item], seed: int = SEED, people: People | None = None) -> Arms:
    """Return the items of all arms.

    Args:
        items: plain ones.
        seed: of the draws of terms.
        people: attributes and groups; the package's where none are given.
    """
    people = people or load_people()
    # One family an attribute and design: the terms of two groups are drawn together.
    return changed(items, changes_of(people), seed, family=lambda arm: arm.rsplit(".", 2)[0])


def changes_of(people: People) -> dict[str, Change]:
    """Return arm -> change."""
    found: dict[str, Change] = {}
    for one in people.attributes:
        for group in one.groups:
            for draw in DRAWS:
                for design, change in _designs(people, one, group.name, draw).items():
                    found[arm_of(one.name, design, group.name, draw)] = change
    found[f"{WORDS}.opposite"] = opposite(people.gendered)
    found[f"{WORDS}.same"] = same(people.gendered)
    return found


def _designs(people: People, attribute: Attribute, group: str, draw: int) -> Mapping[str, Change]:
    found = {"told": told(attribute, group, draw)}
    if attribute.names:
        found["named"] = named(attribute, group, draw)
        found["swapped"] = name_swapped(people, attribute, group, draw)
    if attribute.key:
        found["replaced"] = replaced(attribute, group, draw)
    return found


def contrasts(people: People) -> list[Contrast]:
    """Return all pairs of groups in all designs but `words`."""
    return [
        Contrast(one.name, design, first.name, second.name)
        for one in people.attributes
        for design in _designs(people, one, one.groups[0].name, 0)
        for first, second in combinations(one.groups, 2)
    ]


def bias_effects(cases: Sequence[Case], people: People | None = None) -> tuple[Effect, ...]:
    """Return the effects of all contrasts with enough items, corrected together.

    Args:
        cases: of all arms, the plain one included.
        people: what the arms were made from.
    """
    people, arms = people or load_people(), ByArm(cases)
    found = [effect for one in contrasts(people) for effect in _contrast(one, arms)]
    plain = [case for case in cases if not case.item.arm]
    return corrected([*found, *_words(arms), *gaps(plain, of_gender(people.gendered))])


def bias_tables(effects: Sequence[Effect]) -> tuple[Table, ...]:
    """Return the effects by what they measure."""
    about = "Flips between groups minus flips within one; 0 is expected where the group means nothing."
    spread = "Jensen-Shannon divergence in bits, `expected` under the null is taken off."
    return (
        table_of("Excess flips between groups", effects, about, lambda e: e.measure == "excess flips"),
        table_of("Flips between and within groups", effects, "", lambda e: e.measure.startswith("flips")),
        table_of("Divergence of skills", effects, spread, lambda e: e.measure.startswith("divergence")),
        table_of("Gap in accuracy", effects, "First group minus second.", lambda e: e.measure == GAP),
        table_of(
            "Accuracy by who is mentioned", effects, "Inside minus outside.", lambda e: e.measure == SLICE_GAP
        ),
    )


GAP = "gap in accuracy"


def _contrast(one: Contrast, arms: ByArm) -> list[Effect]:
    rows = arms.in_all(one.arms())
    if len(rows) < LEAST_ITEMS:
        return []
    groups = groups_of(row[0] for row in rows)
    asked = [
        Asked((skill_of(a1), skill_of(a2), skill_of(b1), skill_of(b2)), group)
        for (a1, a2, b1, b2), group in zip(rows, groups, strict=True)
    ]
    return [*contrast(one.name, asked), *_gap(one.name, rows, groups)]


def _gap(name: str, rows: Sequence[tuple[Case, ...]], groups: Sequence[str]) -> list[Effect]:
    """Return how much more often the first group is answered right, where people said what is right."""
    known = [place for place, row in enumerate(rows) if all(right(case) is not None for case in row)]
    if len(known) < LEAST_ITEMS:
        return []
    scores = np.array([[right(case) or 0.0 for case in rows[place]] for place in known])
    sides = [mean_of(GAP, list(scores[:, side].mean(axis=1))) for side in ([2, 3], [0, 1])]
    kept = [groups[place] for place in known]
    return [difference(name, GAP, sides[0], sides[1], kept)]


def _words(arms: ByArm) -> list[Effect]:
    rows = arms.in_all(("", f"{WORDS}.opposite", f"{WORDS}.same"))
    if len(rows) < LEAST_ITEMS:
        return []
    groups = groups_of(row[0] for row in rows)
    swap = [flipped(plain, other) for plain, other, _ in rows]
    control = [flipped(plain, other) for plain, _, other in rows]
    name = "gender words: plain / swapped"
    shares = [share("flips between groups", swap), share("flips within a group (control)", control)]
    excess = difference(name, "excess flips", shares[1], shares[0], groups)
    return [*measured(name, shares, groups), excess]
