"""Texts that try to choose the skill: inside the last turn, inside the context, inside a speaker's name."""

from collections.abc import Callable
from typing import Literal

import msgspec

from skillofmind.core.dialogue import Dialogue, Speaker
from skillofmind.evals.audits.arms import Change, Scene
from skillofmind.evals.audits.changes.texts import addressee, with_fact, with_last_turn, with_speaker
from skillofmind.evals.audits.changes.wording import load_wording

Place = Literal["turn", "context", "name"]

PLACES: tuple[Place, ...] = ("turn", "context", "name")
"""Where an attack can stand."""


def attacked(place: Place, wording: str) -> Change:
    """Make the change that writes an attack into a dialogue.

    Args:
        place: where.
        wording: the text, with `{target}` for the skill.
    """

    def attack(scene: Scene) -> Dialogue | None:
        return _WRITERS[place](scene.dialogue, wording.replace("{target}", scene.target))

    return attack


def attacks() -> dict[str, str]:
    """Return name -> text with `{target}`."""
    return load_wording().attacks


def _in_turn(dialogue: Dialogue, text: str) -> Dialogue | None:
    return with_last_turn(dialogue, lambda said: f"{said}\n{text}")


def _in_context(dialogue: Dialogue, text: str) -> Dialogue | None:
    return with_fact(dialogue, text)


def _in_name(dialogue: Dialogue, text: str) -> Dialogue | None:
    key = addressee(dialogue)

    def renamed(speaker: Speaker) -> Speaker:
        return msgspec.structs.replace(speaker, name=f"{speaker.name or key}\n{text}")

    return with_speaker(dialogue, key, renamed) if key else None


_WRITERS: dict[Place, Callable[[Dialogue, str], Dialogue | None]] = {
    "turn": _in_turn,
    "context": _in_context,
    "name": _in_name,
}
