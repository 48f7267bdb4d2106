"""What a study came to. All statistics are those of `evals.statistics` and `scorers.agreement`.

Intervals and p-values draw or swap whole dialogues, as several people who judge the same dialogue are no
independent cases; the p-values are corrected for all comparisons of the study (Holm). Needs the extra `eval`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import quantiles

from msgspec.structs import replace

from skillofmind.evals.statistics.multiple import holm
from skillofmind.evals.study.design.sheets import sheets
from skillofmind.evals.study.folder import Kept
from skillofmind.evals.study.outcome.comparing import differences, pair_result, ratings, strengths
from skillofmind.evals.study.outcome.records import CriterionResult, PairOfRaters, RaterResult, StudyResults
from skillofmind.evals.study.outcome.votes import (
    FIRST,
    PASS,
    SAME,
    Attention,
    Vote,
    attention,
    by_task,
    votes,
)
from skillofmind.evals.study.records import Answer, Choice
from skillofmind.mind.dataset.reviewed import Rate, wilson
from skillofmind.scorers.agreement import Agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha


def results(kept: Kept, needed: float = PASS) -> StudyResults:
    """Return what a study came to.

    Args:
        kept: what its folder holds.
        needed: share of the attention checks that a rater has to pass; 0 keeps everybody.
    """
    checked = attention(kept, needed)
    out = tuple(name for name, one in checked.items() if one.excluded)
    given = votes(kept, out)
    notes: list[str] = []
    found = [
        _criterion(kept, one.name, [vote for vote in given if vote.criterion == one.name], notes)
        for one in kept.study.criteria
    ]
    return StudyResults(
        title=kept.study.title,
        kind=kept.study.kind,
        subject=kept.study.subject,
        systems=kept.study.systems,
        scale=kept.study.scale,
        items=len({vote.item for vote in given}),
        answers=len({(vote.rater, vote.task) for vote in given}),
        raters=_raters(kept, checked),
        excluded=out,
        criteria=_adjusted(found),
        notes=(*_notes(kept, checked, len(given)), *dict.fromkeys(notes)),
    )


def _raters(kept: Kept, checked: Mapping[str, Attention]) -> tuple[RaterResult, ...]:
    pages = [len(sheet.tasks) for sheet in sheets(kept.study, tuple(kept.tasks.values()))]
    every = votes(kept)
    answers: dict[str, list[Answer]] = {name: [] for name in kept.raters}
    for answer in kept.answers:
        answers[answer.rater].append(answer)
    return tuple(
        RaterResult(
            name=name,
            answered=len(answers[name]),
            pages=pages[rater.share],
            attention=checked[name],
            left=_left([vote for vote in every if vote.rater == name]),
            seconds=_quartiles([answer.seconds for answer in answers[name]]),
            remarks=sum(bool(answer.remark) for answer in answers[name]),
        )
        for name, rater in kept.raters.items()
    )


def _quartiles(seconds: Sequence[float]) -> tuple[float, ...]:
    return tuple(quantiles(seconds, n=4, method="inclusive")) if len(seconds) > 1 else ()


def _notes(kept: Kept, checked: Mapping[str, Attention], votes_left: int) -> list[str]:
    notes = [
        f"{name} passed {one.passed} of {one.answered} attention checks, less than {one.needed:.0%}: their "
        "answers are left out."
        for name, one in checked.items()
        if one.excluded
    ]
    if not any(task.sort != "real" for task in kept.tasks.values()):
        notes.append("The study has no attention checks, so nobody could be excluded.")
    else:
        notes += [f"{name} met no attention check yet." for name, one in checked.items() if not one.answered]
    if not votes_left:
        notes.append("There are no answers that count yet.")
    return notes


def _criterion(kept: Kept, name: str, given: Sequence[Vote], notes: list[str]) -> CriterionResult:
    study = kept.study
    is_pairs = study.kind == "pairs"
    said = by_task(given)
    pairs = tuple(pair_result(given, *pair) for pair in combinations(study.systems, 2) if _has(given, pair))
    return CriterionResult(
        criterion=name,
        pairs=pairs if is_pairs else (),
        strengths=strengths(given, name, notes) if is_pairs and given else (),
        ratings=() if is_pairs else tuple(ratings(study.systems, given, len(study.scale))),
        differences=() if is_pairs else tuple(differences(study.systems, given)),
        alpha=krippendorff_alpha(
            [list(one.values()) for one in said.values()], "nominal" if is_pairs else "ordinal"
        ),
        fleiss=_fleiss(said),
        raters=tuple(_pairs_of_raters(said)),
        left=_left(given),
    )


def _has(given: Sequence[Vote], pair: tuple[str, str]) -> bool:
    return any((vote.first, vote.second) == pair for vote in given)


def _adjusted(found: Sequence[CriterionResult]) -> tuple[CriterionResult, ...]:
    """Return the same with p-values that are corrected for all of them together."""
    all_p = [p for of in found for p in (*(one.p for one in of.pairs), *(one.p for one in of.differences))]
    corrected = iter(holm(all_p))
    return tuple(
        replace(
            of,
            pairs=tuple(replace(one, adjusted=next(corrected)) for one in of.pairs),
            differences=tuple(replace(one, adjusted=next(corrected)) for one in of.differences),
        )
        for of in found
    )


def _left(given: Sequence[Vote]) -> Rate:
    """Return how often a decided vote went to what stood on the left."""
    decided = [vote for vote in given if vote.second and vote.value != SAME]
    return wilson(sum((vote.value == FIRST) == vote.left for vote in decided), len(decided))


def _fleiss(said: Mapping[str, Mapping[str, Choice]]) -> Agreement | None:
    """Return Fleiss' kappa of the tasks that have as many raters as most tasks with two or more have."""
    sizes = Counter(len(one) for one in said.values() if len(one) > 1)
    if not sizes:
        return None
    size = max(sizes, key=lambda one: (sizes[one], one))
    return fleiss_kappa(Counter(map(str, one.values())) for one in said.values() if len(one) == size)


def _pairs_of_raters(said: Mapping[str, Mapping[str, Choice]]) -> Iterator[PairOfRaters]:
    names = sorted({name for one in said.values() for name in one})
    for first, second in combinations(names, 2):
        both = [one for one in said.values() if first in one and second in one]
        if both:
            mine, theirs = ([str(one[name]) for one in both] for name in (first, second))
            yield PairOfRaters((first, second), cohen_kappa(mine, theirs))
