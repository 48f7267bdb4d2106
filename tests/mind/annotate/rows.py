"""Rows, replies and courses that the tests of annotation share."""

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.data.select import Instance, every_turn, instances
from skillofmind.mind.annotate.course import Answer, Course, Role
from skillofmind.mind.annotate.request import wording
from skillofmind.mind.normalise import Normaliser
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template

EXAM = Dialogue(
    turns=(
        Turn("Ana", "I failed the driving test again."),
        Turn("Ben", "That must sting after all those lessons with your uncle."),
    ),
    context=SocialContext(relationship="flatmates"),
    id="own:exam",
    corpus="own",
    lang="en",
    licence="CC0",
)
ROW = next(instances(EXAM, every_turn))


def course(second: bool = False, lang: str = "") -> Course:
    taxonomy = load_taxonomy()
    return Course(wording(load_template().annotate, taxonomy, lang), Normaliser(taxonomy), second=second)


def reply(*skills: str, explanation: str = "I want Ana to feel that I am on her side.") -> str:
    """Return a right reply with one object for each skill."""
    return msgspec.json.encode(
        [
            {
                "skill": skill,
                "explanation": explanation,
                "counterfactual response": "Shall we order pizza and watch the match tonight?",
            }
            for skill in skills
        ]
    ).decode()


def answer(text: str, role: Role = "teacher", error: str | None = None) -> Answer:
    return Answer(role, text=text, stop="stop", error=error)


def numbered(count: int, corpus: str = "own") -> list[Instance]:
    """Rows that differ in every field that decides something."""
    return [
        Instance(
            f"0:{corpus}:{number}",
            Dialogue(
                (Turn("Ana", f"case {number}: I have something to tell you."),),
                id=f"{corpus}:{number}",
                corpus=corpus,
                responder="Ben",
            ),
            Turn("Ben", f"Tell me about number {number}, I have all evening."),
            1,
        )
        for number in range(count)
    ]
