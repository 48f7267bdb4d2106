"""Where the likeness of dialogues by meaning separates a rewritten dialogue from one that shares its topic.

    python -m benchmarks.likeness --out results/benchmarks/likeness.json

`mind.audit.likeness.nearest` compares dialogues by the vectors of their pieces. Measured here, with the
packaged encoder on the starter dialogues of one language:

- *unrelated*: all pairs of different dialogues, without the rows of one `meta.pair`.
- *nearest*: the most alike of these for each dialogue.
- *rewritten*: dialogues that were told again in other words, with other names (`benchmarks/rewritten.jsonl`).
- *edited*: copies with one word in three left out and all names changed, of 300 dialogues.
- *in another one*: the same copies, each between two others.

A threshold is good where hardly an unrelated pair is above it and hardly a copy below. Korean is measured to
show why it is not compared: the encoder was trained on English.
"""

import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.measure import machine, parser, report
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.mind.audit.likeness.nearest import ALIKE, likeness, pieces
from skillofmind.mind.starter import starter_dialogues
from skillofmind.models.local.encoder import TextEncoder

Floats = np.typing.NDArray[np.float32]
REWRITTEN = Path(__file__).with_name("rewritten.jsonl")
SEED = 7
_LEFT_OUT = 1 / 3
_EDITED = 300
_NAMES = ("Robin", "Sasha", "Kim", "Noor", "Alex", "Jun")
_THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)


class Rewritten(msgspec.Struct, frozen=True):
    """A dialogue told again.

    Attributes:
        of: id of the dialogue.
        turns: what is said.
    """

    of: str
    turns: tuple[str, ...]


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__).parse_args()
    report({"benchmark": "likeness", "machine": machine(), **measure()}, options.out)


def measure() -> dict[str, Any]:
    """Return all numbers."""
    encoder = TextEncoder()
    found: dict[str, Any] = {"encoder": encoder.identity, "threshold": ALIKE}
    for lang in ("en", "ko"):
        own = [dialogue for dialogue in starter_dialogues() if dialogue.lang == lang]
        found[lang] = {"dialogues": len(own), **_language(own, encoder, rewritten=lang == "en")}
    return found


def _language(own: Sequence[Dialogue], encoder: TextEncoder, *, rewritten: bool) -> dict[str, Any]:
    cut = [pieces(dialogue) for dialogue in own]
    vectors = _vectors(cut, encoder)
    between = likeness(vectors, cut, vectors, cut)
    pairs = np.array([str(d.meta.get("pair") or f"row {d.id}") for d in own])
    different = pairs[:, None] != pairs[None, :]
    chosen = sorted(random.Random(SEED).sample(range(len(own)), min(_EDITED, len(own))))
    edits = [edited(own[n], random.Random(f"{SEED} {own[n].id}")) for n in chosen]
    inside = [_between(edits[n - 1], edits[n], edits[(n + 1) % len(edits)]) for n in range(len(edits))]
    parts = {
        "unrelated": between[different],
        "nearest": np.where(different, between, -1).max(axis=1),
        "edited": _to_others(vectors, cut, edits, encoder)[chosen, range(len(chosen))],
        "in_another_one": _to_others(vectors, cut, inside, encoder)[chosen, range(len(chosen))],
    }
    if rewritten:
        parts["rewritten"] = _rewritten(own, vectors, cut, encoder)
    return {name: described(values) for name, values in parts.items()}


def _rewritten(
    own: Sequence[Dialogue], vectors: Floats, cut: Sequence[Sequence[str]], encoder: TextEncoder
) -> Floats:
    """Return the likeness of each told-again dialogue to the one it was made of."""
    told = [msgspec.json.decode(line, type=Rewritten) for line in REWRITTEN.read_bytes().splitlines()]
    made = [Dialogue(tuple(Turn("AB"[n % 2], text) for n, text in enumerate(one.turns))) for one in told]
    again = [pieces(dialogue) for dialogue in made]
    found = likeness(vectors, cut, _vectors(again, encoder), again)
    place = {dialogue.id: row for row, dialogue in enumerate(own)}
    return np.array([found[place[one.of], column] for column, one in enumerate(told)], dtype=np.float32)


def _to_others(
    vectors: Floats, cut: Sequence[Sequence[str]], others: Sequence[Dialogue], encoder: TextEncoder
) -> Floats:
    """Return the likeness of each dialogue to others."""
    found = [pieces(other) for other in others]
    return likeness(vectors, cut, _vectors(found, encoder), found)


def edited(dialogue: Dialogue, draw: random.Random) -> Dialogue:
    """Return a copy with one word in three left out and the speakers' names changed wherever they stand."""
    names = sorted({word for turn in dialogue.turns for word in turn.speaker.split()} | {"User"})
    other = dict(zip(names, draw.choices(_NAMES, k=len(names)), strict=True))
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")

    def changed(text: str) -> str:
        words = pattern.sub(lambda match: other[match[0]], text).split()
        return " ".join(word for word in words if draw.random() >= _LEFT_OUT) or text

    turns = tuple(Turn(turn.speaker, changed(turn.text)) for turn in dialogue.turns)
    return Dialogue(turns, lang=dialogue.lang)


def _between(before: Dialogue, dialogue: Dialogue, after: Dialogue) -> Dialogue:
    return Dialogue((*before.turns, *dialogue.turns, *after.turns), lang=dialogue.lang)


def described(values: Floats) -> dict[str, Any]:
    """Return the number of values, their quantiles, and how many are at each threshold or above."""
    shares = (0, 0.05, 0.5, 0.95, 0.999, 1)
    return {
        "count": int(values.size),
        "quantiles": {f"{share:g}": round(float(np.quantile(values, share)), 4) for share in shares},
        "at_or_above": {f"{least:g}": int((values >= least).sum()) for least in _THRESHOLDS},
    }


def _vectors(cut: Sequence[Sequence[str]], encoder: TextEncoder) -> Floats:
    return encoder.encode([text for texts in cut for text in texts])


if __name__ == "__main__":
    main()
