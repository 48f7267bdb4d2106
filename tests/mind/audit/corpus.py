"""Small annotated dialogues that the tests of the audit share."""

from skillofmind.core.dialogue import Annotation, Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.mind.audit.labels import SCHEME

THOUGHT = "I know how that feels, and I want her to hear it."
OTHER = "Well, you should have studied harder for that test."


def labels(first: str = "", second: str = "", settled: str = "") -> tuple[Label, ...]:
    given = {"first": first, "second": second, "settled": settled}
    return tuple(Label(SCHEME, value, annotator) for annotator, value in given.items() if value)


def answer(
    text: str = "Oh no, that must sting after all those weeks.",
    skill: str = "Empathy",
    explanation: str = THOUGHT,
    counterfactual: str | None = OTHER,
    marks: tuple[Label, ...] = (),
) -> Turn:
    return Turn("Ben", text, annotations=(Annotation(skill, explanation, counterfactual),), labels=marks)


def talk(
    id: str = "own:1",
    *turns: Turn,
    opening: str = "I failed my exam again.",
    situation: str = "Ana comes home late.",
    pair: str | None = None,
    split: str = "train",
    lang: str = "en",
) -> Dialogue:
    return Dialogue(
        (Turn("Ana", opening), *(turns or (answer(),))),
        context=SocialContext(situation=situation),
        id=id,
        speakers=(Speaker("Ana", role="sister", attributes={"age": "19"}), Speaker("Ben")),
        split=split,
        lang=lang,
        scenario="emotional",
        licence="CC-BY-4.0",
        meta={"pair": pair} if pair else {},
    )
