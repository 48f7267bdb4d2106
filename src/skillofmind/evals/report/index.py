"""The index of the page: one small column for each thing that rows are filtered, counted or sorted by."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from skillofmind.evals.records import Case
from skillofmind.evals.report.rows import OUTCOMES, Row, expected, guessed, outcome

_SNIPPET = 90
_DIGITS = 4
T = TypeVar("T", bound=Hashable)


class _Names(Generic[T]):
    """Numbers for values, in the order in which they first come; -1 for `None`."""

    def __init__(self) -> None:
        self.numbers: dict[T, int] = {}

    def of(self, value: T | None) -> int:
        return -1 if value is None else self.numbers.setdefault(value, len(self.numbers))


def index(rows: Sequence[Row], runs: int) -> dict[str, Any]:
    """Return the columns of all rows, as JSON.

    Attributes of the result: `ids`, `starts` (the beginning of the last turn), `task`, `arm` and `gold`
    (numbers into `names`), `slices` (dimension -> names and numbers), and `runs`, with `outcome` (numbers
    into `OUTCOMES`), `guess`, `confidence` and `scores` of each run.
    """
    tasks, arms, skills = _Names[str](), _Names[str](), _Names[str]()
    return {
        "ids": [row.item.id for row in rows],
        "starts": [_start(row) for row in rows],
        "task": [tasks.of(row.item.task) for row in rows],
        "arm": [arms.of(row.item.arm) for row in rows],
        "gold": [skills.of(expected(row.item.gold)) for row in rows],
        "slices": {name: _slice(rows, name) for name in _all(row.item.slices for row in rows)},
        "runs": [_run([row.cases[number] for row in rows], skills) for number in range(runs)],
        "names": {"task": list(tasks.numbers), "arm": list(arms.numbers), "skill": list(skills.numbers)},
    }


def _start(row: Row) -> str:
    turns = row.item.dialogue.turns
    said = " ".join(turns[-1].text[: 4 * _SNIPPET].split()) if turns else ""
    return said if len(said) <= _SNIPPET else said[: _SNIPPET - 1] + "…"


def _slice(rows: Sequence[Row], name: str) -> dict[str, Any]:
    values = _Names[str]()
    numbers = [values.of(row.item.slices.get(name)) for row in rows]
    return {"names": list(values.numbers), "of": numbers}


def _run(cases: Sequence[Case | None], skills: _Names[str]) -> dict[str, Any]:
    names = _all(case.scores for case in cases if case is not None)
    return {
        "outcome": [OUTCOMES.index(outcome(case)) for case in cases],
        "guess": [skills.of(guessed(case)) for case in cases],
        "confidence": [_short(_confidence(case)) for case in cases],
        "scores": {
            name: [None if case is None else _short(case.scores.get(name)) for case in cases]
            for name in names
        },
    }


def _confidence(case: Case | None) -> float | None:
    return None if case is None or case.answer.plan is None else case.answer.plan.confidence


def _short(value: float | None) -> float | int | None:
    """Return a number in few characters: whole ones without a point."""
    if value is None:
        return None
    rounded = round(float(value), _DIGITS)
    return int(rounded) if rounded.is_integer() else rounded


def _all(mappings: Iterable[dict[str, Any]]) -> list[str]:
    """Return the keys of all mappings in the order in which they first come."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))
