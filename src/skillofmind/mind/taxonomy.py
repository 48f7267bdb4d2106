"""The taxonomy: which skills there are, read from an editable TOML file.

The number of skills is whatever the file holds; nothing else in the library knows it.

    >>> taxonomy = load_taxonomy()
    >>> taxonomy.get("Empathy").category
    'Interpersonal'
"""

import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.core.skill import Skill

_MARKS = re.compile(r"[\"'`*#“”‘’]+")
_GAPS = re.compile(r"[\s\-_‐‑–—]+")
_ENDS = " .,:;!?。()[]{}<>"


class Taxonomy(Record, frozen=True):
    """An ordered set of skills.

    Attributes:
        skills: in the order in which they are shown.
        categories: category name -> its name in other languages, by language code.
        version: of the file.
    """

    skills: tuple[Skill, ...]
    categories: dict[str, dict[str, str]]
    version: int = 1

    def names(self) -> tuple[str, ...]:
        """Return the skill names in order."""
        return tuple(skill.name for skill in self.skills)

    def get(self, name: str) -> Skill:
        """Return the skill called `name`.

        Raises:
            KeyError: there is none; use the normaliser for text that a model wrote.
        """
        for skill in self.skills:
            if skill.name == name:
                return skill
        raise KeyError(name)

    def identity(self) -> str:
        """Return a short hash that changes with any edit; part of planner identities."""
        return fingerprint(self)[:12]


def taxonomy_source(path: Path | None = None) -> str:
    """Return the text of a taxonomy file; without a path, of the one in the package.

    Raises:
        DataError: the file cannot be read or is not UTF-8.
    """
    source = path if path else resources.files("skillofmind.mind") / "assets" / "taxonomy.toml"
    try:
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"{path or 'taxonomy.toml'}: cannot be read ({error.strerror}); name a taxonomy file."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason}); save the file as UTF-8.") from error


def spelling(label: str) -> str:
    """Return what of a label counts: not case, white space, `-` and `_`, quotes, markdown, end marks.

    >>> spelling(" **Self_Disclosure.** ") == spelling("self-disclosure")
    True
    """
    folded = unicodedata.normalize("NFKC", label).casefold()
    return _GAPS.sub(" ", _MARKS.sub("", folded)).strip(_ENDS)


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a taxonomy file; without a path, the one in the package (once).

    Raises:
        DataError: not TOML, an unknown key, a spelling of two skills, or a reference to a skill that is
            not there.
    """
    return _packaged() if path is None else _load(path, str(path))


@cache
def _packaged() -> Taxonomy:
    return _load(None, "taxonomy.toml")


def _load(path: Path | None, name: str) -> Taxonomy:
    try:
        taxonomy = msgspec.convert(tomllib.loads(taxonomy_source(path)), Taxonomy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataError(f"{name}: {error}; see `som skills --show-file` for the format.") from error
    _check(taxonomy, name)
    return taxonomy


def _check(taxonomy: Taxonomy, name: str) -> None:
    if not taxonomy.skills:
        raise DataError(f"{name}: no [[skills]] entry; a taxonomy needs at least one.")
    _check_spellings(taxonomy, name)
    names = taxonomy.names()
    for skill in taxonomy.skills:
        if skill.contrast and skill.contrast not in names:
            raise DataError(
                f"{name}: skill {skill.name!r} contrasts with {skill.contrast!r}, which is not in the file."
            )
        if skill.category not in taxonomy.categories:
            raise DataError(
                f"{name}: skill {skill.name!r} is in category {skill.category!r}; add it under [categories]."
            )


def _check_spellings(taxonomy: Taxonomy, name: str) -> None:
    """Refuse a spelling that could mean two skills, or none."""
    owners: dict[str, str] = {}
    for skill in taxonomy.skills:
        if skill.name in owners.values():
            raise DataError(f"{name}: skill {skill.name!r} stands twice; give it one entry.")
        for label in (skill.name, *skill.aliases, *skill.names.values()):
            owner = owners.setdefault(spelling(label), skill.name)
            if not spelling(label):
                raise DataError(f"{name}: skill {skill.name!r} has the spelling {label!r}; use letters.")
            if owner != skill.name:
                raise DataError(
                    f"{name}: {label!r} is a spelling of {owner!r} and of {skill.name!r}; keep it at one."
                )
