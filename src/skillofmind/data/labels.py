"""Human labels as skills: an editable table of what a corpus's label says about the skill of a turn.

People have labelled dialogues for years, in other words than ours. The table (`assets/label_skills.toml`)
maps a label to a primary skill, further skills that would not be wrong, and a strength; three schemes map
the other way, from a skill to one of the corpus's classes, as the evaluation code of the skill-of-mind paper
(arXiv 2411.04496) does. So a planner can be tested on what people wrote, without any model as annotator.

    >>> found = load_label_map().match(Label("casino.strategy", "elicit-pref"))
    >>> found.primary, found.accept, found.strength
    ('Preference Elicitation', ('Clarification',), 'exact')

A label that the table does not know is `None`: keep it, and count it with `LabelMap.report`.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from skillofmind.core.dialogue import Label
from skillofmind.core.errors import DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record

Strength = Literal["exact", "plausible", "weak", "none"]
"""How far a label means its skill; `none` says that there is no skill to score."""

Place = Literal["turn", "next"]
"""Whether a label speaks of the turn that carries it or of the turn after it."""

_MARKS = re.compile(r"[\W_]+")


class SkillMatch(Record, frozen=True):
    """What a label says about the skill.

    Attributes:
        primary: the skill, or `None` where there is none, or where the scheme has classes.
        accept: further skills that would not be wrong; for a class, the skills listed under it.
        strength: how far to trust it.
        group: for schemes with classes, the class to compare with `LabelMap.class_of`.
        source: `official` or `proposal`.
    """

    primary: str | None
    accept: tuple[str, ...] = ()
    strength: Strength = "none"
    group: str | None = None
    source: Literal["official", "proposal"] = "proposal"

    def strict(self, skill: str) -> bool:
        """Say whether `skill` is the primary one."""
        return self.primary is not None and skill == self.primary

    def lenient(self, skill: str) -> bool:
        """Say whether `skill` is the primary one or an accepted one; true wherever `strict` is."""
        return self.strict(skill) or skill in self.accept


class LabelRule(Record, frozen=True, rename={"group": "class"}):
    """One row of the table: spellings of a label and the skill that they stand for."""

    values: tuple[str, ...]
    strength: Strength
    primary: str | None = None
    accept: tuple[str, ...] = ()
    group: str | None = None
    on: Place = "turn"


class LabelScheme(Record, frozen=True):
    """The label set of one corpus.

    Attributes:
        names: what readers write in `Label.scheme`.
        about: what is labelled, in a few words.
        source: `official` where the paper's evaluation code uses this mapping, else `proposal`.
        labels: the rows.
        classes: class -> its skills; empty for schemes that name skills.
        default: the class of every skill that no class lists.
    """

    names: tuple[str, ...]
    about: str
    source: Literal["official", "proposal"]
    labels: tuple[LabelRule, ...]
    classes: dict[str, tuple[str, ...]] = {}
    default: str | None = None


class LabelReport(Record, frozen=True):
    """Counts of labels, each as scheme -> value as written -> count.

    Attributes:
        mapped: labels with a skill or a class.
        left_out: labels that the table says have no skill.
        unmapped: labels or schemes that the table does not know.
    """

    mapped: dict[str, dict[str, int]]
    left_out: dict[str, dict[str, int]]
    unmapped: dict[str, dict[str, int]]


class LabelMap(Record, frozen=True):
    """The whole table.

    Attributes:
        version: of the table; store it with every result.
        schemes: the label sets.
    """

    version: int
    schemes: tuple[LabelScheme, ...]

    def scheme(self, name: str) -> LabelScheme | None:
        """Return the scheme of this name, or `None`."""
        return next((scheme for scheme in self.schemes if name in scheme.names), None)

    def match(self, label: Label, on: Place = "turn") -> SkillMatch | None:
        """Return what `label` says about its own turn, or about the next one; `None` where it is unknown."""
        scheme = self.scheme(label.scheme)
        rule = _rule(scheme, label.value, on) if scheme else None
        if scheme is None or rule is None:
            return None
        accept = scheme.classes.get(rule.group, ()) if rule.group else rule.accept
        return SkillMatch(rule.primary, accept, rule.strength, rule.group, scheme.source)

    def class_of(self, scheme: str, skill: str) -> str:
        """Return the class of `scheme` that `skill` belongs to.

        Raises:
            KeyError: there is no such scheme, or it has no classes.
        """
        found = self.scheme(scheme)
        if found is None or found.default is None:
            raise KeyError(scheme)
        return next((name for name, skills in found.classes.items() if skill in skills), found.default)

    def report(self, labels: Iterable[Label]) -> LabelReport:
        """Count labels by what the table knows of them."""
        counts: dict[str, Counter[tuple[str, str]]] = {
            "mapped": Counter(),
            "left_out": Counter(),
            "unmapped": Counter(),
        }
        for label in labels:
            counts[self._standing(label)][label.scheme, label.value] += 1
        return LabelReport(**{kind: _by_scheme(counter) for kind, counter in counts.items()})

    def _standing(self, label: Label) -> str:
        found = [match for on in _PLACES if (match := self.match(label, on))]
        if not found:
            return "unmapped"
        return "left_out" if all(match.strength == "none" for match in found) else "mapped"

    def skills(self) -> frozenset[str]:
        """Return every skill that the table names."""
        return frozenset(skill for scheme in self.schemes for skill in _skills(scheme))

    def primaries(self, *strengths: Strength) -> frozenset[str]:
        """Return the skills that a label of one of these strengths has as primary."""
        rules = [rule for scheme in self.schemes for rule in scheme.labels]
        return frozenset(r.primary for r in rules if r.primary is not None and r.strength in strengths)

    def classed(self) -> frozenset[str]:
        """Return the skills that a class lists."""
        return frozenset(s for scheme in self.schemes for skills in scheme.classes.values() for s in skills)

    def identity(self) -> str:
        """Return `<version>-<hash>`; it changes with any edit."""
        return f"{self.version}-{fingerprint(self)[:12]}"


_PLACES: tuple[Place, ...] = ("turn", "next")


def load_label_map(path: Path | None = None) -> LabelMap:
    """Read a mapping table; without a path, the one in the package (once).

    Raises:
        DataError: unreadable, not TOML, an unknown key, or rows that contradict one another.
    """
    return _packaged() if path is None else _load(path, str(path))


@cache
def _packaged() -> LabelMap:
    return _load(None, "label_skills.toml")


def _load(path: Path | None, name: str) -> LabelMap:
    source = path if path else resources.files("skillofmind.data") / "assets" / "label_skills.toml"
    try:
        table = msgspec.convert(tomllib.loads(source.read_text(encoding="utf-8-sig")), LabelMap)
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); name a mapping table.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not UTF-8 ({error.reason}); save the file as UTF-8.") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataError(
            f"{name}: {error}; the comments of label_skills.toml say what a row holds."
        ) from error
    for fault in _faults(table):
        raise DataError(f"{name}: {fault}")
    return table


def _faults(table: LabelMap) -> Iterator[str]:
    names = Counter(name for scheme in table.schemes for name in scheme.names)
    for name in (name for name, count in names.items() if count > 1):
        yield f"scheme {name!r} stands twice; give it one entry."
    for scheme in table.schemes:
        for fault in (*_class_faults(scheme), *_rule_faults(scheme)):
            yield f"scheme {scheme.names[:1]!r}: {fault}"


def _class_faults(scheme: LabelScheme) -> Iterator[str]:
    if bool(scheme.classes) != (scheme.default is not None):
        yield "`classes` and `default` go together; give both or neither."
    owners = Counter(skill for skills in scheme.classes.values() for skill in skills)
    for skill in (skill for skill, count in owners.items() if count > 1):
        yield f"{skill!r} is in two classes; keep it in one."


def _rule_faults(scheme: LabelScheme) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for rule in scheme.labels:
        for key in {(value.startswith("*"), _key(value), rule.on) for value in rule.values}:
            if key[1:] in seen:
                yield f"label {key[1]!r} stands twice; give it one row."
            seen.add(key[1:])
        known = {*scheme.classes, scheme.default}
        if rule.group is not None and rule.group not in known:
            yield f"class {rule.group!r} is not under `classes`; add it or make it the `default`."
        if rule.primary in rule.accept:
            yield f"{rule.primary!r} is both primary and accepted; keep it as primary."
        if (rule.strength == "none") != (rule.primary is None and rule.group is None):
            yield f"label {rule.values[:1]!r} needs a `primary` or a `class`, or strength `none` and neither."


def _rule(scheme: LabelScheme, value: str, on: Place) -> LabelRule | None:
    """Return the row of a label; a row that spells it out goes before one with `*`."""
    key = _key(value)
    rows = [rule for rule in scheme.labels if rule.on == on]
    plain = (r for r in rows if any(_key(v) == key for v in r.values if not v.startswith("*")))
    starred = (r for r in rows if any(_ends(key, _key(v)) for v in r.values if v.startswith("*")))
    return next(plain, None) or next(starred, None)


def _ends(key: str, end: str) -> bool:
    return not end or key == end or key.endswith(f" {end}")


@lru_cache(maxsize=4096)
def _key(value: str) -> str:
    """Return what of a label's spelling counts: its words, without case and marks."""
    return _MARKS.sub(" ", unicodedata.normalize("NFKC", value).casefold()).strip()


def _skills(scheme: LabelScheme) -> Iterator[str]:
    for rule in scheme.labels:
        yield from (*((rule.primary,) if rule.primary else ()), *rule.accept)
    for skills in scheme.classes.values():
        yield from skills


def _by_scheme(counter: "Counter[tuple[str, str]]") -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (scheme, value), count in sorted(counter.items()):
        found.setdefault(scheme, {})[value] = count
    return found
