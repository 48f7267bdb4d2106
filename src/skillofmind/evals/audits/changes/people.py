"""What the bias audit says about people: attributes, groups, terms, and words with a gender, as data."""

from functools import cache
from pathlib import Path

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.evals.audits.changes.assets import read_table

LEAST_TERMS = 2
"""Terms that a group needs: a control edit swaps one for another."""


class Group(Record, frozen=True):
    """One group of an attribute: its name, and its terms by language."""

    name: str
    terms: dict[str, tuple[str, ...]]


class Attribute(Record, frozen=True):
    """One attribute of a person.

    Attributes:
        name: of it.
        told: language -> sentence with `{term}`.
        groups: at least two, with equally many terms.
        key: of `Speaker.attributes`; "" for none.
        names: whether the terms are given names.
        mixed: whether the first half of the terms are names of women, the second of men.
        value: what the term is put into where it replaces a speaker's attribute.
        details: language -> neutral details with `{noun}`, for groups of one term.
        source: where the terms come from.
    """

    name: str
    told: dict[str, str]
    groups: tuple[Group, ...]
    key: str = ""
    names: bool = False
    mixed: bool = False
    value: str = "{term}"
    details: dict[str, tuple[str, ...]] = {}
    source: str = ""

    def terms(self, group: str, lang: str) -> tuple[str, ...]:
        """Return the alternatives of a group; with details, each with the group's one word.

        Raises:
            KeyError: there is no such group.
        """
        found = {one.name: one for one in self.groups}[group].terms[lang]
        if not self.details:
            return found
        return tuple(detail.replace("{noun}", found[0]) for detail in self.details[lang])


class Gendered(Record, frozen=True):
    """English words with a gender.

    Attributes:
        pairs: female word, male word.
        same: words of the same gender that can stand for one another.
        after_object: words before which "her" is "him".
        prepositions: words after which "her" with a noun is "his".
    """

    pairs: tuple[tuple[str, str], ...]
    same: tuple[tuple[str, str], ...]
    after_object: frozenset[str]
    prepositions: frozenset[str]


class CommonNames(Record, frozen=True):
    """English given names that are looked for in texts; none is a word of its own."""

    female: tuple[str, ...]
    male: tuple[str, ...]


class People(Record, frozen=True):
    """The whole file."""

    version: int
    attributes: tuple[Attribute, ...]
    gendered: Gendered
    common_names: CommonNames

    def attribute(self, name: str) -> Attribute:
        """Return the attribute of this name.

        Raises:
            KeyError: there is none.
        """
        return {one.name: one for one in self.attributes}[name]


def load_people(path: Path | None = None) -> People:
    """Read a file of people; without a path, the one in the package (once).

    Raises:
        DataError: unreadable, not TOML, or groups of one attribute with unequal numbers of terms.
    """
    return _packaged() if path is None else _load(path)


@cache
def _packaged() -> People:
    return _load(None)


def _load(path: Path | None) -> People:
    people = read_table(path, "people.toml", People)
    for attribute in people.attributes:
        fault = _fault(attribute)
        if fault:
            raise DataError(f"{path}: attribute {attribute.name!r}: {fault}")
    return people


def _fault(attribute: Attribute) -> str:
    if len(attribute.groups) < 2:
        return "there is nothing to compare; give two groups."
    for lang in attribute.told:
        if any(lang not in group.terms for group in attribute.groups):
            return f"a group has no terms for {lang!r}; give all groups some."
        counts = {len(attribute.terms(group.name, lang)) for group in attribute.groups}
        least = 2 * len(attribute.groups) if attribute.details else LEAST_TERMS
        if len(counts) > 1 or min(counts) < least:
            return f"groups have {sorted(counts)} terms for {lang!r}; give all as many, at least {least}."
    return ""
