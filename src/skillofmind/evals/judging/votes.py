"""Votes: what comes of two orders, of several judges, and of people.

1. *One judge*: a preference counts where both orders name the same reply; otherwise the vote is `same`. Where
   one of the orders has no verdict that can be read, there is no vote.
2. *All judges*: the side with more votes; `same` where both have as many.
3. *Value*: 1 for the second system, 0 for the first, 1/2 for `same`; its mean is the win rate of the second.

Votes of judges and of people have one form, so that they can be compared:

    {"item": "dailydialog:test:3#5", "criterion": "empathy", "first": "none", "second": "both",
     "vote": "second", "judge": "rater 1"}
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from skillofmind.core.errors import DataError
from skillofmind.core.record import Record
from skillofmind.evals.judging.questions import pair_of, place_of
from skillofmind.evals.records import Case

Side = Literal["first", "second", "same"]
"""Which system is better."""

VALUES: dict[Side, float] = {"first": 0.0, "same": 0.5, "second": 1.0}
"""What a vote counts for the second system."""

MAJORITY = "all judges"
"""Name of the vote of all judges together."""


class Vote(Record, frozen=True, forbid_unknown_fields=False):
    """One preference.

    Attributes:
        item: id of the item.
        criterion: by which replies were compared.
        first: one system.
        second: the other.
        vote: which is better.
        judge: model or person.
    """

    item: str
    criterion: str
    first: str
    second: str
    vote: Side
    judge: str = ""


class Ballot(NamedTuple):
    """Both orders of one judge by one criterion.

    Attributes:
        item: id of the item.
        judge: who was asked.
        criterion: by which replies were compared.
        seen: order -> value of its verdict, `None` where there is none; 1 is the second system.
        cases: numbers of its cases.
    """

    item: str
    judge: str
    criterion: str
    seen: dict[str, float | None]
    cases: list[int]

    @property
    def complete(self) -> bool:
        """Whether both orders have a verdict."""
        return len(self.seen) == 2 and None not in self.seen.values()

    @property
    def value(self) -> float | None:
        """The vote as a number, `None` where there is none."""
        if not self.complete:
            return None
        one, other = self.seen.values()
        return one if one == other else 0.5

    @property
    def places(self) -> list[float]:
        """1 for each order whose first place was preferred, 0 for each whose second one was."""
        first = {"12": 0.0, "21": 1.0}
        return [float(value == first[order]) for order, value in self.seen.items() if value in (0.0, 1.0)]


def ballots(cases: Sequence[Case], criteria: Sequence[str]) -> list[Ballot]:
    """Return the ballots of the cases of one arm, in the order of the cases."""
    found: dict[tuple[str, str, str], Ballot] = {}
    for number, case in enumerate(cases):
        item, judge, order = place_of(case.item)
        for criterion in criteria:
            ballot = found.setdefault((item, judge, criterion), Ballot(item, judge, criterion, {}, []))
            ballot.seen[order] = case.scores.get(criterion)
            ballot.cases.append(number)
    return list(found.values())


def majority(values: Iterable[float | None]) -> float | None:
    """Return the vote of several judges as a number, `None` where none has a vote."""
    there = [value for value in values if value is not None]
    if not there:
        return None
    balance = sum(value - 0.5 for value in there)
    return 0.5 if balance == 0 else float(balance > 0)


def by_item(found: Iterable[Ballot]) -> dict[tuple[str, str], list[Ballot]]:
    """Return (item, criterion) -> ballots of its judges."""
    grouped: dict[tuple[str, str], list[Ballot]] = {}
    for one in found:
        grouped.setdefault((one.item, one.criterion), []).append(one)
    return grouped


def votes_of(cases: Sequence[Case], criteria: Sequence[str]) -> list[Vote]:
    """Return the votes of every judge, and of all together where there are several, of any arms."""
    arms: dict[str, list[Case]] = {}
    for case in cases:
        arms.setdefault(case.item.arm, []).append(case)
    found = []
    for arm, those in arms.items():
        pair = pair_of(arm)
        for (item, criterion), group in by_item(ballots(those, criteria)).items():
            values = {one.judge: one.value for one in group}
            if len(values) > 1:
                values[MAJORITY] = majority(values.values())
            found += [
                Vote(item, criterion, pair.first, pair.second, side_of(value), judge)
                for judge, value in values.items()
                if value is not None
            ]
    return found


def side_of(value: float) -> Side:
    """Return the side of a value."""
    return "same" if value == 0.5 else "second" if value > 0.5 else "first"


def directed(vote: Vote) -> Vote:
    """Return the same vote with the systems in the order of their names."""
    if vote.first <= vote.second:
        return vote
    sides: Mapping[Side, Side] = {"first": "second", "second": "first", "same": "same"}
    return msgspec.structs.replace(vote, first=vote.second, second=vote.first, vote=sides[vote.vote])


class _Exported(Record, frozen=True, forbid_unknown_fields=False):
    """One answer of a study, as far as a vote needs it."""

    rater: str
    sort: str
    item: str
    criterion: str
    left: str
    right: str
    winner: str
    excluded: bool
    rating: int | None = None

    def vote(self) -> Vote | None:
        """Return the vote; `None` for a rating, for a check, and of a rater who failed the checks."""
        if self.rating is not None or self.sort != "real" or self.excluded:
            return None
        side: Side = (
            "first" if self.winner == self.left else "second" if self.winner == self.right else "same"
        )
        # A run that was given a name in the study names its systems `<name>/<arm>`.
        first, second = (name.rpartition("/")[2] for name in (self.left, self.right))
        return Vote(self.item, self.criterion, first, second, side, self.rater)


def read_votes(path: Path) -> list[Vote]:
    """Return the votes of a JSONL file: records of the form above, or what `som study export` writes.

    Of a study, checks, ratings and raters who failed the checks are left out.

    Raises:
        DataError: the file cannot be read, or a line is no vote.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name a file of votes.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                vote = _vote_of(line)
            except ValueError as error:
                raise DataError(f"{path}:{number}: no vote: {error}.") from error
            if vote is not None:
                found.append(vote)
    return found


def _vote_of(line: bytes) -> Vote | None:
    fields = msgspec.json.decode(line)
    if isinstance(fields, dict) and "winner" in fields:
        return msgspec.convert(fields, _Exported).vote()
    return msgspec.convert(fields, Vote)


def people_together(votes: Iterable[Vote]) -> dict[tuple[str, str, str, str], Side]:
    """Return (item, criterion, first, second) -> what most people say; `same` where sides are even."""
    given: dict[tuple[str, str, str, str], Counter[Side]] = {}
    for vote in map(directed, votes):
        key = (vote.item, vote.criterion, vote.first, vote.second)
        given.setdefault(key, Counter())[vote.vote] += 1
    return {
        key: side_of(majority([VALUES[side] for side, count in sides.items() for _ in range(count)]) or 0.0)
        for key, sides in given.items()
    }
