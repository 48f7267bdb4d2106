"""What a study comes to, as records."""

from skillofmind.core.record import Record
from skillofmind.evals.study.outcome.votes import Attention
from skillofmind.mind.dataset.reviewed import Rate
from skillofmind.scorers.agreement import Agreement, Alpha


class RaterResult(Record, frozen=True):
    """One rater.

    Attributes:
        name: who.
        answered: pages.
        pages: of their sheet.
        attention: how they did in the checks.
        left: decided votes for what stood on the left; undefined in ratings.
        seconds: lower quartile, median and upper quartile of the time of a page; empty below two pages.
        remarks: pages with a remark.
    """

    name: str
    answered: int
    pages: int
    attention: Attention
    left: Rate
    seconds: tuple[float, ...]
    remarks: int


class PairResult(Record, frozen=True):
    """Two systems by one criterion.

    Attributes:
        first: the system whose rate it is.
        second: the other one.
        wins: votes for the first.
        losses: votes for the second.
        ties: votes for neither.
        rate: (wins + ties / 2) / votes.
        low: lower end of the 95 % interval over resamples of whole dialogues.
        high: upper end.
        wilson: the interval as if all votes were independent, which is too narrow with several raters.
        p: of so large a difference by chance (permutation of whole dialogues).
        adjusted: the same, corrected for all comparisons of the study.
        dialogues: how many.
        detectable: the smallest rate above 50 % that so many dialogues show with 80 % power, one vote each.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    rate: float
    low: float
    high: float
    wilson: tuple[float, float]
    p: float
    adjusted: float | None
    dialogues: int
    detectable: float | None


class StrengthResult(Record, frozen=True):
    """A system's strength by Bradley and Terry.

    Attributes:
        system: its name.
        value: natural logarithm of the strength; 0 on average.
        low: lower end of the 95 % interval over resamples of whole dialogues; `None` where there is none.
        high: upper end.
    """

    system: str
    value: float
    low: float | None
    high: float | None


class RatingResult(Record, frozen=True):
    """A system's mean rating.

    Attributes:
        system: its name.
        mean: of all ratings.
        low: lower end of the 95 % interval, clustered by dialogue; `None` below two dialogues.
        high: upper end.
        error: the cluster-robust standard error.
        counts: how often each point of the scale was given.
    """

    system: str
    mean: float
    low: float | None
    high: float | None
    error: float | None
    counts: tuple[int, ...]


class RatingDifference(Record, frozen=True):
    """Two systems' ratings of the same dialogues.

    Attributes:
        first: a system.
        second: the one that is compared with it.
        value: mean of second minus first, each item counting once.
        low: lower end of the 95 % interval, clustered by dialogue.
        high: upper end.
        p: permutation of whole dialogues.
        adjusted: the same, corrected for all comparisons of the study.
        items: that both were rated on.
        detectable: the smallest difference that so many items show with 80 % power, given how much they vary.
    """

    first: str
    second: str
    value: float
    low: float
    high: float
    p: float
    adjusted: float | None
    items: int
    detectable: float | None


class PairOfRaters(Record, frozen=True):
    """How far two raters agree: Cohen's kappa on the tasks of both."""

    raters: tuple[str, str]
    kappa: Agreement


class CriterionResult(Record, frozen=True):
    """One question.

    Attributes:
        criterion: its name.
        pairs: each pair of systems; empty in ratings.
        strengths: the strongest first; empty in ratings and where the votes give none.
        ratings: each system; empty in pairs.
        differences: each pair of systems; empty in pairs.
        alpha: Krippendorff's alpha of all raters, nominal for pairs and ordinal for ratings.
        fleiss: Fleiss' kappa of the tasks with as many raters as most have; `None` where that is one.
        raters: each pair of raters.
        left: share of the decided votes for what stood on the left; undefined in ratings.
    """

    criterion: str
    pairs: tuple[PairResult, ...]
    strengths: tuple[StrengthResult, ...]
    ratings: tuple[RatingResult, ...]
    differences: tuple[RatingDifference, ...]
    alpha: Alpha
    fleiss: Agreement | None
    raters: tuple[PairOfRaters, ...]
    left: Rate


class StudyResults(Record, frozen=True):
    """All of it.

    Attributes:
        title: of the study.
        kind: pairs or ratings.
        subject: reply or explanation.
        systems: their names.
        scale: words for the points; empty for pairs.
        items: that were judged by raters who count.
        answers: of raters who count, checks left out.
        raters: everyone who takes part, in the order in which they joined.
        excluded: names of those whose answers are left out.
        criteria: the questions.
        notes: what a reader has to know.
    """

    title: str
    kind: str
    subject: str
    systems: tuple[str, ...]
    scale: tuple[str, ...]
    items: int
    answers: int
    raters: tuple[RaterResult, ...]
    excluded: tuple[str, ...]
    criteria: tuple[CriterionResult, ...]
    notes: tuple[str, ...]
