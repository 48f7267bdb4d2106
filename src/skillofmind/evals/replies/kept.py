"""What models had rated, kept where replies are scored again without these models.

Raters are trained on corpora, which need not be here when a run is scored again by the names of its tasks. A
rating depends on item and answer alone, so that of an equal case still holds.
"""

from collections.abc import Iterable

import msgspec

from skillofmind.evals.records import Case, Summary
from skillofmind.evals.replies.panel import RATED


def with_ratings(cases: Iterable[Case], before: Iterable[Case]) -> list[Case]:
    """Return the cases with the ratings that they had before, where they have none now."""
    old = {case.item.key: case for case in before}
    return [_with(case, old.get(case.item.key)) for case in cases]


def with_rating_tables(summary: Summary, before: Summary) -> Summary:
    """Return the summary with the tables of before for tasks of replies that have none now."""
    old = {(one.task, one.arm): one.tables for one in before.results if one.task.startswith("reply.")}
    results = tuple(
        msgspec.structs.replace(one, tables=one.tables or old.get((one.task, one.arm), ()))
        for one in summary.results
    )
    return msgspec.structs.replace(summary, results=results)


def _with(case: Case, before: Case | None) -> Case:
    if before is None or (before.item, before.answer) != (case.item, case.answer):
        return case
    kept = {
        name: before.scores[name]
        for name in RATED
        if name in case.scores and case.scores[name] is None and before.scores.get(name) is not None
    }
    return msgspec.structs.replace(case, scores=case.scores | kept) if kept else case
