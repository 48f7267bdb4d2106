"""One rater's view of an open study: what the page may know, and what it may say.

Nothing that leaves here names a system, an item, a task or a sort of task: a page is asked for and answered
by its place in the rater's own order.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from skillofmind.core.dialogue import Turn
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.picture import image_of, spoken
from skillofmind.core.record import Record
from skillofmind.evals.study.design.sheets import sheets
from skillofmind.evals.study.folder import OpenStudy
from skillofmind.evals.study.records import Answer, Choice, Sheet, Study, Task, Text
from skillofmind.mind.render import context_lines, display_names

MOST_REMARK = 2000
"""Longest remark, in characters."""

_MOST_SECONDS = 86_400.0
T = TypeVar("T")


class Question(Record, frozen=True, omit_defaults=False):
    """One criterion as the page shows it."""

    name: str
    question: str
    about: str


class Setup(Record, frozen=True, omit_defaults=False):
    """What the page is told once.

    Attributes:
        title: of the study.
        rater: whose page it is.
        kind: pairs or ratings.
        subject: reply or explanation.
        questions: the criteria.
        scale: words for 1, 2, ...; empty for pairs.
        ties: whether "about the same" may be said.
        instructions: what raters are told.
        consent: what they agree to.
        consented: whether this rater did.
        done: of each page, whether it is answered.
    """

    title: str
    rater: str
    kind: str
    subject: str
    questions: tuple[Question, ...]
    scale: tuple[str, ...]
    ties: bool
    instructions: str
    consent: str
    consented: bool
    done: tuple[bool, ...]


class Said(Record, frozen=True, omit_defaults=False):
    """One turn: name, words, and the description of a shared picture or ""."""

    speaker: str
    text: str
    image: str


class Shown(Record, frozen=True, omit_defaults=False):
    """One page.

    Attributes:
        place: of the page, from 0.
        about: what is known beforehand, a line each.
        turns: the dialogue.
        lang: of the dialogue.
        speaker: who is about to speak.
        texts: what is judged, left and right, or one.
        choices: what this rater chose before.
        remark: what they remarked.
    """

    place: int
    about: tuple[str, ...]
    turns: tuple[Said, ...]
    lang: str
    speaker: str
    texts: tuple[Text, ...]
    choices: dict[str, Choice]
    remark: str


class Posted(Record, frozen=True):
    """An answer as the page posts it.

    Attributes:
        place: of the page.
        choices: criterion -> choice; all criteria.
        seconds: since the page was shown.
        remark: of the rater.
    """

    place: int
    choices: dict[str, Choice]
    seconds: float = 0.0
    remark: str = ""


class Desk:
    """All raters of an open study."""

    def __init__(self, opened: OpenStudy) -> None:
        self._opened = opened
        self._sheets = sheets(opened.study, tuple(opened.tasks.values()))

    @property
    def study(self) -> Study:
        """The settings."""
        return self._opened.study

    def setup(self, rater: str) -> Setup:
        """Return what the page of a rater is told once."""
        study = self.study
        return Setup(
            title=study.title,
            rater=rater,
            kind=study.kind,
            subject=study.subject,
            questions=tuple(
                Question(one.name, one.pair if study.kind == "pairs" else one.rating, one.about)
                for one in study.criteria
            ),
            scale=study.scale,
            ties=study.ties,
            instructions=study.instructions,
            consent=study.consent,
            consented=bool(self._opened.raters[rater].consented),
            done=tuple(self._opened.given(rater, key) is not None for key in self._sheet(rater).tasks),
        )

    def consent(self, rater: str) -> None:
        """Take down that a rater agrees.

        Raises:
            StorageError: the disk said no.
        """
        self._opened.consent(rater)

    def shown(self, rater: str, place: int) -> Shown | None:
        """Return a page; `None` where there is none or the rater has not agreed to take part yet."""
        sheet = self._sheet(rater)
        if not self._opened.raters[rater].consented or not 0 <= place < len(sheet.tasks):
            return None
        task = self._opened.tasks[sheet.tasks[place]]
        given = self._opened.given(rater, task.key)
        names = display_names(task.dialogue)
        speaker = task.dialogue.next_speaker()
        return Shown(
            place=place,
            about=tuple(line.text for line in context_lines(task.dialogue)),
            turns=tuple(_said(turn, names) for turn in task.dialogue.turns),
            lang=task.dialogue.lang,
            speaker=names.get(speaker, speaker),
            texts=_in_order(task.texts, swapped=sheet.swapped[place]),
            choices=dict(given.choices) if given else {},
            remark=given.remark if given else "",
        )

    def answer(self, rater: str, posted: Posted) -> bool:
        """Keep an answer; return whether it was new.

        Raises:
            ConfigurationError: there is no such page, or the choices are not those that it asks for.
            StorageError: the disk said no; nothing was answered.
        """
        if self.shown(rater, posted.place) is None:
            raise ConfigurationError(f"there is no page {posted.place!r} to answer.")
        _check(self.study, posted)
        sheet = self._sheet(rater)
        task = self._opened.tasks[sheet.tasks[posted.place]]
        before = self._opened.given(rater, task.key)
        left, right = _in_order(_systems(task), swapped=sheet.swapped[posted.place])
        return self._opened.answer(
            Answer(
                rater=rater,
                task=task.key,
                place=posted.place,
                left=left,
                right=right,
                choices={one.name: posted.choices[one.name] for one in self.study.criteria},
                seconds=round((before.seconds if before else 0.0) + _seconds(posted.seconds), 2),
                time=self._opened.time(),
                remark=posted.remark.strip(),
            )
        )

    def progress(self, rater: str) -> tuple[int, int]:
        """Return how many pages of how many are answered."""
        done = self.setup(rater).done
        return sum(done), len(done)

    def _sheet(self, rater: str) -> Sheet:
        return self._sheets[self._opened.raters[rater].share]


def _systems(task: Task) -> tuple[str, str]:
    return task.first, task.second


def _in_order(both: tuple[T, ...], *, swapped: bool) -> tuple[T, ...]:
    return both[::-1] if swapped else both


def _said(turn: Turn, names: Mapping[str, str]) -> Said:
    return Said(names.get(turn.speaker, turn.speaker), spoken(turn), image_of(turn) or "")


def _seconds(given: float) -> float:
    return min(_MOST_SECONDS, max(0.0, given)) if math.isfinite(given) else 0.0


def _check(study: Study, posted: Posted) -> None:
    names = [one.name for one in study.criteria]
    if sorted(posted.choices) != sorted(names):
        raise ConfigurationError(f"choices {sorted(posted.choices)!r} must be of {sorted(names)!r}.")
    allowed = _allowed(study)
    for name, choice in posted.choices.items():
        if choice not in allowed or isinstance(choice, bool):
            raise ConfigurationError(f"{choice!r} is no choice of {name!r}; take one of {list(allowed)!r}.")
    if len(posted.remark) > MOST_REMARK:
        raise ConfigurationError(f"a remark has up to {MOST_REMARK} characters, not {len(posted.remark)}.")


def _allowed(study: Study) -> Sequence[Choice]:
    if study.kind == "ratings":
        return range(1, len(study.scale) + 1)
    return ("left", "right", "same") if study.ties else ("left", "right")
