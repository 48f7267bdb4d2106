"""What the reviews of a run say: how often the teacher is right, and how far reviewers agree.

- *Right* is an annotation whose skill stands: accepted, or edited without another skill. An edit that changes
  the skill counts as a rejection of the teacher's label. One annotation counts once, whatever the number of
  its reviewers: it is right where at least half of them say so.
- *Precision* is the share of right ones, with the Wilson interval. A draw over all skills shows rare skills
  more often than the data do; `weighted` takes the share of each skill times how often the data have it
  (`report.json`), with the interval of Newcombe's MOVER method over the Wilson limits of the skills:
  value - sqrt(sum w^2 (p - low)^2), value + sqrt(sum w^2 (high - p)^2).
- *Agreement* is Cohen's kappa for each pair of reviewers, and Fleiss' kappa where there are three or more,
  over what all of them decided: once on whether the teacher's skill stands, once on the skill that each
  leaves standing (a rejection leaves `NONE`).
- *Blind* is Cohen's kappa between the teacher's skill and the one that a person chose without knowing it. A
  row with several annotations has several right answers, so this kappa is a lower bound.

Everything follows from the latest decisions in `reviews.jsonl`, those included whose annotation later filters
dropped.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.mind.dataset.files import REPORT
from skillofmind.mind.dataset.review import NONE, REJECTION, Decision, combined, decisions
from skillofmind.scorers.agreement import Agreement, cohen_kappa, fleiss_kappa, kappa_by_label

_Z = 1.959963984540054


class Rate(Record, frozen=True):
    """A share with its 95 % Wilson interval.

    Attributes:
        right: how many were right.
        decided: of how many.
        value: the share; `None` where nothing was decided.
        low: lower end, 0 to 1; `None` where `value` is.
        high: upper end.
    """

    right: int
    decided: int
    value: float | None
    low: float | None
    high: float | None


class Weighted(Record, frozen=True):
    """Precision with every skill as common as in the data.

    Attributes:
        value: the share, 0 to 1.
        low: lower end of the 95 % interval.
        high: upper end.
        covered: share of the annotations whose skill was reviewed at all; the rest is left out.
    """

    value: float
    low: float
    high: float
    covered: float


class Pair(Record, frozen=True):
    """Two reviewers.

    Attributes:
        reviewers: their names.
        verdict: on whether the teacher's skill stands.
        skill: on the skill that each leaves standing.
        by_skill: that skill against the rest.
    """

    reviewers: tuple[str, str]
    verdict: Agreement
    skill: Agreement
    by_skill: dict[str, Agreement]


class ReviewAgreement(Record, frozen=True):
    """What the reviews say.

    Attributes:
        decisions: latest decisions, one for each reviewer and annotation or rejection.
        annotations: annotations that somebody decided.
        precision: of the teacher's skills, over these annotations.
        by_skill: the teacher's skill -> the same, the most reviewed first.
        reviewers: reviewer -> share of the teacher's skills that this person left standing.
        pairs: every two reviewers who decided some of the same annotations.
        everyone_verdict: all reviewers on whether the teacher's skill stands; `None` below three.
        everyone_skill: all reviewers on the skill.
        blind: reviewer -> teacher and this person, who chose without seeing the teacher's skill.
        rejections: reason -> share of rows that were rejected rightly.
        weighted: precision weighted by how common each skill is; `None` without a report or reviews.
    """

    decisions: int
    annotations: int
    precision: Rate
    by_skill: dict[str, Rate]
    reviewers: dict[str, Rate]
    pairs: tuple[Pair, ...]
    everyone_verdict: Agreement | None
    everyone_skill: Agreement | None
    blind: dict[str, Agreement]
    rejections: dict[str, Rate]
    weighted: Weighted | None


class _Skills(msgspec.Struct):
    skills: dict[str, int] = {}


_Decided = Sequence[Mapping[str, Decision]]


def wilson(right: int, decided: int) -> Rate:
    """Return the share `right` / `decided` with its 95 % Wilson interval.

    >>> rate = wilson(8, 10)
    >>> round(rate.low, 4), round(rate.high, 4)
    (0.4902, 0.9433)
    """
    if not decided:
        return Rate(right, decided, None, None, None)
    share, square = right / decided, _Z**2
    middle = (share + square / (2 * decided)) / (1 + square / decided)
    half = _Z * math.sqrt(share * (1 - share) / decided + square / (4 * decided**2)) / (1 + square / decided)
    # Rounding must not put the share outside of its own interval.
    low, high = max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
    return Rate(right, decided, share, low, high)


def agreement(folder: Path) -> ReviewAgreement:
    """Return what the reviews of a run directory say.

    Raises:
        DataError: a line of the log is not a decision, or `report.json` is not a report.
    """
    found = list(decisions(folder).values())
    drawn = [one for one in found if _number(one) != REJECTION]
    by_skill = _rates((_teacher(one), _is_right(one)) for one in drawn)
    everyone = _everyone(drawn)
    return ReviewAgreement(
        decisions=sum(map(len, found)),
        annotations=len(drawn),
        precision=wilson(sum(map(_is_right, drawn)), len(drawn)),
        by_skill=by_skill,
        reviewers=dict(
            sorted(_rates((who, one.is_right()) for of_one in drawn for who, one in of_one.items()).items())
        ),
        pairs=tuple(_pairs(drawn)),
        everyone_verdict=_fleiss(everyone, _verdict),
        everyone_skill=_fleiss(everyone, _skill),
        blind=_blind(drawn),
        rejections=_rates((_teacher(one), _is_right(one)) for one in found if _number(one) == REJECTION),
        weighted=weighted(by_skill, _skill_counts(folder)),
    )


def weighted(by_skill: Mapping[str, Rate], counts: Mapping[str, int]) -> Weighted | None:
    """Return precision with every skill as common as in `counts`; `None` where none of them was reviewed."""
    known = {skill: counts[skill] for skill in by_skill if counts.get(skill)}
    total = sum(known.values())
    if not total:
        return None
    value = below = above = 0.0
    for skill, count in known.items():
        rate, share = by_skill[skill], count / total
        point, low, high = rate.value or 0.0, rate.low or 0.0, rate.high or 0.0
        value += share * point
        below += (share * (point - low)) ** 2
        above += (share * (high - point)) ** 2
    ends = (max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above)))
    return Weighted(value, *ends, total / sum(counts.values()))


def _skill_counts(folder: Path) -> dict[str, int]:
    path = folder / REPORT
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Skills).skills
    except msgspec.DecodeError as error:
        raise DataError(f"{str(path)!r} is not a report: {error}; annotate again to write it.") from error


def _number(of_one: Mapping[str, Decision]) -> int:
    return next(iter(of_one.values())).number


def _teacher(of_one: Mapping[str, Decision]) -> str:
    return next(iter(of_one.values())).teacher


def _is_right(of_one: Mapping[str, Decision]) -> bool:
    if _number(of_one) == REJECTION:
        return 2 * sum(one.is_right() for one in of_one.values()) >= len(of_one)
    return combined(_teacher(of_one), of_one.values()) == _teacher(of_one)


def _rates(outcomes: Iterable[tuple[str, bool]]) -> dict[str, Rate]:
    decided: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for label, is_right in outcomes:
        decided[label] += 1
        right[label] += is_right
    ordered = sorted(decided, key=lambda label: (-decided[label], label))
    return {label: wilson(right[label], decided[label]) for label in ordered}


def _verdict(one: Decision) -> str:
    return "right" if one.is_right() else "wrong"


def _skill(one: Decision) -> str:
    return one.label() or NONE


def _pairs(drawn: _Decided) -> Iterable[Pair]:
    names = sorted({who for of_one in drawn for who in of_one})
    for first, second in combinations(names, 2):
        both = [(one[first], one[second]) for one in drawn if first in one and second in one]
        if both:
            verdicts = [[_verdict(side) for side in sides] for sides in zip(*both, strict=True)]
            skills = [[_skill(side) for side in sides] for sides in zip(*both, strict=True)]
            yield Pair((first, second), cohen_kappa(*verdicts), cohen_kappa(*skills), kappa_by_label(*skills))


def _everyone(drawn: _Decided) -> _Decided:
    """Return what all reviewers decided; nothing where they are fewer than three."""
    names = {who for of_one in drawn for who in of_one}
    return [of_one for of_one in drawn if len(of_one) == len(names)] if len(names) > 2 else []


def _fleiss(everyone: _Decided, label: Callable[[Decision], str]) -> Agreement | None:
    if not everyone:
        return None
    return fleiss_kappa(Counter(label(one) for one in of_one.values()) for of_one in everyone)


def _blind(drawn: _Decided) -> dict[str, Agreement]:
    chosen: dict[str, list[tuple[str, str]]] = {}
    for of_one in drawn:
        for who, one in of_one.items():
            if one.blind:
                chosen.setdefault(who, []).append((one.teacher, one.blind))
    return {who: cohen_kappa(*map(list, zip(*pairs, strict=True))) for who, pairs in sorted(chosen.items())}
