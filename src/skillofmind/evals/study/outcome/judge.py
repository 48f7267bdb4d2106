"""How far a judge, such as a language model, agrees with people.

- *with the majority*: Cohen's kappa of the judge and of what most people said; cases without a majority are
  left out and counted.
- *with each person*: how often judge and person say the same, beside how often a person and another one do. A
  judge who is as near to people as they are to each other has reached what people can show.
- *alpha* of the people alone, and with the judge as one more of them.

    >>> people = {"1": ["a", "a"], "2": ["b", "b"], "3": ["a", "b"]}
    >>> found = judge_agreement(people, {"1": "a", "2": "b", "3": "a"})
    >>> found.same_as_majority.value, found.same_as_people, found.people_same, found.no_majority
    (1.0, 0.8333333333333334, 0.6666666666666666, 1)
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

from skillofmind.core.record import Record
from skillofmind.mind.dataset.reviewed import Rate, wilson
from skillofmind.scorers.agreement import Agreement, Alpha, cohen_kappa, krippendorff_alpha

Key = TypeVar("Key", bound=Hashable)


class JudgeAgreement(Record, frozen=True):
    """How far a judge agrees with people.

    Attributes:
        cases: cases that both the judge and people said something about.
        no_majority: those among them where no choice has more votes than every other.
        same_as_majority: how often the judge says what most people say, with the Wilson interval.
        kappa: Cohen's kappa of the judge and the majority.
        same_as_people: share of (judge, person) pairs that say the same, each case counting alike; `None`
            without cases.
        people_same: the same for pairs of people; `None` where no case has two of them.
        alpha: Krippendorff's alpha of the people alone.
        alpha_with_judge: with the judge as one more of them.
    """

    cases: int
    no_majority: int
    same_as_majority: Rate
    kappa: Agreement
    same_as_people: float | None
    people_same: float | None
    alpha: Alpha
    alpha_with_judge: Alpha


def judge_agreement(people: Mapping[Key, Sequence[str]], judge: Mapping[Key, str]) -> JudgeAgreement:
    """Return how far `judge` agrees with `people`.

    Args:
        people: case -> what each person said; `votes.people_votes` reads it from a study.
        judge: case -> what the judge said, in the same words.
    """
    both = [(people[case], judge[case]) for case in people if case in judge and people[case]]
    decided = [(most, said) for given, said in both if (most := majority(given)) is not None]
    same = sum(most == said for most, said in decided)
    return JudgeAgreement(
        cases=len(both),
        no_majority=len(both) - len(decided),
        same_as_majority=wilson(same, len(decided)),
        kappa=cohen_kappa([most for most, _ in decided], [said for _, said in decided]),
        same_as_people=_mean(given.count(said) / len(given) for given, said in both),
        people_same=_mean(_same(given) for given, _ in both if len(given) > 1),
        alpha=krippendorff_alpha([given for given, _ in both]),
        alpha_with_judge=krippendorff_alpha([[*given, said] for given, said in both]),
    )


def majority(given: Sequence[str]) -> str | None:
    """Return what most say; `None` where two choices have the most votes."""
    first, *others = Counter(given).most_common(2)
    return None if others and others[0][1] == first[1] else first[0]


def _same(given: Sequence[str]) -> float:
    pairs = [one == other for one, other in combinations(given, 2)]
    return sum(pairs) / len(pairs)


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None
