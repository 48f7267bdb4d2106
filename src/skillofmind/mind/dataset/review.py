"""People check what the teacher wrote: their decisions, which rows they see, what becomes of the data.

    reviews.jsonl      in the run directory; one decision a line, appended, never overwritten

1. *Sample*: annotations are ranked by a hash of seed, row id and number, so a draw does not follow the order
   of the file, and two reviewers with one seed see the same. Where no skill is asked for, the skills take
   turns (the first of each, the second of each, ...), so rare skills show up. A draw of 50 is the beginning
   of a draw of 100. The file is read once with heaps of at most n places a skill, then only what was drawn.
2. *Decide*: `accept` (skill and explanation hold), `edit` (one of them is written anew), `reject`. A decision
   holds for the text that was shown: its fingerprint `about` goes with it, and where another run wrote
   something else, the decision changes nothing any more. The latest of a reviewer counts.
3. *Combine* (`combined`): the majority decides whether the teacher's skill stands; a tie keeps it. Where it
   does not stand, the annotation gets what most of the others left, another skill or nothing; where they are
   split over that, it is dropped. The explanation is the one that more than half of those chose who left the
   winning skill; without such a majority it is the teacher's, or, under another skill, the earliest one.

How far reviewers agree, and how often the teacher is right, is in `reviewed.py`.
"""

import hashlib
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec

from skillofmind.core.dialogue import Annotation, Dialogue
from skillofmind.core.errors import ConfigurationError, DataError, RunBusy
from skillofmind.core.identity import fingerprint
from skillofmind.core.record import Record
from skillofmind.mind.dataset.files import ANNOTATED, REJECTED
from skillofmind.run.log import AppendLog, read_log

REVIEWS = "reviews.jsonl"
REJECTION = -1
"""The number that stands for the rejection of a row, which has no annotations to count."""

ANY = "any"
"""As a reason: rejected rows of every reason, in turns."""

NONE = "(none)"
"""The label of an annotation that a reviewer rejects, and a blind choice of no skill."""

Verdict = Literal["accept", "edit", "reject"]

_TRIES, _PAUSE = 40, 0.05
_MOST_NAME = 80


class Decision(Record, frozen=True):
    """What one reviewer says of one annotation, or of the rejection of a row.

    Attributes:
        row: id of the row.
        number: place of the annotation in the row, from 0; `REJECTION` for a rejected row.
        about: fingerprint of what was shown.
        reviewer: who decided.
        verdict: `accept` of a rejection means that the row was rejected rightly.
        teacher: the skill that the teacher named; for a rejection the reason.
        skill: after an edit, or as it was.
        explanation: after an edit, or as it was.
        note: of the reviewer.
        blind: the skill that the reviewer chose before seeing the teacher's, or `NONE`; "" where
            the teacher's was shown from the start.
        time: ISO 8601.
    """

    row: str
    number: int
    about: str
    reviewer: str
    verdict: Verdict
    teacher: str
    skill: str = ""
    explanation: str = ""
    note: str = ""
    blind: str = ""
    time: str = ""

    def label(self) -> str:
        """Return the skill that the reviewer leaves standing; "" where that is none."""
        return "" if self.verdict == "reject" else self.skill

    def is_right(self) -> bool:
        """Say whether the teacher's skill stands; an edit of the explanation alone leaves it standing."""
        return self.verdict != "reject" and (self.number == REJECTION or self.skill == self.teacher)


class Rejection(Record, frozen=True):
    """Why a row has no annotations.

    Attributes:
        reason: the name of the reason.
        detail: the same as a sentence.
        replies: role of the request and raw reply, in the order of asking.
    """

    reason: str
    detail: str = ""
    replies: tuple[tuple[str, str], ...] = ()


class Item(NamedTuple):
    """One thing to decide.

    Attributes:
        row: ends with the turn that was annotated.
        number: which annotation of it; `REJECTION` for a rejected row.
    """

    row: Dialogue
    number: int

    @property
    def annotation(self) -> Annotation | None:
        """The annotation; `None` for a rejected row."""
        return None if self.number == REJECTION else self.row.turns[-1].annotations[self.number]

    @property
    def rejection(self) -> Rejection:
        """Why the row was rejected; without a reason where it was not."""
        found = self.row.meta.get("rejected", {})
        replies = tuple((str(one.get("role")), str(one.get("text"))) for one in found.get("replies", ()))
        return Rejection(str(found.get("reason", "")), str(found.get("detail", "")), replies)

    @property
    def label(self) -> str:
        """The teacher's skill, or the reason of the rejection."""
        return self.rejection.reason if self.annotation is None else self.annotation.skill

    @property
    def about(self) -> str:
        """The fingerprint of what is shown, 16 hexadecimal digits."""
        if self.annotation is None:
            return fingerprint(self.rejection)[:16]
        return _about(self.annotation)


Key = tuple[str, str]
"""Row id and `about`: what a decision is about."""


