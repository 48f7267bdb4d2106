"""Plans: what the planner thinks before the agent answers."""

from typing import Literal

from skillofmind.core.record import Record


class Alternative(Record, frozen=True):
    """A skill with the probability (0 to 1) that the planner gives it, where it gives one."""

    skill: str
    confidence: float | None = None


class Evidence(Record, frozen=True):
    """A part of the input that moved the choice, found by taking it away.

    Attributes:
        kind: `turn` or `context`.
        where: the turn's index counted from 0 (`turn`), or the name of the field (`context`).
        quote: the words, shortened.
        effect: log-odds of the chosen skill with this part, minus without it; positive speaks for the choice.
    """

    kind: Literal["turn", "context"]
    where: str
    quote: str
    effect: float


class Plan(Record, frozen=True):
    """The outcome of planning one reply.

    Attributes:
        explanation: a short first-person thought; empty when there is none.
        skill: a taxonomy name, or `None` where no valid skill was named.
        skill_raw: what the planner literally said.
        confidence: probability of `skill` (0 to 1) where the planner has one.
        alternatives: ranked skills, best first, the chosen one included.
        evidence: what in the input moved the choice, strongest first.
        valid: whether `skill` is a taxonomy name and the answer was well formed.
        error: one sentence, where planning failed; the other fields are then empty.
        planner: identity of the planner.
        responder: who is about to speak.
    """

    explanation: str = ""
    skill: str | None = None
    skill_raw: str = ""
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    valid: bool = False
    error: str | None = None
    planner: str = ""
    responder: str = ""
