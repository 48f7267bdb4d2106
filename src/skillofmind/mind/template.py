"""Prompt wording as data: the package's template, or parts of it replaced by a user's file.

Filling is one pass over the template, so braces or field names inside a dialogue stay what they are.
"""

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record

_FIELD = re.compile(r"\{([a-z_]+)\}")


class PlannerWording(Record, frozen=True):
    """For a fine-tuned planner; `user` has the fields social_context, dialogue, responder."""

    system: str
    user: str


class PromptedWording(Record, frozen=True):
    """For any chat model; `user` has the fields skills, social_context, dialogue, responder."""

    system: str
    user: str
    repair: str


class AgentWording(Record, frozen=True):
    """How a plan is shown to the response model; fields explanation, skill, definition."""

    both: str
    skill: str
    explanation: str
    note: str


class AnnotateWording(Record, frozen=True):
    """For a teacher that annotates a turn which was really said.

    Fields of `user`: skills, definitions, social_context, dialogue, responder, reply, language, length; of
    `repair`: fault; of `judge`: definitions, social_context, dialogue, responder, reply, first, second.
    """

    system: str
    user: str
    repair: str
    judge: str


class Template(Record, frozen=True):
    """All prompt wording."""

    planner: PlannerWording
    prompted: PromptedWording
    agent: AgentWording
    annotate: AnnotateWording
    version: int = 1

    def identity(self) -> str:
        """Return a short hash that changes with any edit; part of planner identities."""
        return fingerprint(self)[:12]


def fill(wording: str, fields: Mapping[str, str]) -> str:
    """Replace every `{name}` of `fields` in `wording`; other braces are left alone."""
    return _FIELD.sub(lambda found: fields.get(found[1], found[0]), wording)


def load_template(path: Path | None = None) -> Template:
    """Read the package's template, with the sections of `path` in place of its own.

    Raises:
        DataError: unreadable, not TOML, or a section or key that does not exist.
    """
    if path is None:
        return _packaged()
    sections = _sections()
    for name, value in _read(path).items():
        _known(name, sections, f"{path}: section")
        if isinstance(value, dict) and isinstance(sections[name], dict):
            for key in value:
                _known(key, sections[name], f"{path}: [{name}] key")
            value = {**sections[name], **value}
        sections[name] = value
    try:
        return msgspec.convert(sections, Template)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: {error}; compare with the package's template.toml.") from error


@cache
def _packaged() -> Template:
    return msgspec.convert(_sections(), Template)


def _sections() -> dict[str, Any]:
    asset = resources.files("skillofmind.mind") / "assets" / "template.toml"
    return tomllib.loads(asset.read_text(encoding="utf-8"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a template file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a TOML file in UTF-8 ({error}).") from error


def _known(name: str, known: Mapping[str, Any], where: str) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}."
        raise DataError(f"{where} {name!r} is unknown; {hint}")
