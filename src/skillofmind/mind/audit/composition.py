"""What an annotated corpus consists of, and what is malformed about its dialogues.

Hard checks: every dialogue has an id of its own, at least two turns, and words or a picture in each turn.
That speakers alternate is counted, not asked for: people do speak twice in a row.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.picture import image_of
from skillofmind.core.record import Record
from skillofmind.data.stats import NONE
from skillofmind.mind.audit.finding import Finding, Verdict, verdict
from skillofmind.mind.taxonomy import Taxonomy

SHORT, LONG = 6, 16
"""Turns of a dialogue of usual length: at least, at most."""


class Composition(Record, frozen=True):
    """Counts of a corpus; every table maps a value to its number, by falling number.

    Attributes:
        dialogues: dialogues.
        turns: turns.
        annotated: turns with an annotation.
        usual_length: dialogues of `SHORT` to `LONG` turns.
        alternating: dialogues in which no speaker has two turns in a row.
        lengths: turns of a dialogue -> dialogues, by length.
        languages: language -> dialogues.
        scenarios: scenario -> dialogues.
        splits: split -> dialogues.
        licences: licence -> dialogues.
        annotated_languages: language -> annotated turns.
        annotated_splits: split -> annotated turns.
        skills: skill -> annotated turns; skills of the taxonomy without any are there, with 0.
        categories: category -> annotated turns.
        rarest: skill with the fewest annotated turns; "" without a taxonomy skill.
    """

    dialogues: int
    turns: int
    annotated: int
    usual_length: int
    alternating: int
    lengths: dict[int, int]
    languages: dict[str, int]
    scenarios: dict[str, int]
    splits: dict[str, int]
    licences: dict[str, int]
    annotated_languages: dict[str, int]
    annotated_splits: dict[str, int]
    skills: dict[str, int]
    categories: dict[str, int]
    rarest: str


def composition(dialogues: Sequence[Dialogue], taxonomy: Taxonomy) -> Composition:
    """Count what there is; of a turn with several annotations, the first one counts."""
    lengths = Counter(len(dialogue.turns) for dialogue in dialogues)
    marked = [
        (dialogue, turn.annotations[0].skill)
        for dialogue in dialogues
        for turn in dialogue.turns
        if turn.annotations
    ]
    skills = Counter(dict.fromkeys(taxonomy.names(), 0))
    skills.update(skill for _, skill in marked)
    category = {skill.name: skill.category for skill in taxonomy.skills}
    return Composition(
        dialogues=len(dialogues),
        turns=sum(size * count for size, count in lengths.items()),
        annotated=len(marked),
        usual_length=sum(count for size, count in lengths.items() if SHORT <= size <= LONG),
        alternating=sum(alternates(dialogue) for dialogue in dialogues),
        lengths=dict(sorted(lengths.items())),
        languages=table(dialogue.lang for dialogue in dialogues),
        scenarios=table(dialogue.scenario for dialogue in dialogues),
        splits=table(dialogue.split for dialogue in dialogues),
        licences=table(dialogue.licence for dialogue in dialogues),
        annotated_languages=table(dialogue.lang for dialogue, _ in marked),
        annotated_splits=table(dialogue.split for dialogue, _ in marked),
        skills=ranked(skills),
        categories=table(category[skill] for _, skill in marked if skill in category),
        rarest=min(taxonomy.names(), key=lambda name: (skills[name], name), default=""),
    )


def alternates(dialogue: Dialogue) -> bool:
    """Say whether no speaker has two turns in a row."""
    return all(one.speaker != other.speaker for one, other in pairwise(dialogue.turns))


def table(values: Iterable[str | None]) -> dict[str, int]:
    """Return value -> number, by falling number; what is not given counts as `(none)`."""
    return ranked(Counter(value or NONE for value in values))


def ranked(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts by falling number, equal ones by name."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def malformed(dialogues: Iterable[Dialogue]) -> Iterator[Finding]:
    """Yield what keeps a dialogue from being used: no id or one that is taken, one turn, an empty turn."""
    seen: set[str] = set()
    for dialogue in dialogues:
        if not dialogue.id:
            yield Finding("id", "", "a dialogue has no id; splits are made by it.")
        elif dialogue.id in seen:
            yield Finding("id", dialogue.id, "an earlier dialogue has this id, too.")
        seen.add(dialogue.id)
        if len(dialogue.turns) < 2:
            yield Finding("turns", dialogue.id, f"{len(dialogue.turns)} turns; an answer needs two.")
        for number, turn in enumerate(dialogue.turns, 1):
            if not turn.text.strip() and image_of(turn) is None:
                yield Finding("empty_turn", dialogue.id, "neither words nor a picture.", number)


def verdicts(findings: Sequence[Finding]) -> tuple[Verdict, ...]:
    """Return the verdicts on what `malformed` found; rows that were no dialogues stand under `row`."""
    return (
        verdict("row", findings, "rows that are no dialogues", hard=True),
        verdict("id", findings, "dialogues without an id of their own", hard=True),
        verdict("turns", findings, "dialogues of fewer than two turns", hard=True),
        verdict("empty_turn", findings, "turns without words or picture", hard=True),
    )
