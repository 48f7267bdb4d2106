"""How far judges agree: with each other, and with people.

Two sides are compared by Cohen's kappa over votes `first`, `second`, `same`; three judges and more together
by Fleiss' kappa, over the items that all of them voted on. Agreement with the majority of people is shown
beside that of single people with the others: a judge cannot be asked for more.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from skillofmind.evals.judging.votes import MAJORITY, Vote, directed, people_together
from skillofmind.evals.records import Cell, Table
from skillofmind.scorers.agreement import Agreement, cohen_kappa, fleiss_kappa

ALL = "all criteria"

WITH_PEOPLE = "Agreement with people"
"""Title of the table of judges and people."""

_Key = tuple[str, str, str, str]
_COLUMNS = ("criterion", "votes", "agree", "kappa", "low", "high")


def judges_table(votes: Sequence[Vote]) -> Table | None:
    """Return how far judges agree with each other, or `None` below two of them."""
    judges = _by_judge(vote for vote in votes if vote.judge != MAJORITY)
    if len(judges) < 2:
        return None
    rows: list[tuple[Cell, ...]] = []
    for criterion in _criteria(votes):
        for one, other in combinations(judges, 2):
            shared = _shared(judges[one], judges[other], criterion)
            rows.append((f"{one}, {other}", *_row(criterion, cohen_kappa(*shared))))
        if len(judges) > 2:
            rows.append(("all (Fleiss)", *_row(criterion, fleiss_kappa(_patterns(judges, criterion)))))
    about = "Share of equal votes, and kappa: what is above chance. Each vote is that of both orders."
    return Table("Agreement of judges", ("judges", *_COLUMNS), tuple(rows), about)


def people_table(votes: Sequence[Vote], people: Sequence[Vote]) -> Table | None:
    """Return how far each judge agrees with people; `None` where they voted on nothing in common.

    Args:
        votes: of judges, and of all of them together.
        people: votes of people; `judge` names the person.
    """
    together = people_together(people)
    judges = _by_judge(votes)
    if not any(mine.keys() & together.keys() for mine in judges.values()):
        return None
    rows: list[tuple[Cell, ...]] = []
    for criterion in _criteria(votes):
        for judge, mine in judges.items():
            shared = _shared(mine, together, criterion)
            if shared[0]:
                rows.append((judge, *_row(criterion, cohen_kappa(*shared))))
        for person, shared in _people_among_themselves(people, criterion):
            rows.append((person, *_row(criterion, cohen_kappa(*shared))))
    about = (
        "Votes of each judge against the majority of people, and of each person against the majority of the "
        "other people."
    )
    return Table(WITH_PEOPLE, ("judge or person", *_COLUMNS), tuple(rows), about)


def _people_among_themselves(
    people: Sequence[Vote], criterion: str
) -> list[tuple[str, tuple[list[str], list[str]]]]:
    found = []
    names = dict.fromkeys(vote.judge for vote in people)
    for name in names if len(names) > 1 else ():
        mine = _by_judge(vote for vote in people if vote.judge == name)[name]
        others = people_together(vote for vote in people if vote.judge != name)
        shared = _shared(mine, others, criterion)
        if shared[0]:
            found.append((f"person {name}", shared))
    return found


def _by_judge(votes: Iterable[Vote]) -> dict[str, dict[_Key, str]]:
    found: dict[str, dict[_Key, str]] = {}
    for one in map(directed, votes):
        found.setdefault(one.judge, {})[one.item, one.criterion, one.first, one.second] = one.vote
    return found


def _shared(
    one: Mapping[_Key, str], other: Mapping[_Key, str], criterion: str
) -> tuple[list[str], list[str]]:
    keys = [key for key in one if key in other and criterion in (ALL, key[1])]
    return [one[key] for key in keys], [other[key] for key in keys]


def _patterns(judges: dict[str, dict[_Key, str]], criterion: str) -> list[dict[str, int]]:
    first, *others = judges.values()
    found = []
    for key in first:
        if criterion in (ALL, key[1]) and all(key in one for one in others):
            said = [one[key] for one in judges.values()]
            found.append({side: said.count(side) for side in dict.fromkeys(said)})
    return found


def _criteria(votes: Sequence[Vote]) -> list[str]:
    return [*dict.fromkeys(vote.criterion for vote in votes), ALL]


def _row(criterion: str, found: Agreement) -> tuple[Cell, ...]:
    return criterion, found.items, found.observed, found.value, found.low, found.high
