"""Differences between runs: scores of the same items, paired, with intervals and Holm's correction."""

from collections.abc import Iterator, Sequence

import msgspec

from skillofmind.evals.measure import differences, mean_of
from skillofmind.evals.records import Case, Difference
from skillofmind.evals.report.rows import Row

Pair = tuple[Case, Case]


def between_runs(names: Sequence[str], rows: Sequence[Row]) -> tuple[Difference, ...]:
    """Return each later run against the first one, by task and score, for items that both were asked.

    Each difference is one of means over the items that have the score in both runs. `adjusted` is corrected
    for all differences of a task.
    """
    found = [one for other in range(1, len(names)) for one in _against(names, rows, other)]
    tasks = dict.fromkeys(one.task for one in found)
    return tuple(one for task in tasks for one in _adjusted([one for one in found if one.task == task]))


def _against(names: Sequence[str], rows: Sequence[Row], other: int) -> Iterator[Difference]:
    shared: dict[str, list[Pair]] = {}
    for row in rows:
        first, second = row.cases[0], row.cases[other]
        if first is not None and second is not None:
            where = f"{row.item.task} · {row.item.arm}" if row.item.arm else row.item.task
            shared.setdefault(where, []).append((first, second))
    for where, pairs in shared.items():
        scores = dict.fromkeys(name for pair in pairs for case in pair for name in case.scores)
        values = [(name, *_values(pairs, name)) for name in scores]
        measures = [
            (mean_of(name, one), mean_of(name, two))
            for name, one, two in values
            if any(value is not None for value in one)
        ]
        groups = [first.item.group for first, _ in pairs]
        yield from differences(where, (names[0], names[other]), measures, groups)


def _values(pairs: Sequence[Pair], name: str) -> tuple[list[float | None], list[float | None]]:
    """Return a score in both runs; missing in both where it is missing in one."""
    both = [(first.scores.get(name), second.scores.get(name)) for first, second in pairs]
    whole = [pair if None not in pair else (None, None) for pair in both]
    return [first for first, _ in whole], [second for _, second in whole]


def _adjusted(found: list[Difference]) -> Iterator[Difference]:
    """Fill in Holm's correction: the k-th smallest of m p-values times m - k + 1, never falling."""
    ordered = sorted((one.p, place) for place, one in enumerate(found) if one.p is not None)
    corrected: dict[int, float] = {}
    least = 0.0
    for rank, (p, place) in enumerate(ordered):
        least = max(least, min(1.0, p * (len(ordered) - rank)))
        corrected[place] = least
    for place, one in enumerate(found):
        yield msgspec.structs.replace(one, adjusted=corrected.get(place))
