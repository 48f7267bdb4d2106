"""Twelve rows, one for each thing that can become of a row, with replies written by hand."""

import msgspec

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import Answer, Role
from skillofmind.mind.annotate.ledger import Work

GOLD = "I am sorry, that exam was brutal, shall we study together on Sunday?"
AWAY = "My cousin sells second hand bicycles near the harbour every spring, so cheap."
THOUGHT = "I see how much it hurts, and I want to help."


def row(name: str, corpus: str = "own", licence: str = "CC0") -> Instance:
    talk = Dialogue(
        (Turn("Ana", "I failed again."),),
        id=f"{corpus}:{name}",
        corpus=corpus,
        licence=licence,
        responder="Ben",
    )
    return Instance(f"0:{corpus}:{name}", talk, Turn("Ben", GOLD), 1)


def reply(skill: str = "Empathy", explanation: str = THOUGHT, counterfactual: str = AWAY) -> str:
    return msgspec.json.encode([_object(skill, explanation, counterfactual)]).decode()


def _object(skill: str, explanation: str, counterfactual: str) -> dict[str, str]:
    return {"skill": skill, "explanation": explanation, "counterfactual response": counterfactual}


TWO = msgspec.json.encode(
    [
        _object("Empathy", "I feel with her, as I would want her to with me.", AWAY),
        _object("Small Talk", "I want to chat.", AWAY),
        _object("helpfulness", "I can offer a plan that is small enough.", AWAY),
    ]
).decode()

CASES: dict[str, tuple[str, list[tuple[Role, str]]]] = {
    # name: (reason, replies); "" is a row that is annotated.
    "right": ("", [("teacher", reply())]),
    "two": ("", [("teacher", TWO)]),
    "repaired": ("", [("teacher", "Sorry?"), ("repair", reply(explanation="I feel lost in her place."))]),
    "no_json": ("no_json", [("teacher", "Sorry?"), ("repair", "Sorry!")]),
    "incomplete": ("incomplete", [("teacher", '{"skill": "Empathy"}'), ("repair", '{"skill": "Empathy"}')]),
    "oov": ("oov", [("teacher", reply("Comforting")), ("repair", reply("Small Talk"))]),
    # Novel units of the gold reply: am sorry that exam was brutal shall we study together on sunday (12; "i"
    # is in the dialogue). The explanation has study, together, on, sunday, we: 5 of 12; none of AWAY's.
    "leak": ("leak", [("teacher", reply(explanation="I think we can study together on Sunday."))]),
    "person": ("not_first_person", [("teacher", reply(explanation="A kind word is wanted now."))]),
    "close": ("counterfactual_close", [("teacher", reply(explanation="I care.", counterfactual=GOLD))]),
    # 13 words of gold: from 13 / 2 - 4 = 2.5 to 13 * 2 + 4 = 30 words are allowed.
    "short": ("counterfactual_length", [("teacher", reply("Empathy", "I wait.", "Buy shoes."))]),
    "double": ("duplicate_explanation", [("teacher", reply("Ethics", f"  {THOUGHT.upper()} "))]),
}  # fmt: skip


def rows() -> list[Instance]:
    """Return the rows in order; the last one was never asked."""
    corpora = {"oov": ("sold", "not stated"), "double": ("sold", "not stated")}
    return [row(name, *corpora.get(name, ())) for name in (*CASES, "waiting")]


def works() -> dict[str, Work]:
    """Return row id -> its work."""
    found = {}
    for one in rows():
        name = one.id.rpartition(":")[2]
        if name in CASES:
            answers = [answer(role, text) for role, text in CASES[name][1]]
            found[one.id] = Work(tuple(answers), settled=True)
    return found


def answer(role: Role, text: str) -> Answer:
    return Answer(
        role,
        text=text,
        stop="stop",
        usage=Usage(100, 10),
        attempts=2,
        seconds=0.25,
        time="2025-01-02T03:04:05",
        model="tiny-1",
        request="abc",
    )
