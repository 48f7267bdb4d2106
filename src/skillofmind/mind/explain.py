"""Explanations from evidence: which turn and which fact moved the choice, said in the first person.

Nothing is made up: the sentences quote the parts whose removal lowered the choice most, and end in the aim
that the taxonomy gives for the chosen skill. English and Korean wording.
"""

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Alternative, Evidence
from skillofmind.mind.features import MAX_CHARS
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
    turn = next((item for item in speaks_for if item.kind == "turn"), None)
    fact = next((item for item in speaks_for if item.kind == "context"), None)
    wording = _korean if _in_korean(dialogue) else _english
    return wording(dialogue, turn, fact, ranked, taxonomy)


def _in_korean(dialogue: Dialogue) -> bool:
    """Return what the dialogue says of itself; where it says nothing, what most letters of its end are."""
    if dialogue.lang:
        return dialogue.lang.lower().partition("-")[0] == "ko"
    letters = [
        char for turn in dialogue.turns[-_TOLD_BY:] for char in turn.text[-MAX_CHARS:] if char.isalpha()
    ]
    return 2 * sum("가" <= char <= "힣" for char in letters) > len(letters)


def _english(
    dialogue: Dialogue,
    turn: Evidence | None,
    fact: Evidence | None,
    ranked: tuple[Alternative, ...],
    taxonomy: Taxonomy,
) -> str:
    skill = taxonomy.get(ranked[0].skill)
    aim = skill.aim or f"answer with {skill.name}"
    sentences = [f"{_because_english(dialogue, turn, fact)}, so I want to {aim}."]
    second = _close_second(ranked, taxonomy)
    if second:
        sentences.append(f"{second} would come close.")
        if skill.contrast == second and skill.difference:
            sentences.append(skill.difference)
    return " ".join(sentences)


def _because_english(dialogue: Dialogue, turn: Evidence | None, fact: Evidence | None) -> str:
    said = f'what {_who(dialogue, turn)} said, "{_bare(turn.quote)}",' if turn else ""
    if turn and _mine(dialogue, turn):
        said = f'my own words, "{_bare(turn.quote)}",'
    known = f'what I know beforehand ("{_bare(fact.quote)}")' if fact else ""
    if said and known:
        return f"{_upper(said)} weighs with me, together with {known}"
    if said:
        return f"{_upper(said)} weighs most with me here"
    if known:
        return f"{_upper(known)} weighs more with me than any one turn"
    return "No single turn or fact stands out for me; it is how the talk runs as a whole"


def _korean(
    dialogue: Dialogue,
    turn: Evidence | None,
    fact: Evidence | None,
    ranked: tuple[Alternative, ...],
    taxonomy: Taxonomy,
) -> str:
    skill = taxonomy.get(ranked[0].skill)
    aim = skill.aims.get("ko") or f"{skill.label('ko')}(으)로 답하고 싶다"
    reasons = []
    if turn:
        mine = _mine(dialogue, turn)
        source = "내가 했던" if mine else f"{_who(dialogue, turn)}의"
        reasons.append(f"{source} “{_bare(turn.quote)}”라는 말")
    if fact:
        reasons.append(f"미리 알고 있는 사정(“{_bare(fact.quote)}”)")
    because = " 그리고 ".join(reasons)
    first = (
        f"나는 {because}이 마음에 걸린다." if because else "한 마디보다는 대화의 흐름 전체가 그렇게 느껴진다."
    )
    second = _close_second(ranked, taxonomy)
    close = f" {taxonomy.get(second).label('ko')}도 어울릴 것 같다." if second else ""
    return f"{first} 그래서 나는 {aim}.{close}"


def _close_second(ranked: tuple[Alternative, ...], taxonomy: Taxonomy) -> str | None:
    if len(ranked) < 2 or ranked[0].confidence is None or ranked[1].confidence is None:
        return None
    return (
        taxonomy.get(ranked[1].skill).name if ranked[1].confidence >= CLOSE * ranked[0].confidence else None
    )


def _who(dialogue: Dialogue, evidence: Evidence) -> str:
    speaker = dialogue.turns[int(evidence.where)].speaker
    return quoted(display_names(dialogue).get(speaker, speaker), 80)


def _mine(dialogue: Dialogue, evidence: Evidence) -> bool:
    return dialogue.turns[int(evidence.where)].speaker == dialogue.next_speaker()


def _bare(quote: str) -> str:
    return quote.replace('"', "'").replace("“", "'").replace("”", "'").rstrip(" .")


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
