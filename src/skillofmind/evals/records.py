"""What an evaluation is made of, from the question to the number in the report.

    Item --asked--> Answer --scored--> Case --measured--> Estimate, Table --> Result --> Summary

An *item* is asked once and its *answer* is kept in the log of the run. Everything behind it is computed from
items and answers alone, so scoring again asks nobody. An *arm* is one way to treat the same item (an inject
mode, a language, a changed context); cases of one task with the same id and different arms are pairs.
"""

from typing import Literal

from skillofmind.core.completion import Usage
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record

Better = Literal["higher", "lower", ""]
"""Which way a measure improves; "" where neither way is better."""

Cell = str | int | float | None
"""What stands in a table; `None` is a value that there is none of."""


class Gold(Record, frozen=True):
    """What is known of the right answer; an evaluation uses what is there.

    Attributes:
        skills: the right skills, the first one the primary one; empty where a class is compared.
        accept: further skills that would not be wrong.
        label: the class, where skills are compared by class.
        explanation: a person's or teacher's explanation.
        counterfactual: a reply that would not follow from it.
        reply: what was said.
    """

    skills: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    label: str = ""
    explanation: str = ""
    counterfactual: str = ""
    reply: str = ""


class Item(Record, frozen=True):
    """One question.

    Attributes:
        task: name of the task.
        id: unique among the items of the task and arm.
        group: what is drawn together in intervals: the dialogue, or what holds several of them together.
        dialogue: what may be seen; never the target turn.
        gold: the right answer.
        arm: the treatment; "" for the plain one.
        slices: dimension -> value, such as `{"corpus": "esconv", "lang": "en"}`.
    """

    task: str
    id: str
    group: str
    dialogue: Dialogue
    gold: Gold = Gold()
    arm: str = ""
    slices: dict[str, str] = {}

    @property
    def key(self) -> str:
        """What the log knows the item by."""
        return f"{self.task}/{self.arm}/{self.id}"


class Answer(Record, frozen=True):
    """What came of an item.

    Attributes:
        plan: the plan, where one was asked for.
        reply: the reply, where one was asked for.
        injected: the text of the plan that the agent was shown; "" where it was shown none.
        usage: tokens of all calls.
        seconds: wall time; never part of a report, which has to be the same however often it was resumed.
        error: one sentence, where the item failed; the rest may be empty then.
    """

    plan: Plan | None = None
    reply: str = ""
    injected: str = ""
    usage: Usage = Usage()
    seconds: float = 0.0
    error: str | None = None


class Case(Record, frozen=True):
    """An item with its answer and its scores: one line of `cases.jsonl`.

    Attributes:
        item: the question.
        answer: what came of it.
        scores: name -> value; `None` is missing (it failed, or does not apply), which is never 0.
    """

    item: Item
    answer: Answer
    scores: dict[str, float | None] = {}


class Estimate(Record, frozen=True):
    """A number with its interval.

    Attributes:
        measure: its name.
        value: the number; `None` where it is undefined.
        low: lower end of the 95 % interval; `None` where there is none.
        high: upper end.
        n: cases that it was computed from.
        missing: cases that could not count.
        better: which way it improves.
        about: what it says, in one sentence.
    """

    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    missing: int = 0
    better: Better = "higher"
    about: str = ""


class Table(Record, frozen=True):
    """Rows of numbers and words.

    Attributes:
        title: what it shows.
        columns: their heads.
        rows: as long as `columns` each.
        about: a remark.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""


class Result(Record, frozen=True):
    """What one task came to in one arm.

    Attributes:
        task: its name.
        arm: the arm.
        about: what is asked.
        items: how many there are.
        groups: dialogues among them.
        failed: items whose answer is an error.
        estimates: the numbers.
        tables: further ones.
        slices: dimension -> value -> numbers of the cases in that slice.
    """

    task: str
    arm: str
    about: str
    items: int
    groups: int
    failed: int
    estimates: tuple[Estimate, ...]
    tables: tuple[Table, ...] = ()
    slices: dict[str, dict[str, tuple[Estimate, ...]]] = {}


class Difference(Record, frozen=True):
    """Two arms, or two runs, on the same items.

    Attributes:
        task: name of the task.
        measure: name of the measure.
        first: arm or run.
        second: the one that is compared with it.
        value: second minus first; `None` where it is undefined.
        low: lower end of the 95 % interval of the difference.
        high: upper end.
        p: probability of so large a difference by chance (paired permutation of whole groups).
        adjusted: the same after Holm's correction for all differences of the task.
        n: pairs of cases.
    """

    task: str
    measure: str
    first: str
    second: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    adjusted: float | None
    n: int


class Summary(Record, frozen=True):
    """All numbers of a run: `summary.json`. Holds no time and no place, so equal runs have equal bytes.

    Attributes:
        version: of skillofmind.
        settings: what decided the numbers: planner, model, label map, prompt fingerprint, resamples, seed.
        results: by task and arm.
        differences: between arms.
        notes: what a reader has to know, such as skills that no label tests.
    """

    version: str
    settings: dict[str, str]
    results: tuple[Result, ...]
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
