"""What judges are told: the package's wording, or parts of it replaced by a user's file."""

import tomllib
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record

MOST_CRITERIA = 12
"""Most criteria of one question."""


class Wording(Record, frozen=True):
    """Everything that judges are told.

    Attributes:
        system: their role.
        pair: the question about two replies.
        single: the question about one reply.
        criteria: name -> what is meant, in one sentence.
        scale: points of a rating, from 1 to this, at least 2.
        version: of the format.
    """

    system: str
    pair: str
    single: str
    criteria: dict[str, str]
    scale: int = 5
    version: int = 1

    def identity(self) -> str:
        """Return a short hash that changes with any edit."""
        return fingerprint(self)[:12]


def load_wording(path: Path | None = None) -> Wording:
    """Read the package's wording, with the parts of `path` in place of its own; criteria are one part.

    Raises:
        DataError: unreadable, not TOML, or with a key that does not exist.
        ConfigurationError: no or too many criteria, or a scale below 2.
    """
    found = _packaged()
    if path is not None:
        found = {**found, **_read(path, found)}
    try:
        wording = msgspec.convert(found, Wording)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: {error}; compare with the package's judge.toml.") from error
    if not 0 < len(wording.criteria) <= MOST_CRITERIA:
        raise ConfigurationError(
            f"{path}: {len(wording.criteria)} criteria; give between 1 and {MOST_CRITERIA}."
        )
    if wording.scale < 2:
        raise ConfigurationError(f"{path}: scale {wording.scale!r} must be at least 2.")
    return wording


@cache
def _packaged() -> dict[str, Any]:
    asset = resources.files("skillofmind.evals.judging") / "assets" / "judge.toml"
    return tomllib.loads(asset.read_text(encoding="utf-8"))


def _read(path: Path, known: dict[str, Any]) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a wording for judges.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a TOML file in UTF-8 ({error}).") from error
    for name in found:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
            raise DataError(f"{path}: key {name!r} is unknown; {hint}")
    return found