def decide(
    item: Item,
    reviewer: str,
    verdict: Verdict,
    *,
    skill: str | None = None,
    explanation: str | None = None,
    note: str = "",
    blind: str = "",
    now: str = "",
) -> Decision:
    """Make a decision; an edit that changes nothing is an `accept`.

    Raises:
        ConfigurationError: a rejection is edited, or the name of the reviewer is empty, too long or not on
            one line.
    """
    check_reviewer(reviewer)
    annotation = item.annotation
    if annotation is None:
        if verdict == "edit":
            raise ConfigurationError(f"row {item.row.id!r} has no annotation to edit; accept or reject it.")
        return Decision(
            item.row.id, REJECTION, item.about, reviewer, verdict, item.label, note=note, time=now
        )
    told = (annotation.skill, annotation.explanation)
    meant = (skill or told[0], told[1] if explanation is None else explanation.strip())
    if verdict != "edit" or meant == told:
        verdict, meant = ("accept" if verdict == "edit" else verdict), told
    return Decision(
        item.row.id, item.number, item.about, reviewer, verdict, told[0], *meant, note, blind, now
    )


def check_reviewer(name: str) -> None:
    """Refuse a name that cannot stand in the log.

    Raises:
        ConfigurationError: it is empty, too long or not on one line.
    """
    if not name.strip() or len(name) > _MOST_NAME or not name.isprintable():
        raise ConfigurationError(
            f"the reviewer {name[:_MOST_NAME]!r} needs a name of 1 to {_MOST_NAME} letters on one line."
        )


