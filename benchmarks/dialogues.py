"""Dialogues like ours, in any number: the packaged demo dialogues, cut and continued by a fixed seed."""

import random
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Annotation, Dialogue, Label, Turn
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import demo_path


def many(count: int, seed: int = 0) -> list[Dialogue]:
    """Return `count` different dialogues of 6 to 16 turns, a third of the turns annotated."""
    random_numbers = random.Random(seed)
    kinds = list(accepted(read_dialogues(demo_path())))
    return [_varied(kinds[i % len(kinds)], i, random_numbers) for i in range(count)]


def from_file(path: Path | None) -> list[Dialogue]:
    """Return the dialogues of a JSONL file; of the package without one."""
    return list(accepted(read_dialogues(path or demo_path())))


def _varied(kind: Dialogue, number: int, random_numbers: random.Random) -> Dialogue:
    turns = tuple(
        _annotated(random_numbers.choice(kind.turns), number, random_numbers)
        for _ in range(random_numbers.randint(6, 16))
    )
    return msgspec.structs.replace(kind, turns=turns, id=f"bench:{number}", corpus="bench", split="train")


def _annotated(turn: Turn, number: int, random_numbers: random.Random) -> Turn:
    if random_numbers.random() > 1 / 3:
        return msgspec.structs.replace(turn, meta={"position": number, "source": "bench"})
    why = f"They say {turn.text[:60]!r}, so I would first show that I heard it (case {number})."
    return msgspec.structs.replace(
        turn,
        annotations=(Annotation("Empathy", why, annotator="bench"),),
        labels=(Label("bench.kind", "support", rank=random_numbers.randint(1, 3)),),
    )
