"""The course of one row: from the answers so far to the next request, or to the end.

    teacher -> (fault? one repair) -> [second teacher -> (fault? one repair) -> (other skills? judge)]

Nothing here waits, counts or remembers: `Course.next_ask` is a pure function of the row and the answers
that are there. So a live run, a Batch API and many machines do the same job, and a run that was killed goes
on in the middle of a row.
"""

import hashlib
from functools import lru_cache, partial
from typing import Literal, NamedTuple

from skillofmind.core.completion import Sampling, StopReason, Usage
from skillofmind.core.conversation import Conversation
from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.reply import Draft, Reply, read_choice, read_reply
from skillofmind.mind.annotate.request import (
    JUDGE_SAMPLING,
    TEACHER_SAMPLING,
    Candidate,
    Wording,
    judge_request,
    repair_request,
    teacher_request,
)
from skillofmind.mind.normalise import Normaliser

Role = Literal["teacher", "repair", "second", "second_repair", "judge"]
"""What a request of a row is for."""

Asked = Literal["teacher", "second", "judge"]
"""Which of the models a request goes to."""

ASKED: dict[Role, Asked] = {
    "teacher": "teacher",
    "repair": "teacher",
    "second": "second",
    "second_repair": "second",
    "judge": "judge",
}
"""Role -> model."""


Unusable = Literal["no_answer", "refused", "truncated", "no_json", "incomplete", "oov", "disagreement"]
"""Why the answers of a row give no annotation."""


class Answer(Record, frozen=True):
    """What came back to one request of a row.

    Attributes:
        role: what was asked.
        text: the reply, verbatim.
        stop: why it ended.
        usage: tokens; none where the cache answered.
        attempts: calls it took, failed ones included; 0 where none was made.
        cached: whether the cache answered.
        seconds: wall time of all attempts.
        time: ISO 8601, when it was there.
        model: the model's own name for itself.
        request: fingerprint of the request.
        parcel: the batch that it came with, of those of the run; "" where it was asked live.
        error: one sentence, where there is no reply.
    """

    role: Role
    text: str = ""
    stop: StopReason = "unknown"
    usage: Usage = Usage()
    attempts: int = 1
    cached: bool = False
    seconds: float = 0.0
    time: str = ""
    model: str = ""
    request: str = ""
    parcel: str = ""
    error: str | None = None


class Ask(NamedTuple):
    """The next request of a row."""

    role: Role
    conversation: Conversation
    sampling: Sampling


class Verdict(NamedTuple):
    """What two teachers and a judge made of a row.

    Attributes:
        first: drafts of the teacher.
        second: drafts of the second teacher; `None` where there was none.
        chosen: drafts that count; empty where the row is rejected.
        chosen_by: whose they are.
        agree: whether the teachers share a skill; `None` without a second one.
        reason: why nothing was chosen, or `None`.
        detail: the same as a sentence.
    """

    first: Reply
    second: Reply | None
    chosen: tuple[Draft, ...]
    chosen_by: Asked
    agree: bool | None
    reason: Unusable | None
    detail: str