def append(folder: Path, decision: Decision, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Append a decision to `reviews.jsonl` and bring it to the disk.

    The log is held only for this moment, so several people can review one run at the same time.

    Raises:
        RunBusy: another process held the log for two seconds.
        StorageError: the disk said no.
    """
    key = f"{decision.reviewer}\t{decision.row}\t{decision.number}"
    for left in reversed(range(_TRIES)):
        try:
            with AppendLog(folder / REVIEWS, "always") as log:
                log.append(key, decision)
            return
        except RunBusy:
            if not left:
                raise
        sleep(_PAUSE)


def decisions(folder: Path) -> dict[Key, dict[str, Decision]]:
    """Return row and `about` -> reviewer -> the latest decision; empty where nobody reviewed yet.

    Raises:
        DataError: a line of the log is not a decision.
    """
    found: dict[Key, dict[str, Decision]] = {}
    path = folder / REVIEWS
    for key, value in read_log(path) if path.exists() else ():
        try:
            one = msgspec.convert(value, Decision)
        except msgspec.ValidationError as error:
            raise DataError(
                f"{str(path)!r}: {key!r} is not a decision ({error}); remove the line."
            ) from error
        of_one = found.setdefault((one.row, one.about), {})
        of_one.pop(one.reviewer, None)
        of_one[one.reviewer] = one
    return found


def combined(teacher: str, decided: Iterable[Decision]) -> str:
    """Return the skill that reviewers leave standing together; "" where the annotation is to be dropped."""
    votes = Counter(one.label() for one in decided)
    if 2 * votes[teacher] >= votes.total():
        return teacher
    del votes[teacher]
    most = max(votes.values())
    winners = [label for label, count in votes.items() if count == most]
    return winners[0] if len(winners) == 1 else ""


def apply_reviews(rows: Iterable[Dialogue], folder: Path) -> Iterator[Dialogue]:
    """Yield the rows as the reviewers leave them; see the module for how they are combined.

    Rejected annotations are dropped, and rows that have none left. `meta.review` of a row that was reviewed
    lists the numbers that were kept, edited and dropped; other rows pass unchanged. Decisions about rejected
    rows change nothing: there is no annotation to restore.

    Raises:
        DataError: a line of the log is not a decision.
    """
    found = decisions(folder)
    for row in rows:
        reviewed = _reviewed(row, found)
        if reviewed is not None:
            yield reviewed


def _reviewed(row: Dialogue, found: Mapping[Key, Mapping[str, Decision]]) -> Dialogue | None:
    if not row.turns:
        return row
    kept: list[Annotation] = []
    numbers: dict[str, list[int]] = {}
    for number, annotation in enumerate(row.turns[-1].annotations):
        decided = found.get((row.id, _about(annotation)))
        left = _left(annotation, tuple(decided.values())) if decided else annotation
        kept += [] if left is None else [left]
        if decided:
            what = "dropped" if left is None else "kept" if left == annotation else "edited"
            numbers.setdefault(what, []).append(number)
    if not numbers:
        return row
    last = msgspec.structs.replace(row.turns[-1], annotations=tuple(kept))
    meta = {**row.meta, "review": numbers}
    return msgspec.structs.replace(row, turns=(*row.turns[:-1], last), meta=meta) if kept else None


def _left(annotation: Annotation, decided: Sequence[Decision]) -> Annotation | None:
    skill = combined(annotation.skill, decided)
    if not skill:
        return None
    explanation = _explanation(annotation, skill, [one for one in decided if one.label() == skill])
    return msgspec.structs.replace(annotation, skill=skill, explanation=explanation)


def _explanation(annotation: Annotation, skill: str, voters: Sequence[Decision]) -> str:
    votes = Counter(one.explanation for one in voters)
    for text, count in votes.items():
        if 2 * count > votes.total():
            return text
    if skill == annotation.skill:
        return annotation.explanation
    return min(voters, key=lambda one: (one.time, one.reviewer)).explanation


class _Noted(msgspec.Struct):
    skill: str = ""


class _LastTurn(msgspec.Struct):
    annotations: tuple[_Noted, ...] = ()


class _Why(msgspec.Struct):
    reason: str = ""


class _Meta(msgspec.Struct):
    rejected: _Why = msgspec.field(default_factory=_Why)


class _Glance(msgspec.Struct):
    """What a draw needs of a row; the rest of the line is skipped."""

    id: str
    turns: tuple[_LastTurn, ...] = ()
    meta: _Meta = msgspec.field(default_factory=_Meta)

    def labels(self, numbers_of: str) -> list[tuple[int, str]]:
        if numbers_of == REJECTED:
            return [(REJECTION, self.meta.rejected.reason)]
        return [(number, one.skill) for number, one in enumerate(self.turns[-1].annotations)]


class _Place(NamedTuple):
    """A drawn annotation; compared by rank, so a heap of negated ranks drops the largest."""

    rank: int
    start: int
    number: int


_glance = msgspec.json.Decoder(_Glance).decode
_whole = msgspec.json.Decoder(Dialogue).decode


def sample(
    folder: Path, n: int, seed: int = 0, skill: str | None = None, reason: str | None = None
) -> tuple[Item, ...]:
    """Draw up to `n` annotations, or rejected rows, in the order in which they are to be seen.

    Args:
        folder: the run directory.
        n: how many.
        seed: of the draw.
        skill: annotations with this skill only; without it the skills take turns.
        reason: rejected rows with this reason instead; `ANY` lets all reasons take turns.

    Raises:
        ConfigurationError: both a skill and a reason are given.
        DataError: the folder holds no annotation run, or a line of it is not a row.
    """
    if skill is not None and reason is not None:
        raise ConfigurationError(f"skill {skill!r} and reason {reason!r} exclude each other; give one.")
    name, wanted = (ANNOTATED, skill) if reason is None else (REJECTED, None if reason == ANY else reason)
    heaps: dict[str, list[_Place]] = {}
    with _opened(folder / name) as file:
        for start, row in _glances(file, name):
            for number, label in row.labels(name):
                if wanted in (None, label):
                    _keep(heaps.setdefault(label, []), _Place(-_rank(seed, row.id, number), start, number), n)
        return tuple(_item(file, place) for place in _in_turns(heaps, n))


def census(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return skill -> annotations and reason -> rejected rows, the commonest first.

    Raises:
        DataError: the folder holds no annotation run, or a line of it is not a row.
    """
    counts: list[dict[str, int]] = []
    for name in (ANNOTATED, REJECTED):
        with _opened(folder / name) as file:
            labels = (label for _, row in _glances(file, name) for _, label in row.labels(name))
            counts.append(dict(Counter(labels).most_common()))
    return counts[0], counts[1]


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(
            f"{str(path)!r} cannot be read ({error.strerror}); name the folder of a finished `som annotate`."
        ) from error


def _glances(file: BinaryIO, name: str) -> Iterator[tuple[int, _Glance]]:
    start = 0
    for number, line in enumerate(file, 1):
        try:
            row = _glance(line) if line.strip() else None
        except msgspec.DecodeError as error:
            raise DataError(f"{name} line {number} is not a row: {error}; annotate again.") from error
        if row is not None and row.turns:
            yield start, row
        start += len(line)


def _rank(seed: int, row: str, number: int) -> int:
    text = f"{seed}\t{number}\t{row}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


def _keep(heap: list[_Place], place: _Place, n: int) -> None:
    if len(heap) < n:
        heapq.heappush(heap, place)
    elif heap and place > heap[0]:
        heapq.heapreplace(heap, place)


def _in_turns(heaps: Mapping[str, list[_Place]], n: int) -> list[_Place]:
    """Return the first of each label, then the second of each, ...; within a turn by rank."""
    by_rank = [sorted(heap, reverse=True) for heap in heaps.values()]
    turns = ((turn, -place.rank, place) for places in by_rank for turn, place in enumerate(places))
    return [place for _, _, place in heapq.nsmallest(n, turns)]


def _item(file: BinaryIO, place: _Place) -> Item:
    file.seek(place.start)
    try:
        return Item(_whole(file.readline()), place.number)
    except msgspec.DecodeError as error:
        raise DataError(
            f"the row at byte {place.start} is not a dialogue: {error}; annotate again."
        ) from error


def _about(annotation: Annotation) -> str:
    told: tuple[Any, ...] = (annotation.skill, annotation.explanation, annotation.counterfactual)
    return fingerprint(told)[:16]
