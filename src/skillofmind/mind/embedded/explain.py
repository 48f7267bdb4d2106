"""Explanations from evidence: which turn and which fact moved the choice, said in the first person.

Nothing is made up: the sentences quote the parts whose removal lowered the choice most, and end in the aim
that the taxonomy gives for the chosen skill. English and Korean wording.
"""

from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Alternative, Evidence
from skillofmind.core.skill import Skill
from skillofmind.mind.embedded.features import MAX_CHARS
from skillofmind.mind.render import display_names, quoted
from skillofmind.mind.taxonomy import Taxonomy

WEAK = 0.1
"""Evidence below this many log-odds is not worth quoting."""

CLOSE = 0.7
"""The runner-up is mentioned when it has at least this share of the chosen skill's probability."""

_TOLD_BY = 3


def explain(
    dialogue: Dialogue,
    evidence: tuple[Evidence, ...],
    ranked: tuple[Alternative, ...],
    taxonomy: Taxonomy,
) -> str:
    """Return two or three sentences: what weighs, what I want to do, and what came close.

    Args:
        dialogue: what was planned for.
        evidence: strongest first.
        ranked: skills, the chosen one first; at least one.
        taxonomy: gives the aims and the differences.
    """
    speaks_for = [item for item in evidence if item.effect >= WEAK and item.quote]
    case = _Case(
        dialogue=dialogue,
        turn=next((item for item in speaks_for if item.kind == "turn"), None),
        fact=next((item for item in speaks_for if item.kind == "context"), None),
        skill=taxonomy.get(ranked[0].skill),
        second=_close_second(ranked, taxonomy),
    )
    return _korean(case) if _in_korean(dialogue) else _english(case)


class _Case(NamedTuple):
    """What an explanation is made of: the strongest turn and fact, the choice, and what came close."""

    dialogue: Dialogue
    turn: Evidence | None
    fact: Evidence | None
    skill: Skill
    second: Skill | None


def _in_korean(dialogue: Dialogue) -> bool:
    """Return what the dialogue says of itself; where it says nothing, what most letters of its end are."""
    if dialogue.lang:
        return dialogue.lang.lower().partition("-")[0] == "ko"
    letters = [
        char for turn in dialogue.turns[-_TOLD_BY:] for char in turn.text[-MAX_CHARS:] if char.isalpha()
    ]
    return 2 * sum("가" <= char <= "힣" for char in letters) > len(letters)


def _english(case: _Case) -> str:
    aim = case.skill.aim or f"answer with {case.skill.name}"
    sentences = [f"{_because(case)}, so I want to {aim}."]
    if case.second is not None:
        sentences.append(f"{case.second.name} would come close.")
        if case.skill.contrast == case.second.name and case.skill.difference:
            sentences.append(case.skill.difference)
    return " ".join(sentences)


def _because(case: _Case) -> str:
    known = f'what I know beforehand ("{_bare(case.fact.quote)}")' if case.fact else ""
    if case.turn is not None:
        mine = _mine(case.dialogue, case.turn)
        source, verb = (
            ("My own words", "weigh") if mine else (f"What {_who(case.dialogue, case.turn)} said", "weighs")
        )
        said = f'{source}, "{_bare(case.turn.quote)}", {verb}'
        return f"{said} with me, together with {known}" if known else f"{said} most with me here"
    if known:
        return f"W{known[1:]} weighs more with me than any one turn"
    return "No single turn or fact stands out for me; it is how the talk runs as a whole"


def _korean(case: _Case) -> str:
    aim = case.skill.aims.get("ko") or f"{case.skill.label('ko')}(으)로 답하고 싶다"
    reasons = []
    if case.turn is not None:
        mine = _mine(case.dialogue, case.turn)
        source = "내가 했던" if mine else f"{_who(case.dialogue, case.turn)}의"
        reasons.append(f"{source} “{_bare(case.turn.quote)}”라는 말")
    if case.fact is not None:
        reasons.append(f"미리 알고 있는 사정(“{_bare(case.fact.quote)}”)")
    because = " 그리고 ".join(reasons)
    first = (
        f"나는 {because}이 마음에 걸린다." if because else "한 마디보다는 대화의 흐름 전체가 그렇게 느껴진다."
    )
    close = f" {case.second.label('ko')}도 어울릴 것 같다." if case.second is not None else ""
    return f"{first} 그래서 나는 {aim}.{close}"


def _close_second(ranked: tuple[Alternative, ...], taxonomy: Taxonomy) -> Skill | None:
    if len(ranked) < 2 or ranked[0].confidence is None or ranked[1].confidence is None:
        return None
    return taxonomy.get(ranked[1].skill) if ranked[1].confidence >= CLOSE * ranked[0].confidence else None


def _who(dialogue: Dialogue, evidence: Evidence) -> str:
    speaker = dialogue.turns[int(evidence.where)].speaker
    return quoted(display_names(dialogue).get(speaker, speaker), 80)


def _mine(dialogue: Dialogue, evidence: Evidence) -> bool:
    return dialogue.turns[int(evidence.where)].speaker == dialogue.next_speaker()


def _bare(quote: str) -> str:
    return quote.replace('"', "'").replace("“", "'").replace("”", "'").rstrip(" .")
