"""The starter dialogues: written for this project, with skills and explanations (CC BY 4.0).

They train the embedded planner and feed the offline responder. Written and reviewed by language models;
see docs/starter.md.
"""

from functools import cache
from importlib import resources
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.read import accepted, read_dialogues


def asset(name: str) -> Path:
    """Return where the package keeps the data file `name`."""
    return Path(str(resources.files("skillofmind.mind") / "assets" / name))


def starter_path() -> Path:
    """Return where the starter dialogues are."""
    return asset("starter.jsonl")


def demo_path() -> Path:
    """Return where the dialogues of `som demo` are; none of them was trained on."""
    return asset("demo.jsonl")


@cache
def starter_dialogues() -> tuple[Dialogue, ...]:
    """Read all starter dialogues."""
    return tuple(accepted(read_dialogues(starter_path())))
