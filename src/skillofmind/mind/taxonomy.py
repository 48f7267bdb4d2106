"""The taxonomy: which skills there are, read from an editable TOML file.

The number of skills is whatever the file holds; nothing else in the library knows it.

    >>> taxonomy = load_taxonomy()
    >>> taxonomy.get("Empathy").category
    'Interpersonal'
"""

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.core.skill import Skill


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
        return source.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a taxonomy file.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason}); save the file as UTF-8.") from error


@cache
def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a taxonomy file; without a path, the one in the package.

    Raises:
        DataError: not TOML, an unknown key, a name twice, or a reference to a skill that is not there.
    """
    name = str(path) if path else "taxonomy.toml"
    try:
        taxonomy = msgspec.convert(tomllib.loads(taxonomy_source(path)), Taxonomy)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DataError(f"{name}: {error}; see `som skills --show-file` for the format.") from error
    _check(taxonomy, name)
    return taxonomy


def _check(taxonomy: Taxonomy, name: str) -> None:
    seen: set[str] = set()
    for skill in taxonomy.skills:
        if skill.name in seen:
            raise DataError(f"{name}: skill {skill.name!r} stands twice; give it one entry.")
        seen.add(skill.name)
    if not seen:
        raise DataError(f"{name}: no [[skills]] entry; a taxonomy needs at least one.")
    for skill in taxonomy.skills:
        if skill.contrast and skill.contrast not in seen:
            raise DataError(
                f"{name}: skill {skill.name!r} contrasts with {skill.contrast!r}, which is not in the file."
            )
        if skill.category not in taxonomy.categories:
            raise DataError(
                f"{name}: skill {skill.name!r} is in category {skill.category!r}; add it under [categories]."
            )
