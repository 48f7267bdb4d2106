"""What judges say, as tasks: the cases are single questions, the measures put orders and judges together.

`<task>.votes`, an arm for each pair of systems:

    win.<criterion>     win rate of the second system by the vote of all judges; `same` counts one half
    win.all             the mean over criteria
    first place         share of preferences for whichever reply stood first; 1/2 without position bias
    steady              share of votes whose two orders say the same
    readable            share of answers with a verdict for every criterion

`<task>.ratings`, an arm for each system: the mean of each criterion over judges, from 1 to the scale.

Every number is a sum over items of the draw, so the intervals know that verdicts on one item go together.
`n` counts the answers that a number is made of. What holds for each judge is in tables.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from skillofmind.evals.judging.agreement import judges_table, people_table
from skillofmind.evals.judging.questions import pair_of, place_of, ratings_task, votes_task
from skillofmind.evals.judging.verdicts import Choice, read_pair, read_rating
from skillofmind.evals.judging.votes import MAJORITY, Ballot, Vote, ballots, by_item, majority, votes_of
from skillofmind.evals.judging.wording import Wording
from skillofmind.evals.measure import Measure, estimates, mean_of, ratio_of
from skillofmind.evals.records import Answer, Case, Cell, Item, Table
from skillofmind.evals.task import Task

Scores = dict[str, float | None]

READABLE = "readable"
"""Score: whether every criterion has a verdict."""

_SECOND: dict[str, dict[Choice, float]] = {
    "12": {"A": 0.0, "B": 1.0, "tie": 0.5},
    "21": {"A": 1.0, "B": 0.0, "tie": 0.5},
}
"""Order -> choice -> what it counts for the second system."""


def judge_tasks(task: str, wording: Wording, people: Sequence[Vote] = ()) -> tuple[Task, Task]:
    """Return the tasks of pairs and of single replies.

    Args:
        task: whose replies are judged.
        wording: names the criteria.
        people: votes of people on the same pairs.
    """
    criteria = tuple(wording.criteria)
    votes = Task(
        votes_task(task),
        "Which of two replies is better, asked in both orders.",
        "reply",
        "",
        _no_items,
        partial(_score_pair, criteria),
        _vote_measures,
        partial(_vote_tables, tuple(_of_task(task, one) for one in people)),
        slices=("talks to a judge",),
    )
    ratings = Task(
        ratings_task(task),
        f"How good a reply is, from 1 to {wording.scale}.",
        "reply",
        "",
        _no_items,
        partial(_score_single, criteria, wording.scale),
        _rating_measures,
        _rating_tables,
        slices=("judge", "talks to a judge"),
    )
    return votes, ratings


def _criteria(cases: Sequence[Case]) -> list[str]:
    """Return the criteria that the cases have scores of, so that numbers need no wording."""
    return [name for name in (cases[0].scores if cases else ()) if name != READABLE]


def _of_task(task: str, vote: Vote) -> Vote:
    """Return the vote with the item's own id; a study of several tasks puts the task before it."""
    return msgspec.structs.replace(vote, item=vote.item.removeprefix(f"{task}/"))


def _no_items(data: Path) -> Iterator[Item]:
    """Questions come from replies, not from a corpus."""
    return iter(())


def _score_pair(criteria: Sequence[str], item: Item, answer: Answer) -> Scores:
    if answer.error is not None:
        return dict.fromkeys((*criteria, READABLE))
    values = _SECOND[place_of(item).order]
    found = read_pair(answer.reply, criteria)
    scores: Scores = {name: None if one is None else values[one] for name, one in found.items()}
    return scores | {READABLE: float(None not in scores.values())}


def _score_single(criteria: Sequence[str], scale: int, item: Item, answer: Answer) -> Scores:
    if answer.error is not None:
        return dict.fromkeys((*criteria, READABLE))
    found = read_rating(answer.reply, criteria, scale)
    scores: Scores = {name: None if one is None else float(one) for name, one in found.items()}
    return scores | {READABLE: float(None not in scores.values())}


def _vote_measures(cases: Sequence[Case]) -> list[Measure]:
    criteria = _criteria(cases)
    found = ballots(cases, criteria)
    pair = pair_of(cases[0].item.arm) if cases else pair_of("")
    about = f"Win rate of {pair.second!r} over {pair.first!r}"
    measures = []
    for name in criteria:
        mine = [one for one in found if one.criterion == name]
        measures.append(_win(f"win.{name}", mine, len(cases), f"{about} by {name}."))
    measures.append(_win("win.all", found, len(cases), f"{about}, mean over criteria and items."))
    return [*measures, _place(found, len(cases)), _steady(found, len(cases)), _readable(cases)]


def _win(name: str, found: Sequence[Ballot], cases: int, about: str) -> Measure:
    """Return the mean vote of all judges."""
    rows, used = np.zeros((cases, 2)), set[int]()
    for group in by_item(found).values():
        value = majority(one.value for one in group)
        if value is not None:
            rows[group[0].cases[0]] += (value, 1)
            used.update(number for one in group if one.complete for number in one.cases)
    return ratio_of(name, rows, len(used), "higher", about)


