"""Whether each annotation is whole, in the taxonomy, first-person, and no give-away of the reply.

Explanation leaks, closeness and length are those of `annotate/filters.py`, with the counterfactual reply as
control. The *context leak* asks the same of the social context: units of the reply that stand in no earlier
turn but in the context, against those of the counterfactual:

    context_leak = share(new reply units, context) - share(new counterfactual units, context)

A reply may well use what the context says (a name, a fact to recall); a reply whose new words mostly stand
there was announced by it. Where there is no counterfactual, nothing is subtracted.

    >>> from skillofmind.core.dialogue import Annotation, SocialContext, Turn
    >>> from skillofmind.mind.taxonomy import load_taxonomy
    >>> told = Turn("B", "Come in, kettle is on.", annotations=(Annotation("Comfort", "She is wet."),))
    >>> talk = Dialogue((Turn("A", "Hello?"), told), SocialContext(situation="It rains."), id="a:1")
    >>> [finding.check for finding in findings(judged([talk]), load_taxonomy())]
    ['taxonomy', 'counterfactual', 'first_person']
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record
from skillofmind.data.select import instances
from skillofmind.mind.annotate.filters import Checked, Duplicates, Filters, judge, known
from skillofmind.mind.annotate.reply import Draft
from skillofmind.mind.audit.finding import Finding, Verdict, verdict
from skillofmind.mind.audit.people import context_texts
from skillofmind.mind.taxonomy import Taxonomy
from skillofmind.scorers.overlap import share, units

CONTEXT_LEAK, CONTEXT_UNITS = 0.5, 4
"""Difference of shares, and novel reply units in the context, from which on a row is flagged."""

_ROUNDING = 1e-9


class Judged(NamedTuple):
    """One annotated turn with its measures.

    Attributes:
        id: of the dialogue.
        turn: number of the turn, from 1.
        lang: of the dialogue.
        checked: the flags and measures of the annotation filters.
        context_leak: the difference of shares, -1 to 1.
        context_units: units of the reply that stand in the context and in no earlier turn.
        repeated: whether an earlier annotation has the same explanation.
    """

    id: str
    turn: int
    lang: str
    checked: Checked
    context_leak: float
    context_units: int
    repeated: bool


class Leakage(Record, frozen=True):
    """Means over annotated turns; shares are 0 to 1, `None` where there is nothing to take the mean of.

    Attributes:
        turns: annotated turns.
        controlled: those with a counterfactual, over which the means are taken.
        leak_gold: share of the reply's novel units in the explanation.
        leak_counterfactual: share of the counterfactual's.
        context_leak: reply units that only the context holds, less those of the counterfactual.
        close: unigram F1 of reply and counterfactual.
        length_ratio: length of the counterfactuals in all / length of their replies in all.
    """

    turns: int
    controlled: int
    leak_gold: float | None
    leak_counterfactual: float | None
    context_leak: float | None
    close: float | None
    length_ratio: float | None


def judged(dialogues: Iterable[Dialogue], filters: Filters | None = None) -> Iterator[Judged]:
    """Yield the measures of every annotated turn; of several annotations the first one is judged."""
    filters, seen = filters or Filters(), Duplicates()
    for dialogue in dialogues:
        for row in instances(dialogue, _annotated):
            given = row.target.annotations[0]
            # Whether the taxonomy has the skill is a check of its own.
            draft = Draft(
                given.skill, given.skill, given.explanation.strip(), (given.counterfactual or "").strip()
            )
            lang = row.target.lang or dialogue.lang
            facts = known(row, lang)
            checked = judge(facts, draft, filters)
            leak, count = _context_leak(row.context, facts.words, units(draft.counterfactual, lang), lang)
            repeated = bool(draft.explanation) and seen.seen(draft.explanation)
            yield Judged(dialogue.id, row.index + 1, lang, checked, leak, count, repeated)


def _context_leak(
    before: Dialogue, reply: Collection[str], counterfactual: Collection[str], lang: str
) -> tuple[float, int]:
    said = frozenset(units("\n".join(f"{turn.speaker}\n{turn.text}" for turn in before.turns), lang))
    told = frozenset(units("\n".join(_told(before)), lang)) - said
    new, control = frozenset(reply) - said, frozenset(counterfactual) - said
    return share(new, told) - share(control, told), len(new & told)


def _told(talk: Dialogue) -> Iterator[str]:
    """Yield the words of the social context and of what is known of the speakers."""
    yield from context_texts(talk)
    for speaker in talk.speakers:
        yield from (speaker.role or "", *speaker.attributes.values())


def _annotated(dialogue: Dialogue) -> tuple[int, ...]:
    # Unlike the selection to learn from, with the first turn: its annotation must be in order, too.
    return tuple(index for index, turn in enumerate(dialogue.turns) if turn.annotations)


def findings(rows: Iterable[Judged], taxonomy: Taxonomy) -> Iterator[Finding]:
    """Yield what is wrong or worth a look, turn by turn."""
    skills = frozenset(taxonomy.names())
    for row in rows:
        for check, why in (*_incomplete(row, skills), *_flagged(row)):
            yield Finding(check, row.id, why, row.turn)


def _incomplete(row: Judged, skills: frozenset[str]) -> Iterator[tuple[str, str]]:
    draft = row.checked.draft
    if draft.skill not in skills:
        yield "taxonomy", f"the taxonomy has no skill {draft.skill_raw!r}."
    if not draft.explanation:
        yield "explanation", "no explanation."
    if not draft.counterfactual:
        yield "counterfactual", "no counterfactual reply."
    if draft.explanation and "not_first_person" in row.checked.flags:
        yield "first_person", f"not in the first person: {shortened(draft.explanation)!r}"


def _flagged(row: Judged) -> Iterator[tuple[str, str]]:
    flags, measures = row.checked.flags, row.checked.measures
    if "leak" in flags:
        found = f"{measures['leak_gold']:.2f} - {measures['leak_counterfactual']:.2f}"
        yield (
            "leak",
            f"the explanation holds {measures['leak_units']:.0f} novel words of the reply ({found}).",
        )
    if row.context_units >= CONTEXT_UNITS and row.context_leak + _ROUNDING >= CONTEXT_LEAK:
        yield (
            "context_leak",
            f"{row.context_units} words of the reply stand only in the context ({row.context_leak:.2f}).",
        )
    if "counterfactual_close" in flags:
        yield "close", f"reply and counterfactual have F1 {measures['close']:.2f}."
    if "counterfactual_length" in flags and row.checked.draft.counterfactual:
        lengths = f"{measures['length_counterfactual']:.0f} against {measures['length_gold']:.0f}"
        yield "length", f"counterfactual and reply differ in length: {lengths}."
    if row.repeated:
        yield (
            "repeated",
            f"an earlier turn has this explanation: {shortened(row.checked.draft.explanation)!r}",
        )


def shortened(text: str, width: int = 80) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def leakage(rows: Sequence[Judged]) -> Leakage:
    """Return the means; over the turns with a counterfactual, so that each has its control."""
    controlled = [row for row in rows if row.checked.draft.counterfactual]
    taken = [row.checked.measures for row in controlled]

    def mean(values: Sequence[float]) -> float | None:
        return sum(values) / len(values) if values else None

    replies = sum(measures["length_gold"] for measures in taken)
    return Leakage(
        turns=len(rows),
        controlled=len(controlled),
        leak_gold=mean([measures["leak_gold"] for measures in taken]),
        leak_counterfactual=mean([measures["leak_counterfactual"] for measures in taken]),
        context_leak=mean([row.context_leak for row in controlled]),
        close=mean([measures["close"] for measures in taken]),
        length_ratio=sum(m["length_counterfactual"] for m in taken) / replies if replies else None,
    )


def verdicts(found: Sequence[Finding]) -> tuple[Verdict, ...]:
    """Return the verdicts on what `findings` found."""
    return (
        verdict("taxonomy", found, "turns with a skill that the taxonomy has not", hard=True),
        verdict("explanation", found, "annotated turns without an explanation", hard=True),
        verdict("counterfactual", found, "annotated turns without a counterfactual", hard=True),
        verdict("first_person", found, "explanations that do not read as first person", hard=True),
        verdict("repeated", found, "explanations that an earlier turn has, too"),
        verdict("leak", found, "explanations that give the reply away"),
        verdict("context_leak", found, "replies that the social context announces"),
        verdict("close", found, "counterfactuals nearly equal to the reply"),
        verdict("length", found, "counterfactuals that length alone gives away"),
    )
