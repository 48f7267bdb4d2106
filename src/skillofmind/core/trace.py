"""What happened on the way to an answer, and how good the answer is."""

from skillofmind.core.completion import Completion, Usage
from skillofmind.core.record import Record


class Call(Record, frozen=True):
    """One model call inside a strategy.

    Attributes:
        model: identity of the model.
        request: fingerprint of the request.
        usage: tokens.
        seconds: wall time.
        attempts: tries, the successful one included.
        cached: whether the cache answered.
        error: one sentence, where it failed.
    """

    model: str
    request: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0
    attempts: int = 1
    cached: bool = False
    error: str | None = None


class Trace(Record, frozen=True):
    """The outcome of a strategy: the answer and every call that it took.

    Attributes:
        completion: the answer; `None` where there is none.
        calls: all calls, in order of completion, failed ones included.
        stopped_by: `budget` or `deadline` where the strategy was cut and this is the best so far.
        error: one sentence, where there is no answer.
    """

    completion: Completion | None = None
    calls: tuple[Call, ...] = ()
    stopped_by: str | None = None
    error: str | None = None

    def usage(self) -> Usage:
        """Return the tokens of all calls that were not answered by the cache."""
        return sum((call.usage for call in self.calls if not call.cached), Usage())


class Score(Record, frozen=True):
    """A judgement of one output: a value, or missing with the reason; missing is never zero."""

    value: float | None = None
    missing: str | None = None
    name: str = ""


class Step(Record, frozen=True):
    """What an environment answers to an action."""

    observation: str
    reward: Score = Score()
    done: bool = False