def _place(found: Sequence[Ballot], cases: int) -> Measure:
    rows, used = np.zeros((cases, 2)), set[int]()
    for one in found:
        if one.places:
            rows[one.cases[0]] += (sum(one.places), len(one.places))
            used.update(one.cases)
    about = "Share of the preferences that are for whichever reply stood first; 0.5 without position bias."
    return ratio_of("first place", rows, len(used), "", about)


def _steady(found: Sequence[Ballot], cases: int) -> Measure:
    rows, used = np.zeros((cases, 2)), set[int]()
    for one in found:
        if one.complete:
            rows[one.cases[0]] += (len(set(one.seen.values())) == 1, 1)
            used.update(one.cases)
    return ratio_of("steady", rows, len(used), "higher", "Share of the votes whose two orders say the same.")


def _readable(cases: Sequence[Case]) -> Measure:
    values = [case.scores.get(READABLE) for case in cases]
    return mean_of(READABLE, values, "higher", "Share of the answers with a verdict for every criterion.")


def _vote_tables(people: Sequence[Vote], cases: Sequence[Case]) -> tuple[Table, ...]:
    criteria = _criteria(cases)
    votes = votes_of(cases, criteria)
    if not votes:
        return ()
    found = [_votes_table(criteria, cases), _judges_table(criteria, cases)]
    judges = judges_table(votes)
    if judges is not None:
        found.append(judges)
    pair = pair_of(cases[0].item.arm)
    with_people = people_table(votes, [one for one in people if {one.first, one.second} == set(pair)])
    if with_people is not None:
        found.append(with_people)
    return tuple(found)


def _votes_table(criteria: Sequence[str], cases: Sequence[Case]) -> Table:
    """Return wins, ties and losses of every judge by every criterion, with the win rate's interval."""
    found, groups = ballots(cases, criteria), [case.item.group for case in cases]
    judges = list(dict.fromkeys(one.judge for one in found))
    rows: list[tuple[Cell, ...]] = []
    for criterion in criteria:
        by_criterion = [one for one in found if one.criterion == criterion]
        for judge in [*judges, MAJORITY] if len(judges) > 1 else judges:
            mine = [one for one in by_criterion if judge in (one.judge, MAJORITY)]
            values = [majority(one.value for one in group) for group in by_item(mine).values()]
            (win,) = estimates([_win("win", mine, len(cases), "")], groups)
            counts = (values.count(1.0), values.count(0.5), values.count(0.0), values.count(None))
            rows.append((criterion, judge, *counts, win.value, win.low, win.high))
    pair = pair_of(cases[0].item.arm)
    columns = ("criterion", "judge", pair.second, "same", pair.first, "missing", "win rate", "low", "high")
    return Table("Votes", columns, tuple(rows), "A preference counts where both orders agree on it.")


def _judges_table(criteria: Sequence[str], cases: Sequence[Case]) -> Table:
    """Return position bias, steadiness and readability of every judge, each with its interval."""
    place_steady = [f"{name}{end}" for name in ("first place", "steady") for end in ("", " low", " high")]
    columns = ("judge", "answers", "failed", *place_steady, READABLE)
    rows: list[tuple[Cell, ...]] = []
    for judge in dict.fromkeys(place_of(case.item).judge for case in cases):
        mine = [case for case in cases if place_of(case.item).judge == judge]
        found, groups = ballots(mine, criteria), [case.item.group for case in mine]
        measures = [_place(found, len(mine)), _steady(found, len(mine)), _readable(mine)]
        place, steady, readable = estimates(measures, groups)
        failed = sum(case.answer.error is not None for case in mine)
        numbers = (place.value, place.low, place.high, steady.value, steady.low, steady.high)
        rows.append((judge, len(mine), failed, *numbers, readable.value))
    about = "`first place` is 0.5 without position bias; `steady` is 1 where order changes nothing."
    return Table("Judges", columns, tuple(rows), about)


def _rating_measures(cases: Sequence[Case]) -> list[Measure]:
    measures = [
        mean_of(name, [case.scores.get(name) for case in cases], "higher", f"Mean rating of {name}.")
        for name in _criteria(cases)
    ]
    readable = [case.scores.get(READABLE) for case in cases]
    about = "Share of the answers with a rating for every criterion."
    return [*measures, mean_of(READABLE, readable, "higher", about)]


def _rating_tables(cases: Sequence[Case]) -> tuple[Table, ...]:
    """Return the mean rating of every judge by every criterion."""
    judges = dict.fromkeys(place_of(case.item).judge for case in cases)
    rows: list[tuple[Cell, ...]] = []
    for criterion in _criteria(cases):
        for judge in judges:
            there = [
                value
                for case in cases
                if place_of(case.item).judge == judge and (value := case.scores.get(criterion)) is not None
            ]
            rows.append((criterion, judge, len(there), sum(there) / len(there) if there else None))
    return (Table("Ratings", ("criterion", "judge", "ratings", "mean"), tuple(rows)),)
