"""From what a model wrote to a skill of the taxonomy, or to nothing.

Models misspell, abbreviate, combine and invent skill names (the released Thanos labels hold some 178
names for 39 skills). The steps, each tried only when the one before found nothing:

1. *exact*: case, white space, `-`/`_`, quotes, markdown, brackets around and end punctuation do not count;
2. *alias*: a spelling listed in the taxonomy, or the name in another language;
3. *compound*: `Empathy and Active Listening`, `Clarification/Confirmation`: the first part that is a skill;
4. *distance*: at most two edits from the spellings of exactly one skill;
5. otherwise out of vocabulary: kept verbatim and counted, never guessed.

    >>> normaliser = Normaliser(load_taxonomy())
    >>> normaliser("  **harmlesseness.** ").skill
    'Harmlessness'
    >>> normaliser("Small talk").how
    'oov'
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Literal

from skillofmind.core.record import Record
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy, spelling

How = Literal["exact", "alias", "compound", "distance", "oov"]

MAX_LABEL = 200
"""A longer text is prose, not a label; it is out of vocabulary without being searched."""

_PREFIX = re.compile(
    r"^(?:(?:\d+[.)]|[-*•])\s+)?(?:[*_`\"']*(?:result\s+)?skill(?:[\s_-]*name)?[*_`\"']*\s*[:=])?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(\[{（].*?[)\]}）]\s*")
_SEPARATOR = re.compile(r"\s*(?:[/,;:|&+·、]|\band\b|\bor\b|\bwith\b|->|→|\n|\s[-–—]\s)\s*", re.IGNORECASE)


class Normalised(Record, frozen=True):
    """What became of a label.

    Attributes:
        raw: as the model wrote it.
        skill: the taxonomy name, or `None`.
        how: the step that decided.
        others: further skills named in a compound label.
    """

    raw: str
    skill: str | None
    how: How
    others: tuple[str, ...] = ()


class LabelReport(Record, frozen=True):
    """Counts over many labels: by skill, by deciding step, and the unknown ones verbatim."""

    skills: dict[str, int]
    how: dict[str, int]
    oov: dict[str, int]


class Normaliser:
    """Callable from text to `Normalised`, for one taxonomy.

    Attributes:
        taxonomy: the names that count.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        """Index the names, aliases and translations of `taxonomy`."""
        self.taxonomy = taxonomy
        self._names = {spelling(skill.name): skill.name for skill in taxonomy.skills}
        self._aliases = {
            spelling(alias): skill.name
            for skill in taxonomy.skills
            for alias in (*skill.aliases, *skill.names.values())
        }
        self._spellings = {**self._aliases, **self._names}

    def __call__(self, raw: str) -> Normalised:
        """Return the skill that `raw` names, if it names one."""
        if len(raw.strip()) > MAX_LABEL:
            return Normalised(raw, None, "oov")
        label = _PREFIX.sub("", raw.strip(), count=1)
        for candidate in dict.fromkeys((label, _ASIDE.sub(" ", label))):
            found = self._known(candidate)
            if found:
                return Normalised(raw, found[0], found[1])
        return self._compound(raw, label) or self._near(raw, label) or Normalised(raw, None, "oov")

    def _known(self, label: str) -> tuple[str, How] | None:
        key = spelling(label)
        if key in self._names:
            return self._names[key], "exact"
        return (self._aliases[key], "alias") if key in self._aliases else None

    def _compound(self, raw: str, label: str) -> Normalised | None:
        parts = [found[0] for part in _SEPARATOR.split(label) if (found := self._known(part))]
        skills = tuple(dict.fromkeys(parts))
        return Normalised(raw, skills[0], "compound", skills[1:]) if skills else None

    def _near(self, raw: str, label: str) -> Normalised | None:
        key = spelling(label)
        near = {skill for known, skill in self._spellings.items() if _within_two(key, known)}
        return Normalised(raw, near.pop(), "distance") if len(near) == 1 else None


def report(labels: Iterable[Normalised]) -> LabelReport:
    """Count labels by skill, by deciding step, and list the out-of-vocabulary ones with their counts."""
    skills: Counter[str] = Counter()
    how: Counter[str] = Counter()
    oov: Counter[str] = Counter()
    for label in labels:
        how[label.how] += 1
        if label.skill is None:
            oov[label.raw] += 1
        else:
            skills[label.skill] += 1
    return LabelReport(dict(skills.most_common()), dict(how.most_common()), dict(oov.most_common()))


def _within_two(one: str, other: str) -> bool:
    """Say whether two spellings are at most two edits apart and long enough for that to mean anything."""
    if abs(len(one) - len(other)) > 2 or min(len(one), len(other)) < 6:
        return False
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
        if min(row) > 2:
            return False
    return row[-1] <= 2


def normalise(raw: str) -> Normalised:
    """Normalise `raw` by the taxonomy in the package."""
    return _packaged()(raw)


@cache
def _packaged() -> Normaliser:
    return Normaliser(load_taxonomy())
