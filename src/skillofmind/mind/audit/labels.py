"""Agreement of two annotators on the skill of each turn, and what was settled where they differ.

A turn carries labels of the scheme `skillofmind.skill` by the annotators `first` and `second` (who labelled
without seeing the first label) and, where these differ, by `settled`. Agreement is Cohen's kappa with its
95 % interval, over skills, over their categories, and within a category (turns that both put into it).

    >>> from skillofmind.core.dialogue import Label, Turn
    >>> marks = (Label(SCHEME, "Empathy", "first"), Label(SCHEME, "Empathy", "second"))
    >>> talk = Dialogue((Turn("A", "Oh no."), Turn("B", "Poor you!", labels=marks)))
    >>> [(rated.turn, rated.first, rated.second) for rated in ratings([talk])]
    [(2, 'Empathy', 'Empathy')]
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.record import Record
from skillofmind.mind.audit.finding import Finding, Verdict, verdict
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.scorers.agreement import Agreement, cohen_kappa, kappa_by_label

SCHEME = "skillofmind.skill"
"""Label scheme of the skills."""

FIRST, SECOND, SETTLED = "first", "second", "settled"
"""Annotators."""

_CONFUSIONS = 15


class Rated(NamedTuple):
    """The labels of one turn; "" stands for one that is not there.

    Attributes:
        id: of the dialogue.
        turn: number of the turn, from 1.
        lang: of the dialogue.
        skill: the skill of the annotation.
        first: by the first annotator.
        second: by the second.
        settled: what was decided.
        choices: all that the second annotator gave, second choices included.
    """

    id: str
    turn: int
    lang: str
    skill: str
    first: str
    second: str
    settled: str
    choices: tuple[str, ...]


class Confusion(Record, frozen=True):
    """Two skills that the annotators exchanged, in either order, and on how many turns."""

    one: str
    other: str
    turns: int


class LabelAgreement(Record, frozen=True):
    """How far the two annotators agree.

    Attributes:
        turns: turns with both labels.
        missing: annotated turns that lack one or both.
        skills: kappa over skills.
        categories: kappa over categories.
        by_category: category -> kappa of that category against all others.
        within_category: category -> kappa over skills, of turns that both put into it.
        by_skill: skill -> kappa of that skill against all others.
        by_language: language -> kappa over skills.
        in_choices: share of turns where the first label is among the second annotator's choices.
        differ: turns with different labels.
        settled_first: of these, settled for the first label.
        settled_second: settled for the second.
        settled_other: settled for a third skill.
        unsettled: not settled.
        confusions: the skills that were exchanged most often.
    """

    turns: int
    missing: int
    skills: Agreement
    categories: Agreement
    by_category: dict[str, Agreement]
    within_category: dict[str, Agreement]
    by_skill: dict[str, Agreement]
    by_language: dict[str, Agreement]
    in_choices: float | None
    differ: int
    settled_first: int
    settled_second: int
    settled_other: int
    unsettled: int
    confusions: tuple[Confusion, ...]


def ratings(dialogues: Iterable[Dialogue]) -> Iterator[Rated]:
    """Yield the labels of every turn that has an annotation or a label of the scheme."""
    for dialogue in dialogues:
        for number, turn in enumerate(dialogue.turns, 1):
            if turn.annotations or any(label.scheme == SCHEME for label in turn.labels):
                yield _rated(dialogue, number, turn)


def _rated(dialogue: Dialogue, number: int, turn: Turn) -> Rated:
    given: dict[str | None, list[str]] = {}
    for label in sorted(turn.labels, key=lambda label: label.rank):
        if label.scheme == SCHEME:
            given.setdefault(label.annotator, []).append(label.value)
    best = {annotator: values[0] for annotator, values in given.items()}
    return Rated(
        dialogue.id,
        number,
        turn.lang or dialogue.lang,
        turn.annotations[0].skill if turn.annotations else "",
        best.get(FIRST, ""),
        best.get(SECOND, ""),
        best.get(SETTLED, ""),
        tuple(given.get(SECOND, ())),
    )


def agreement(rows: Sequence[Rated], taxonomy: Taxonomy) -> LabelAgreement | None:
    """Return the agreement; `None` where no turn has both labels."""
    both = [row for row in rows if row.first and row.second]
    if not both:
        return None
    category = {skill.name: skill.category for skill in taxonomy.skills}
    differing = [row for row in both if row.first != row.second]
    ends = Counter(_end(row) for row in differing)
    return LabelAgreement(
        turns=len(both),
        missing=len(rows) - len(both),
        skills=_kappa(both),
        categories=_kappa(_mapped(both, category)),
        by_category=kappa_by_label(*_columns(_mapped(both, category))),
        within_category=_within(both, category),
        by_skill=kappa_by_label(*_columns(both)),
        by_language={
            lang: _kappa([row for row in both if row.lang == lang]) for lang in sorted({r.lang for r in both})
        },
        in_choices=sum(row.first in row.choices for row in both) / len(both),
        differ=len(differing),
        settled_first=ends["first"],
        settled_second=ends["second"],
        settled_other=ends["other"],
        unsettled=ends["unsettled"],
        confusions=_confusions(differing),
    )


def _columns(rows: Sequence[Rated]) -> tuple[list[str], list[str]]:
    return [row.first for row in rows], [row.second for row in rows]


def _kappa(rows: Sequence[Rated]) -> Agreement:
    return cohen_kappa(*_columns(rows))


def _mapped(rows: Iterable[Rated], names: Mapping[str, str]) -> list[Rated]:
    """Return the rows with category names in place of skills; unknown skills stay as they are."""
    return [
        row._replace(first=names.get(row.first, row.first), second=names.get(row.second, row.second))
        for row in rows
    ]


def _within(rows: Sequence[Rated], category: Mapping[str, str]) -> dict[str, Agreement]:
    shared: dict[str, list[Rated]] = {}
    for row in rows:
        name = category.get(row.first)
        if name is not None and category.get(row.second) == name:
            shared.setdefault(name, []).append(row)
    return {name: _kappa(shared[name]) for name in sorted(shared)}


def _end(row: Rated) -> str:
    if not row.settled:
        return "unsettled"
    return {row.first: "first", row.second: "second"}.get(row.settled, "other")


def _confusions(rows: Iterable[Rated]) -> tuple[Confusion, ...]:
    counts = Counter((min(row.first, row.second), max(row.first, row.second)) for row in rows)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(*pair, count) for pair, count in ordered[:_CONFUSIONS])


def findings(rows: Sequence[Rated], taxonomy: Taxonomy) -> Iterator[Finding]:
    """Yield labels that are missing, unknown, unsettled, or not those of the annotation.

    A corpus without any label of the scheme has none of these faults.
    """
    skills = frozenset(taxonomy.names())
    labelled = any(row.first or row.second for row in rows)
    for row in rows if labelled else ():
        for check, why in _faults(row, skills):
            yield Finding(check, row.id, why, row.turn)


def _faults(row: Rated, skills: frozenset[str]) -> Iterator[tuple[str, str]]:
    unknown = sorted({row.first, row.second, row.settled} - skills - {""})
    if unknown:
        yield "label", f"the taxonomy has no skill {unknown[0]!r}."
    if not (row.first and row.second):
        yield "unlabelled", f"no label by {SECOND if row.first else FIRST!r}."
        return
    if row.first != row.second and not row.settled:
        yield "unsettled", f"{row.first} and {row.second}, not settled."
    final = row.settled or (row.first if row.first == row.second else "")
    if final and row.skill != final:
        yield "label_mismatch", f"annotated as {row.skill!r}, the labels say {final!r}."


def verdicts(found: Sequence[Finding]) -> tuple[Verdict, ...]:
    """Return the verdicts on what `findings` found."""
    return (
        verdict("label", found, "turns with a label that the taxonomy has not", hard=True),
        verdict("label_mismatch", found, "annotations that are not what the labels settled", hard=True),
        verdict("unsettled", found, "turns with two labels and no decision"),
        verdict("unlabelled", found, "annotated turns without both labels"),
    )
