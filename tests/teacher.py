"""A teacher that is a program: it annotates what it is asked about, and errs in ways that can be foreseen.

`Teacher` is the reply function of an `Upstream`. What it does with a row depends on the words of the request
alone, so a test can say beforehand what must become of it: `Teacher.kind`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from skillofmind.mind.taxonomy import load_taxonomy

SKILLS = load_taxonomy().names()
UNKNOWN = ("Small Talk", "Comforting", "Weather Talk")

_BLOCK = r"\[{}\]\n(.*?)\n\n\["
_REPLY = re.compile(_BLOCK.format("Next Response"), re.DOTALL)
_DIALOGUE = re.compile(_BLOCK.format("Dialogue"), re.DOTALL)

_THOUGHTS = (
    "I notice what weighs here and I want to meet it with care before anything else",
    "I think this is the moment to slow down, and I would rather listen than push",
    "I sense that a plain and honest word is wanted from me, nothing more",
    "I hear how much hangs on it for them, so I keep my own wishes back for now",
)
_AWAY = (
    "penguins", "violins", "glaciers", "pottery", "volcanoes", "harpsichords", "lighthouses", "marmalade",
    "zeppelins", "crosswords", "origami", "tectonics", "bagpipes", "sundials", "kaleidoscopes", "stalactites",
)  # fmt: skip

Rates = Mapping[str, float]
"""Kind of reply -> share of the rows that get it; the rest is right."""

USUAL: Rates = {
    "fenced": 0.025,
    "broken": 0.025,
    "unknown": 0.03,
    "two": 0.05,
    "leak": 0.01,
    "third_person": 0.01,
    "no_counterfactual": 0.01,
}


class Teacher:
    """Callable from request body to text.

    Attributes:
        rates: what it gets wrong, and how often.
        stubborn: share of the faulty rows whose repair is as bad as the first reply.
    """

    def __init__(self, rates: Rates = USUAL, stubborn: float = 0.5, name: str = "") -> None:
        self.rates = rates
        self.stubborn = stubborn
        self.name = name

    def __call__(self, body: dict[str, Any]) -> str:
        messages = body["messages"]
        asked = messages[1]["content"] if len(messages) > 1 else messages[0]["content"]
        if "[Annotation A]" in asked:
            return json.dumps({"choice": "A" if _point(asked, "judge") < 0.5 else "B"})
        kind = self.kind(asked)
        if len(messages) > 2 and not self.is_stubborn(asked):
            kind = "right"
        return self.write(asked, kind)

    def kind(self, asked: str) -> str:
        """Return what the first reply to a request is like."""
        point = _point(asked, f"kind{self.name}")
        for kind, rate in self.rates.items():
            point -= rate
            if point < 0:
                return kind
        return "right"

    def is_stubborn(self, asked: str) -> bool:
        """Say whether a repair request changes nothing."""
        return _point(asked, "stubborn") < self.stubborn

    def write(self, asked: str, kind: str) -> str:
        first = self._annotation(asked, 0)
        if kind == "two":
            return json.dumps([first, self._annotation(asked, 1)])
        if kind == "unknown":
            first["skill"] = UNKNOWN[_number(asked, "unknown") % len(UNKNOWN)]
        if kind == "leak":
            first["explanation"] = f"I will say: {gold(asked)}"
        if kind == "third_person":
            first["explanation"] = f"A kind word {_number(asked, 'third')} is wanted now."
        if kind == "no_counterfactual":
            del first["counterfactual response"]
        text = json.dumps([first], ensure_ascii=False)
        if kind == "fenced":
            return f"Here is the annotation:\n```json\n{text[:-2]},}},]\n```"
        return text[: len(text) // 3] if kind == "broken" else text

    def skill(self, asked: str, place: int = 0) -> str:
        """Return the skill of an annotation, some of them more often than others."""
        point = _point(asked, f"skill{place}{self.name}")
        return SKILLS[int(point * point * len(SKILLS))]

    def _annotation(self, asked: str, place: int) -> dict[str, str]:
        number = _number(asked, f"thought{place}")
        length = max(2, len(gold(asked).split()))
        away = [_AWAY[(number >> step) % len(_AWAY)] for step in range(length)]
        return {
            "skill": self.skill(asked, place),
            "explanation": f"{_THOUGHTS[number % len(_THOUGHTS)]}, and my case is {number}.",
            "counterfactual response": " ".join(away),
        }


def gold(asked: str) -> str:
    """Return the words of the next response in a request."""
    found = _REPLY.search(asked)
    assert found is not None, asked[:200]
    return found[1].partition(": ")[2]


def _number(text: str, salt: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}\0{text}".encode()).digest()[:6])


def _point(text: str, salt: str) -> float:
    """Return a number in [0, 1)."""
    return _number(text, salt) / 2**48
