"""Where a planner goes wrong: which skills it takes for which, what wrong cases have in common, one by one.

Everything is counted, nothing is learned, and equal cases give equal rows in one order.

*Clusters* are wrong cases with the same pair of right and chosen skill, described by what they share besides:
length, whether the last turn asks, and the word of the last turn that is most typical of the cluster (the
highest ratio of its frequency inside to that in all cases).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillofmind.core.record import Record
from skillofmind.evals.audits.effects import Effect, answered, right, skill_of, table_of
from skillofmind.evals.audits.gaps import gaps, of_item
from skillofmind.evals.records import Case, Cell, Table
from skillofmind.mind.render import render_context, turn_line

SHOWN_TURNS = 6
"""Last turns of a failure that are shown."""

NONE = "(no skill)"

_WORDS = re.compile(r"[^\W\d_]{3,}")
_LENGTHS = ((2, "1-2 turns"), (6, "3-6 turns"), (12, "7-12 turns"))


class Failure(Record, frozen=True):
    """One wrong case, to be read.

    Attributes:
        key: of the item.
        context: what was known beforehand.
        turns: the last turns, one a line.
        earlier: turns before them.
        gold: what people or teachers say; first the primary skill, or the class.
        accept: what would not be wrong.
        skill: what was chosen.
        confidence: the planner's, where it has one.
        explanation: the planner's.
        why: the gold explanation, where there is one.
    """

    key: str
    context: str
    turns: tuple[str, ...]
    earlier: int
    gold: tuple[str, ...]
    accept: tuple[str, ...]
    skill: str
    confidence: float | None
    explanation: str
    why: str


class Cluster(NamedTuple):
    """Wrong cases that look alike.

    Attributes:
        gold: the right skill or class.
        skill: the chosen one.
        cases: how many.
        groups: dialogues among them.
        length: the commonest length.
        asks: share of last turns with a question mark.
        word: the most typical word of the last turns; "" where none is in two dialogues.
        corpus: the commonest corpus.
        keys: of the items, in order.
    """

    gold: str
    skill: str
    cases: int
    groups: int
    length: str
    asks: float
    word: str
    corpus: str
    keys: tuple[str, ...]


def failures(cases: Iterable[Case]) -> list[Case]:
    """Return the plain cases that were answered, and wrongly."""
    return [case for case in cases if not case.item.arm and answered(case) and right(case) == 0]


def worst_cases(cases: Iterable[Case], n: int) -> list[Case]:
    """Return the `n` wrong cases of which the planner was surest, then those without a confidence, by key."""
    return sorted(failures(cases), key=lambda case: (-(_confidence(case) or 0.0), case.item.key))[:n]


def read_failures(cases: Iterable[Case], n: int) -> list[Failure]:
    """Return the `n` worst cases as they can be read."""
    return [failure(case) for case in worst_cases(cases, n)]


def failure(case: Case) -> Failure:
    """Return a case as it can be read."""
    item, plan = case.item, case.answer.plan
    names = {one.key: one.name or one.key for one in item.dialogue.speakers}
    shown = item.dialogue.turns[-SHOWN_TURNS:]
    return Failure(
        key=item.key,
        context=render_context(item.dialogue),
        turns=tuple(turn_line(turn, names) for turn in shown),
        earlier=len(item.dialogue.turns) - len(shown),
        gold=item.gold.skills or (item.gold.label,),
        accept=item.gold.accept,
        skill=skill_of(case) or NONE,
        confidence=_confidence(case),
        explanation=plan.explanation if plan else "",
        why=item.gold.explanation,
    )


def confusions(cases: Iterable[Case]) -> list[tuple[str, str, int, int]]:
    """Return right skill, chosen skill, cases and dialogues of every confusion, the commonest first."""
    found: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in failures(cases):
        found[_gold(case), skill_of(case) or NONE].append(case)
    rows = [(*pair, len(wrong), _groups(wrong)) for pair, wrong in found.items()]
    return sorted(rows, key=lambda row: (-row[2], row[:2]))


def clusters(cases: Sequence[Case], least: int = 3) -> list[Cluster]:
    """Return clusters of at least `least` wrong cases, the largest first."""
    everywhere = Counter(word for case in cases if not case.item.arm for word in _words(case))
    found: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in failures(cases):
        found[_gold(case), skill_of(case) or NONE].append(case)
    made = [_cluster(pair, wrong, everywhere) for pair, wrong in found.items() if len(wrong) >= least]
    return sorted(made, key=lambda one: (-one.cases, one.gold, one.skill))


def disagreements(cases: Iterable[Case], sure: float = 0.5) -> list[Case]:
    """Return the cases where the planner is at least so sure of what people do not accept, surest first."""
    found = [
        case
        for case in failures(cases)
        if (_confidence(case) or 0.0) >= sure and skill_of(case) not in case.item.gold.accept
    ]
    return sorted(found, key=lambda case: (-(_confidence(case) or 0.0), case.item.key))


def worst_slices(cases: Iterable[Case], least: int = 30) -> tuple[Effect, ...]:
    """Return the gaps of all slices and pairs of slices, with how long the dialogue is, the worst first."""

    def slices(case: Case) -> dict[str, str]:
        return {**of_item(case), "length": _length(case), "last turn": "asks" if _asks(case) else "tells"}

    return gaps((case for case in cases if not case.item.arm), slices, pairs=True, least=least)


def failure_tables(cases: Sequence[Case], rows: int = 20) -> tuple[Table, ...]:
    """Return confusions, clusters, worst slices and sure disagreements, the first rows of each."""
    wrong, plain = failures(cases), [case for case in cases if not case.item.arm and answered(case)]
    about = f"{len(wrong)} of {len(plain)} answered cases are wrong."
    pairs: list[tuple[Cell, ...]] = list(confusions(cases))
    alike: list[tuple[Cell, ...]] = [
        (c.gold, c.skill, c.cases, c.groups, c.length, round(c.asks, 3), c.word, c.corpus)
        for c in clusters(cases)
    ]
    sure: list[tuple[Cell, ...]] = [
        (case.item.key, _gold(case), skill_of(case) or NONE, _confidence(case))
        for case in disagreements(cases)
    ]
    heads = ("right", "chosen", "cases", "dialogues")
    return (
        Table("Skills taken for one another", heads, tuple(pairs[:rows]), about),
        Table(
            "Errors that look alike",
            (*heads, "length", "last turn asks", "typical word", "corpus"),
            tuple(alike[:rows]),
            f"{len(alike)} clusters of three or more.",
        ),
        table_of("Slices where it is worst", worst_slices(cases)[:rows], "Accuracy inside minus outside."),
        Table(
            "Sure, and against people",
            ("item", "people", "planner", "confidence"),
            tuple(sure[:rows]),
            f"{len(sure)} cases with a confidence of one half or more.",
        ),
    )


def _cluster(pair: tuple[str, str], wrong: Sequence[Case], everywhere: "Counter[str]") -> Cluster:
    lengths = Counter(_length(case) for case in wrong)
    corpora = Counter(case.item.dialogue.corpus or case.item.task for case in wrong)
    return Cluster(
        *pair,
        cases=len(wrong),
        groups=_groups(wrong),
        length=min(lengths, key=lambda name: (-lengths[name], name)),
        asks=sum(map(_asks, wrong)) / len(wrong),
        word=_typical(wrong, everywhere),
        corpus=min(corpora, key=lambda name: (-corpora[name], name)),
        keys=tuple(sorted(case.item.key for case in wrong)),
    )


def _typical(wrong: Sequence[Case], everywhere: "Counter[str]") -> str:
    """Return the word with most of its cases inside, of those in two dialogues and a fifth of the cases."""
    inside = Counter(word for case in wrong for word in _words(case))
    spread: dict[str, set[str]] = defaultdict(set)
    for case in wrong:
        for word in _words(case):
            spread[word].add(case.item.group)
    kept = [w for w, n in inside.items() if len(spread[w]) > 1 and n * 5 >= len(wrong)]
    return min(kept, key=lambda word: (-inside[word] / everywhere[word], -inside[word], word), default="")


def _words(case: Case) -> set[str]:
    turns = case.item.dialogue.turns
    return set(_WORDS.findall(turns[-1].text.casefold())) if turns else set()


def _gold(case: Case) -> str:
    return next(iter(case.item.gold.skills), case.item.gold.label)


def _groups(cases: Iterable[Case]) -> int:
    return len({(case.item.task, case.item.group) for case in cases})


def _length(case: Case) -> str:
    turns = len(case.item.dialogue.turns)
    return next((name for most, name in _LENGTHS if turns <= most), "13 turns or more")


def _asks(case: Case) -> bool:
    turns = case.item.dialogue.turns
    return bool(turns) and "?" in turns[-1].text


def _confidence(case: Case) -> float | None:
    return case.answer.plan.confidence if case.answer.plan is not None else None
