"""From answers to numbers: cases, results by task and arm, differences between arms and between runs.

Pure functions of items and answers, so scoring again asks nobody and gives the same bytes.

    cases = cases_of(items, answers, tasks)
    summary = summarise(cases, tasks, {"planner": "embedded"})

The plain arm of a task is "", or the first one where there is none. Every other arm is compared with it on
the ids that both answered, over whole groups; Holm's correction is over all differences of the task. Slices
hold values with at least `FEWEST` cases. Where several tasks ask the same and share a measure, a further
result, `MEAN`, holds its mean over the tasks, each with the same weight; its interval draws the groups of
every task on their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from skillofmind import __version__
from skillofmind.core.completion import Usage
from skillofmind.evals.measure import (
    PERMUTATIONS,
    RESAMPLES,
    SEED,
    Measure,
    corrected,
    differences,
    estimates,
    interval,
    resampled,
    worth_of,
)
from skillofmind.evals.records import Answer, Case, Cell, Difference, Estimate, Item, Result, Summary, Table
from skillofmind.evals.statistics.resampling import Floats
from skillofmind.evals.task import Task
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders

FEWEST = 20
"""Cases of a slice below which it gets no numbers."""

MEAN = "mean over tasks"
"""Name of the result that is the mean over several tasks; it has no cases of its own."""


def cases_of(
    items: Iterable[Item],
    answers: Mapping[str, Answer],
    tasks: Mapping[str, Task],
    encoders: Encoders = NO_ENCODERS,
) -> list[Case]:
    """Return items with answers and scores, in the order of the items; those without an answer are left out.

    Seconds and tokens stay in the log: they depend on the machine and on what a cache held.

    Args:
        items: of any tasks.
        answers: by `Item.key`.
        tasks: by name.
        encoders: that tasks compare texts by, too, where they compare any.
    """
    found = []
    for item in items:
        answer = answers.get(item.key)
        if answer is not None:
            bare = msgspec.structs.replace(answer, usage=Usage(), seconds=0.0)
            found.append(Case(item, bare, _scores(tasks[item.task], item, bare, encoders)))
    return found


def _scores(task: Task, item: Item, answer: Answer, encoders: Encoders) -> dict[str, float | None]:
    if task.embedded is None or encoders == NO_ENCODERS:
        return task.score(item, answer)
    return task.embedded(item, answer, encoders)


def summarise(cases: Sequence[Case], tasks: Mapping[str, Task], settings: Mapping[str, str]) -> Summary:
    """Return all numbers of a run.

    Args:
        cases: of any tasks and arms.
        tasks: by name.
        settings: what decided the answers; how intervals and tests were drawn is added.
    """
    parts = [
        _Part(tasks[name], arm, found, tasks[name].measures(found))
        for (name, arm), found in _by_arm(cases).items()
    ]
    results = [_result(part) for part in parts]
    return Summary(
        version=__version__,
        settings={**settings, **drawn()},
        results=(*results, *_means(parts)),
        differences=tuple(one for name in tasks for one in _between_arms(tasks[name], parts)),
        notes=tuple(_notes(parts)),
    )


def compared(
    first: Sequence[Case], second: Sequence[Case], tasks: Mapping[str, Task], names: tuple[str, str]
) -> tuple[Difference, ...]:
    """Return second minus first of two runs, on the items that both answered, for every task and arm.

    Items are the same where their keys and their dialogues are. Holm's correction is within each task. The
    task of a difference in another than the plain arm is shown as `task (arm)`.

    Args:
        first: cases of one run.
        second: cases of the other.
        tasks: by name; others are left out.
        names: of the runs.
    """
    mine, theirs = _by_arm(first), _by_arm(second)
    found: dict[str, list[Difference]] = {}
    for name, arm in mine:
        if (name, arm) in theirs and name in tasks:
            shown = f"{name} ({arm})" if arm else name
            pairs = _pairs(mine[name, arm], theirs[name, arm])
            found.setdefault(name, []).extend(_differences(tasks[name], shown, names, pairs))
    return tuple(one for several in found.values() for one in corrected(several))


def worst(cases: Sequence[Case], summary: Summary) -> list[Case]:
    """Return the cases that have a main score, worst first; of equal ones the surest plan comes first.

    The main score of a task is the first of its measures that cases have a score of.
    """
    main: dict[tuple[str, str], tuple[str, float]] = {}
    scored = {(case.item.task, case.item.arm, name) for case in cases for name in case.scores}
    for result in summary.results:
        for one in result.estimates:
            if one.better and (result.task, result.arm, one.measure) in scored:
                main[result.task, result.arm] = (one.measure, -1.0 if one.better == "lower" else 1.0)
                break

    def place(case: Case) -> tuple[float, float] | None:
        measure, sign = main.get((case.item.task, case.item.arm), ("", 1.0))
        value = case.scores.get(measure)
        sure = case.answer.plan.confidence if case.answer.plan else None
        return None if value is None else (sign * value, -(sure or 0.0))

    placed = [(found, case) for case in cases if (found := place(case)) is not None]
    return [case for _, case in sorted(placed, key=lambda entry: entry[0])]


def drawn() -> dict[str, str]:
    """Return how intervals and tests are drawn, for the settings of a summary."""
    return {"resamples": str(RESAMPLES), "permutations": str(PERMUTATIONS), "seed of resamples": str(SEED)}


class _Part(NamedTuple):
    """The cases of one task in one arm, and their measures."""

    task: Task
    arm: str
    cases: list[Case]
    measures: list[Measure]

    def groups(self) -> list[str]:
        return [case.item.group for case in self.cases]


def _by_arm(cases: Iterable[Case]) -> dict[tuple[str, str], list[Case]]:
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.item.task, case.item.arm), []).append(case)
    return found


def _result(part: _Part) -> Result:
    task, cases = part.task, part.cases
    return Result(
        task=task.name,
        arm=part.arm,
        about=task.about,
        items=len(cases),
        groups=len(set(part.groups())),
        failed=sum(case.answer.error is not None for case in cases),
        estimates=estimates(part.measures, part.groups()),
        tables=task.tables(cases),
        slices=_slices(task, cases),
    )


def _estimates(task: Task, cases: Sequence[Case]) -> tuple[Estimate, ...]:
    return estimates(task.measures(cases), [case.item.group for case in cases])


def _slices(task: Task, cases: Sequence[Case]) -> dict[str, dict[str, tuple[Estimate, ...]]]:
    found: dict[str, dict[str, tuple[Estimate, ...]]] = {}
    for dimension in task.slices:
        by_value: dict[str, list[Case]] = {}
        for case in cases:
            value = case.item.slices.get(dimension)
            if value is not None:
                by_value.setdefault(value, []).append(case)
        # A dimension with one value says what the whole says.
        enough = {value: those for value, those in sorted(by_value.items()) if len(those) >= FEWEST}
        if len(by_value) > 1 and enough:
            found[dimension] = {value: _estimates(task, those) for value, those in enough.items()}
    return found


def _between_arms(task: Task, parts: Sequence[_Part]) -> Sequence[Difference]:
    arms = {part.arm: part.cases for part in parts if part.task.name == task.name}
    if len(arms) < 2:
        return []
    plain = "" if "" in arms else next(iter(arms))
    found: list[Difference] = []
    for arm, cases in arms.items():
        if arm != plain:
            found += _differences(
                task, task.name, (plain, arm), _pairs(arms[plain], cases, same_dialogue=False)
            )
    return corrected(found)


def _pairs(
    first: Sequence[Case], second: Sequence[Case], *, same_dialogue: bool = True
) -> list[tuple[Case, Case]]:
    """Return the cases with the same id that both have an answer without error."""
    others = {case.item.id: case for case in second if case.answer.error is None}
    found = []
    for case in first:
        other = others.get(case.item.id)
        if other is None or case.answer.error is not None:
            continue
        if not same_dialogue or case.item.dialogue == other.item.dialogue:
            found.append((case, other))
    return found


def _differences(
    task: Task, shown: str, names: tuple[str, str], pairs: Sequence[tuple[Case, Case]]
) -> list[Difference]:
    if not pairs:
        return []
    before = task.measures([first for first, _ in pairs])
    after = {one.name: one for one in task.measures([second for _, second in pairs])}
    both = [
        (one, after[one.name])
        for one in before
        if one.compared and one.name in after and one.rows.shape == after[one.name].rows.shape
    ]
    return list(differences(shown, names, both, [first.item.group for first, _ in pairs]))


def _means(parts: Sequence[_Part]) -> list[Result]:
    """Return the means over tasks that ask the same, of each arm that at least two of them have."""
    kinds: dict[tuple[str, str], list[_Part]] = {}
    for part in parts:
        if not part.task.official:
            kinds.setdefault((part.task.asks, part.arm), []).append(part)
    return [_mean(asks, arm, those) for (asks, arm), those in kinds.items() if len(those) > 1]


def _mean(asks: str, arm: str, parts: Sequence[_Part]) -> Result:
    values: dict[str, list[tuple[Measure, str, Floats]]] = {}
    for index, part in enumerate(parts):
        # A seed for each task, so that two tasks with equally many groups are not drawn alike.
        drawn_values = resampled(part.measures, part.groups(), seed=SEED + 1 + index)
        for measure, found in zip(part.measures, drawn_values, strict=True):
            if np.isfinite(found[0]):
                values.setdefault(measure.name, []).append((measure, part.task.name, found))
    shared = {name: those for name, those in values.items() if len(those) > 1}
    worth = sum(worth_of(part.groups()) for part in parts)
    return Result(
        task=MEAN,
        arm=arm,
        about=f"Mean of the {asks} tasks that have the measure, each with the same weight.",
        items=sum(len(part.cases) for part in parts),
        groups=sum(len(set(part.groups())) for part in parts),
        failed=sum(case.answer.error is not None for part in parts for case in part.cases),
        estimates=tuple(_mean_estimate(those, worth) for those in shared.values()),
        tables=(_table(parts, shared),) if shared else (),
    )


def _mean_estimate(those: Sequence[tuple[Measure, str, Floats]], worth: float) -> Estimate:
    measure = those[0][0]
    fewest = min(len(values) for _, _, values in those)
    value, low, high = interval(np.mean([values[:fewest] for _, _, values in those], axis=0), worth)
    n = sum(one.n for one, _, _ in those)
    return Estimate(
        measure.name, value, low, high, n, 0, measure.better, f"Mean of {len(those)} tasks. {measure.about}"
    )


def _table(parts: Sequence[_Part], shared: Mapping[str, Sequence[tuple[Measure, str, Floats]]]) -> Table:
    by_name = {name: {task: float(values[0]) for _, task, values in those} for name, those in shared.items()}
    rows: list[tuple[Cell, ...]] = [
        (part.task.name, len(part.cases), *(values.get(part.task.name) for values in by_name.values()))
        for part in parts
    ]
    means = (float(np.mean(list(values.values()))) for values in by_name.values())
    rows.append(("mean", sum(len(part.cases) for part in parts), *means))
    return Table("By task", ("task", "items", *by_name), tuple(rows))


def _notes(parts: Sequence[_Part]) -> list[str]:
    found = []
    for part in parts:
        failed = [case.answer.error for case in part.cases if case.answer.error is not None]
        name = f"{part.task.name} ({part.arm})" if part.arm else part.task.name
        if failed:
            found.append(
                f"{name}: {len(failed)} of {len(part.cases)} items failed and count as missing, not as "
                f"wrong; the first one with: {failed[0]}"
            )
    official = dict.fromkeys(part.task.name for part in parts if part.task.official)
    found += _coverage([part.task for part in parts])
    found += [
        f"{name} keeps a known fault of the published evaluation code, for comparison only."
        for name in official
    ]
    return found


def _coverage(tasks: Sequence[Task]) -> list[str]:
    """Return what the labels of the package's planner tasks leave untested."""
    from skillofmind.evals.tasks import TASKS, coverage_note

    those = {one.name: one for one in tasks if one.asks == "plan" and TASKS.get(one.name) == one}
    return [coverage_note(those.values())] if those else []
