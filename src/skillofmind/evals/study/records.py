"""What a study is made of."""

from typing import Literal

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record

Kind = Literal["pairs", "ratings"]
"""Whether two texts are compared or one is rated."""

Subject = Literal["reply", "explanation"]
"""What is judged: what is said, or the thought before it."""

Sort = Literal["real", "broken", "instructed"]
"""A task of the study; a check with words without sense; a check that says what to choose."""

Side = Literal["left", "right", "same"]
"""What a rater says of a pair, as it stands on the page."""

Choice = str | int
"""A `Side`, or a number from 1."""


class Criterion(Record, frozen=True):
    """One question.

    Attributes:
        name: such as `empathy`.
        pair: the question about two texts.
        rating: the question about one.
        about: what is meant, for the instructions.
        telling: whether words without sense are surely worse by it, so that it can serve as a check.
    """

    name: str
    pair: str
    rating: str
    about: str
    telling: bool = False


class Text(Record, frozen=True):
    """What is judged.

    Attributes:
        text: the reply or the explanation.
        skill: the skill that goes with an explanation.
    """

    text: str
    skill: str = ""


class Material(Record, frozen=True):
    """One dialogue with what each system made of it.

    Attributes:
        id: of the item; unique.
        dialogue: what comes before the reply.
        texts: system -> what it said.
    """

    id: str
    dialogue: Dialogue
    texts: dict[str, Text]


class Study(Record, frozen=True):
    """How a study is set up: `study.json`.

    Attributes:
        title: what raters see at the top.
        kind: pairs or ratings.
        subject: what is judged.
        systems: what is compared, in one order for good; raters never see the names.
        criteria: the questions, in the order of the page.
        scale: words for 1, 2, ...; empty for pairs.
        ties: whether "about the same" may be said of a pair.
        raters: how many shares the tasks are divided into.
        overlap: raters of each task.
        seed: of orders, sides and shares.
        consent: what raters agree to before they start.
        instructions: what they are told.
    """

    title: str
    kind: Kind
    subject: Subject
    systems: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    scale: tuple[str, ...]
    ties: bool
    raters: int
    overlap: int
    seed: int
    consent: str
    instructions: str


class Task(Record, frozen=True):
    """What one page shows: a line of `tasks.jsonl`.

    Attributes:
        key: unique in the study.
        item: id of the material.
        group: the dialogue, which is drawn as a whole in intervals.
        dialogue: what comes before.
        first: the system of the first text.
        second: of the second; "" where one text is rated.
        texts: one or two.
        sort: real, or a check.
        expected: of an instructed check, what has to be chosen.
    """

    key: str
    item: str
    group: str
    dialogue: Dialogue
    first: str
    second: str
    texts: tuple[Text, ...]
    sort: Sort = "real"
    expected: Choice = ""


class Sheet(Record, frozen=True):
    """What one rater is shown, in order.

    Attributes:
        tasks: keys of the tasks.
        swapped: of each, whether the second text stands on the left.
    """

    tasks: tuple[str, ...]
    swapped: tuple[bool, ...]


class Answer(Record, frozen=True):
    """What a rater said of a task: a value of `answers.jsonl`.

    Attributes:
        rater: who.
        task: key of the task.
        place: of the task in the rater's order, from 0.
        left: the system on the left; that of the one text in a rating.
        right: the system on the right; "" in a rating.
        choices: criterion -> choice.
        seconds: that the page was looked at, in all visits so far.
        time: ISO 8601.
        remark: of the rater.
    """

    rater: str
    task: str
    place: int
    left: str
    right: str
    choices: dict[str, Choice]
    seconds: float
    time: str
    remark: str = ""


class Rater(Record, frozen=True):
    """A person who takes part: a value of `raters.jsonl`.

    Attributes:
        name: as it is to stand in the export.
        share: which share of the tasks, from 0.
        joined: ISO 8601.
        consented: the same; "" before.
    """

    name: str
    share: int
    joined: str
    consented: str = ""
