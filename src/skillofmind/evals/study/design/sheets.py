"""Who sees what, in which order, on which side: all of it follows from the seed of the study."""

from collections import defaultdict
from collections.abc import Sequence

from skillofmind.evals.study.design.checks import check_swapped
from skillofmind.evals.study.design.drawing import balanced_sides, rank, shares, shuffled
from skillofmind.evals.study.records import Sheet, Study, Task

_WARM_UP = 2
"""Tasks before the first check, where there are so many."""


def sheets(study: Study, tasks: Sequence[Task]) -> tuple[Sheet, ...]:
    """Return what each share of the tasks looks like, `study.raters` of them.

    Every task is in `study.overlap` sheets, every check in all. The two texts of a pair change sides so that
    each system stands on the left half of the time, for every rater and for every task (give or take one).
    """
    real = [task for task in tasks if task.sort == "real"]
    checks = [task for task in tasks if task.sort != "real"]
    who = shares(len(real), study.raters, study.overlap, study.seed)
    swapped = _swapped(study, real, who)
    found = []
    for share in range(study.raters):
        keys = [task.key for task, of in zip(real, who, strict=True) if share in of]
        found.append(_sheet(study, share, keys, checks, swapped))
    return tuple(found)


def _swapped(study: Study, real: Sequence[Task], who: Sequence[Sequence[int]]) -> dict[tuple[str, int], bool]:
    if study.kind == "ratings":
        return {}
    by_pair: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, task in enumerate(real):
        by_pair[task.first, task.second].append(number)
    found: dict[tuple[str, int], bool] = {}
    for pair, numbers in by_pair.items():
        meetings = [(number, share) for number in numbers for share in who[number]]
        sides = balanced_sides(meetings, study.seed, *pair)
        found |= {(real[n].key, share): side for (n, share), side in zip(meetings, sides, strict=True)}
    return found


def _sheet(
    study: Study,
    share: int,
    keys: Sequence[str],
    checks: Sequence[Task],
    swapped: dict[tuple[str, int], bool],
) -> Sheet:
    sides = {key: swapped.get((key, share), False) for key in keys}
    sides |= {task.key: check_swapped(task) for task in checks}
    order = shuffled(keys, study.seed, "order", share)
    for number, check in enumerate(shuffled([task.key for task in checks], study.seed, "checks", share)):
        order.insert(_place(study, share, number, len(checks), len(keys)) + number, check)
    return Sheet(tuple(order), tuple(sides[key] for key in order))


def _place(study: Study, share: int, number: int, checks: int, tasks: int) -> int:
    """Return before how many tasks check `number` stands: at random in its part of the sheet."""
    start = min(_WARM_UP, tasks)
    low = start + (tasks - start) * number // checks
    high = start + (tasks - start) * (number + 1) // checks
    return low + rank(study.seed, "place", share, number) % max(1, high - low)
