r"""Rows that teach a reasoning model to judge solutions, which shortens its own reasoning (arXiv 2505.17941).

A row asks whether every step of a proposed solution is right. The answer is one fixed sentence inside the
thinking slot, which is closed at once:

    prompt      [user: instruction, question, proposed solution]
    completion  "Yes, every step is correct.\n</think>"      and the end token, which encoding adds

Classes are balanced 1:1 and rows per problem limited, both by leaving rows out: which ones is a function of
the seed and the row. It is plain supervised training, so these rows go through `prepare` as others do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from skillofmind.core.errors import ConfigurationError
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.train.chat.read import Placed
from skillofmind.train.rows.token_row import Refused

_FIELD = re.compile(r"\{(problem|solution)\}")


class Wording(Record, frozen=True):
    """The words of a verification row.

    Attributes:
        prompt: with `{problem}` and `{solution}`, once each; other braces mean themselves.
        yes: says that the solution is right; its first word must differ from that of `no`.
        no: says that it is not.
        close: ends the thinking.
    """

    prompt: str = (
        "## Task:\nRead the question and the solution that somebody proposes. Decide whether every "
        "step of the solution is correct.\n\n## Question:\n{problem}\n\n## Proposed solution:\n{solution}\n"
    )
    yes: str = "Yes, every step of the solution is correct."
    no: str = "No, the solution has a mistake."
    close: str = "\n</think>"


class Tally(Record, frozen=True):
    """Rows of the two classes."""

    correct: int
    incorrect: int


class Verification(NamedTuple):
    """Verification rows.

    Attributes:
        rows: `id`, `prompt` and `completion`, in the order of the input.
        refused: input rows that lack a field.
        before: classes as they came.
        after: classes of `rows`.
        problems: different problems in `rows`.
        per_problem: most rows of one problem that were kept.
    """

    rows: tuple[dict[str, Any], ...]
    refused: tuple[Refused, ...]
    before: Tally
    after: Tally
    problems: int
    per_problem: int | None


class _Judged(NamedTuple):
    id: str
    problem: str
    solution: str
    correct: bool
    rank: str


def verification_rows(
    rows: Iterable[Mapping[str, Any] | Placed],
    *,
    wording: Wording | None = None,
    per_problem: int | None = 4,
    balance: bool = True,
    seed: int = 0,
) -> Verification:
    """Return training rows from `{problem, solution, correct}`, with an `id` where there is one.

    Args:
        rows: judged solutions.
        wording: the words.
        per_problem: most rows of one problem, of both classes in turn; `None` is no limit.
        balance: leave out rows of the larger class until both are equal.
        seed: of which rows are left out.

    Raises:
        ConfigurationError: the prompt lacks a field, both sentences begin alike, or the limit is below 1.
    """
    wording = wording or Wording()
    _check(wording, per_problem)
    judged: list[_Judged] = []
    refused: list[Refused] = []
    for number, row in enumerate(rows, 1):
        place, fields = row if isinstance(row, Placed) else (f"row {number}", row)
        found = _judged(place, fields, seed)
        (judged if isinstance(found, _Judged) else refused).append(found)  # type: ignore[arg-type]
    kept = _limited(judged, per_problem)
    kept = _balanced(kept) if balance else kept
    chosen = {id(row) for row in kept}
    made = [row for row in judged if id(row) in chosen]
    return Verification(
        tuple(_row(row, wording) for row in made),
        tuple(refused),
        _tally(judged),
        _tally(made),
        len({row.problem for row in made}),
        per_problem,
    )


def verification_prompt(problem: str, solution: str, wording: Wording | None = None) -> str:
    """Return the question, byte for byte as in training, for a verifier at inference."""
    texts = {"problem": problem, "solution": solution}
    return _FIELD.sub(lambda found: texts[found[1]], (wording or Wording()).prompt)


def _check(wording: Wording, per_problem: int | None) -> None:
    if sorted(_FIELD.findall(wording.prompt)) != ["problem", "solution"]:
        raise ConfigurationError(
            f"the prompt {wording.prompt[:40]!r} must hold {{problem}} and {{solution}} once each"
        )
    if wording.yes.split()[:1] == wording.no.split()[:1]:
        raise ConfigurationError(
            f"both sentences begin alike ({wording.yes!r}, {wording.no!r}); let their first words differ"
        )
    if per_problem is not None and per_problem < 1:
        raise ConfigurationError(f"per_problem is {per_problem!r}; give 1 or more, or None for no limit")


def _judged(place: str, row: Mapping[str, Any], seed: int) -> _Judged | Refused:
    problem, solution, correct = (row.get(name) for name in ("problem", "solution", "correct"))
    id = str(row.get("id") or place)
    if not (isinstance(problem, str) and isinstance(solution, str) and isinstance(correct, bool)):
        return Refused(id, f"{place}: needs problem and solution as texts, and correct as true or false")
    return _Judged(id, problem, solution, correct, fingerprint((seed, place, id, problem, solution)))


def _limited(rows: Sequence[_Judged], most: int | None) -> list[_Judged]:
    """Return at most so many rows of each problem, the classes in turn."""
    if most is None:
        return list(rows)
    seen: dict[tuple[str, bool], int] = {}
    turns: dict[str, list[tuple[int, str, _Judged]]] = {}
    for row in sorted(rows, key=lambda row: row.rank):
        place = seen.get((row.problem, row.correct), 0)
        seen[row.problem, row.correct] = place + 1
        turns.setdefault(row.problem, []).append((place, row.rank, row))
    return [row for found in turns.values() for _, _, row in sorted(found, key=lambda one: one[:2])[:most]]


def _balanced(rows: Sequence[_Judged]) -> list[_Judged]:
    least = min(_tally(rows).correct, _tally(rows).incorrect)
    ordered = sorted(rows, key=lambda row: row.rank)
    return [
        row for correct in (True, False) for row in [row for row in ordered if row.correct is correct][:least]
    ]


def _tally(rows: Sequence[_Judged]) -> Tally:
    correct = sum(row.correct for row in rows)
    return Tally(correct, len(rows) - correct)


def _row(row: _Judged, wording: Wording) -> dict[str, Any]:
    prompt = verification_prompt(row.problem, row.solution, wording)
    sentence = wording.yes if row.correct else wording.no
    return {
        "id": row.id,
        "prompt": [{"role": "user", "content": prompt}],
        "completion": sentence + wording.close,
        "correct": row.correct,
    }