class Course:
    """How every row of a job goes."""

    def __init__(
        self,
        words: Wording,
        normaliser: Normaliser,
        *,
        second: bool = False,
        sampling: Sampling = TEACHER_SAMPLING,
    ) -> None:
        """Set the course.

        Args:
            words: of the requests.
            normaliser: of the skill names.
            second: ask a second teacher as well, and a judge where the two name different skills.
            sampling: of the teachers.
        """
        self.words = words
        self.sampling = sampling
        self.second = second
        self.normaliser = normaliser
        # A reply is read when the next request is looked for, and soon after for the verdict.
        self._read = lru_cache(maxsize=256)(partial(read_reply, normaliser=normaliser))

    def next_ask(self, instance: Instance, answers: tuple[Answer, ...]) -> Ask | None:
        """Return the next request, or `None` where the row is at its end or an answer failed."""
        by_role: dict[Role, Answer] = {answer.role: answer for answer in answers if answer.error is None}
        ask, first = self._teacher(instance, by_role, "teacher", "repair")
        if ask is not None or not self.second or first.reason is not None:
            return ask
        ask, second = self._teacher(instance, by_role, "second", "second_repair")
        if ask is not None or second.reason is not None or share_skill(first, second) or "judge" in by_role:
            return ask
        shown = (second, first) if second_comes_first(instance) else (first, second)
        request = judge_request(instance, _candidate(shown[0]), _candidate(shown[1]), self.words)
        return Ask("judge", request, JUDGE_SAMPLING)

    def verdict(self, instance: Instance, answers: tuple[Answer, ...]) -> Verdict:
        """Return what the answers of a row come to."""
        by_role: dict[Role, Answer] = {answer.role: answer for answer in answers}
        first = self._reply(by_role, "teacher", "repair")
        if first.reason is not None or not self.second:
            reason, detail = _why_not(first, by_role.get("repair") or by_role.get("teacher"))
            return Verdict(first, None, first.usable(), "teacher", None, reason, detail)
        second = self._reply(by_role, "second", "second_repair")
        if second.reason is not None:
            reason, detail = _why_not(second, by_role.get("second_repair") or by_role.get("second"))
            return Verdict(first, second, (), "second", None, reason, f"second teacher: {detail}")
        if share_skill(first, second):
            return Verdict(first, second, first.usable(), "teacher", True, None, "")
        return self._judged(instance, first, second, by_role.get("judge"))

    def _judged(self, instance: Instance, first: Reply, second: Reply, answer: Answer | None) -> Verdict:
        if answer is None or answer.error is not None:
            detail = answer.error if answer is not None and answer.error else "the judge was not asked yet"
            return Verdict(first, second, (), "judge", False, "no_answer", f"judge: {detail}")
        choice = read_choice(answer.text)
        if choice not in ("A", "B"):
            said = "neither" if choice else "nothing that can be read"
            names = f"{_candidate(first).skill!r} and {_candidate(second).skill!r}"
            detail = f"the teachers named {names}; the judge chose {said}"
            return Verdict(first, second, (), "judge", False, "disagreement", detail)
        is_second = (choice == "A") == second_comes_first(instance)
        chosen = second if is_second else first
        return Verdict(first, second, chosen.usable(), "second" if is_second else "teacher", False, None, "")

    def _teacher(
        self, instance: Instance, by_role: dict[Role, Answer], role: Role, repair: Role
    ) -> tuple[Ask | None, Reply]:
        """Return the next request to a teacher, or `None`, and what its latest reply holds."""
        if role not in by_role:
            return Ask(role, teacher_request(instance, self.words), self.sampling), Reply()
        reply = self._reply(by_role, role, repair)
        if reply.reason is None or repair in by_role:
            return None, reply
        request = repair_request(
            teacher_request(instance, self.words), by_role[role].text, reply.fault, self.words
        )
        return Ask(repair, request, self.sampling), reply

    def _reply(self, by_role: dict[Role, Answer], role: Role, repair: Role) -> Reply:
        """Return the first reply where it is usable, else that to the repair request."""
        text = by_role[role].text if role in by_role else ""
        reply = self._read(text)
        if reply.reason is None or repair not in by_role:
            return reply
        return self._read(by_role[repair].text)


def share_skill(first: Reply, second: Reply) -> bool:
    """Say whether two usable replies have a skill in common."""
    return bool({draft.skill for draft in first.usable()} & {draft.skill for draft in second.usable()})


def second_comes_first(instance: Instance) -> bool:
    """Say whether the judge sees the second teacher's annotation as A: half the rows, by the id's hash."""
    return hashlib.sha256(instance.id.encode()).digest()[0] % 2 == 1


def _candidate(reply: Reply) -> Candidate:
    draft = reply.usable()[0]
    return Candidate(draft.skill or "", draft.explanation)


def _why_not(reply: Reply, answer: Answer | None) -> tuple[Unusable | None, str]:
    """Return reason and detail of a reply that cannot be used; `None` and "" for one that can."""
    if answer is None:
        return "no_answer", "not asked yet"
    if answer.error is not None:
        return "no_answer", answer.error
    if reply.reason is None:
        return None, ""
    if answer.stop == "content_filter":
        return "refused", "the teacher's content filter ended the reply"
    if answer.stop == "length" and reply.reason != "oov":
        return "truncated", "the reply was cut off at max_tokens before an annotation was whole"
    return reply.reason, reply.fault
