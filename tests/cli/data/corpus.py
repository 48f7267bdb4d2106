"""A small corpus that the tests of `som data` share."""

from pathlib import Path

from skillofmind.core.dialogue import Annotation, Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.jsonl import write_jsonl


def dialogues(count: int = 6) -> list[Dialogue]:
    return [
        Dialogue(
            turns=tuple(
                Turn(
                    "AB"[n % 2],
                    f"turn {n} of {number}",
                    labels=(Label("test.kind", "odd" if n % 2 else "even"),),
                    annotations=(Annotation("Empathy", "I care."),) if n == 3 else (),
                )
                for n in range(4 + number % 3)
            ),
            context=SocialContext(text=f"They met {number} times.", emotion="sad"),
            id=f"test:{number}",
            speakers=(Speaker("A", name="Ana"), Speaker("B", role="helper")),
            corpus="test",
            lang="en",
        )
        for number in range(count)
    ]


def write(path: Path, count: int = 6, extra: bytes = b"") -> Path:
    path.write_bytes(b"".join(write_jsonl(dialogues(count))) + extra)
    return path
