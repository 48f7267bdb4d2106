"""Scores and measures of replies: overlap with what was said, empathy, intent, emotion, safety.

| measure | of each reply | official counterpart |
|---|---|---|
| `er`, `ip`, `ex` | EPITOME level 0 to 2 | the same |
| `er.diff`, `ip.diff`, `ex.diff` | squared difference to the level of what was said | the same |
| `intent.agrees`, `emotion.agrees` | whether the class is that of what was said | EmpIntent, Emotion |
| `safe` | whether it is safe after the turn before it | Canary, here by DiaSafety's labels |
| `planned` | whether the agent was shown a plan | |

Levels and classes come from the raters that there are; without its corpus a rater is missing, and its scores
are `None`. How good the raters are is a table of every result: a difference between arms that is small
against their faults says little.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue
from skillofmind.evals.measure import Measure, mean_of
from skillofmind.evals.measures.text import reply_measures, score_reply
from skillofmind.evals.raters.examples import KINDS
from skillofmind.evals.raters.grams import Pair, grams
from skillofmind.evals.raters.linear import scores
from skillofmind.evals.raters.rater import Rater, quality_table
from skillofmind.evals.records import Answer, Better, Case, Cell, Item, Table
from skillofmind.scorers.embedding import NO_ENCODERS, Encoders

Scores = dict[str, float | None]

LEVELS = ("er", "ip", "ex")
"""Raters whose class is a level."""

_CACHED = 1 << 16


class _Told(NamedTuple):
    """A measure that is the mean of a score."""

    better: Better
    about: str


class Panel:
    """All raters that there are, as the scores of a task."""

    def __init__(self, raters: Mapping[str, Rater]) -> None:
        """Take raters by name; those that are missing leave their scores empty."""
        self._raters = dict(raters)
        # What was said is rated once, however many arms an item has.
        self._classes: Callable[[Pair], dict[str, str]] = lru_cache(_CACHED)(self._rate)

    @property
    def identity(self) -> str:
        """Names and identities of the raters."""
        return ", ".join(f"{name} {one.identity}" for name, one in self._raters.items()) or "none"

    def classes(self, before: str, reply: str) -> dict[str, str]:
        """Return rater -> class of a reply."""
        return dict(self._classes((before, reply)))

    def score(self, item: Item, answer: Answer, encoders: Encoders = NO_ENCODERS) -> Scores:
        """Return the scores of a reply; all are `None` where there is none."""
        found: Scores = dict(score_reply(item, answer, encoders))
        found |= dict.fromkeys(_MEANS)
        if answer.error is not None:
            return found
        if item.arm != "none":
            found["planned"] = float(_was_shown(item.arm, answer))
        before = last_words(item.dialogue)
        mine = self._classes((before, answer.reply))
        gold = self._classes((before, item.gold.reply)) if item.gold.reply else {}
        for name, told in mine.items():
            found |= _scores_of(name, told, gold.get(name))
        return found

    def measures(self, cases: Sequence[Case]) -> list[Measure]:
        """Return the measures of one arm; those that no case has are left out."""
        found = list(reply_measures(cases))
        for name, told in _MEANS.items():
            values = [case.scores.get(name) for case in cases]
            if any(value is not None for value in values):
                found.append(mean_of(name, values, told.better, told.about))
        return found

    def tables(self, cases: Sequence[Case]) -> tuple[Table, ...]:
        """Return how the raters see replies and what was said, and how good they are."""
        if not self._raters:
            return ()
        qualities = [one.quality for one in self._raters.values()]
        return self._beside_gold(cases), quality_table(qualities)

    def _beside_gold(self, cases: Sequence[Case]) -> Table:
        """Return the share of every level and verdict among the replies and among what was said."""
        rows: list[tuple[Cell, ...]] = []
        answered = [case for case in cases if case.answer.error is None and case.item.gold.reply]
        told = [
            (
                self._classes((last_words(case.item.dialogue), case.answer.reply)),
                self._classes((last_words(case.item.dialogue), case.item.gold.reply)),
            )
            for case in answered
        ]
        for name, rater in self._raters.items():
            for one in rater.classes if answered else ():
                mine, gold = (
                    sum(pair[side][name] == one for pair in told) / len(answered) for side in (0, 1)
                )
                if mine or gold:
                    rows.append((name, one, mine, gold))
        about = "Share of the replies, and of what was really said, that a rater puts into each class."
        return Table("Classes of replies", ("rater", "class", "replies", "what was said"), tuple(rows), about)

    def _rate(self, pair: Pair) -> dict[str, str]:
        # Raters that read the same fields share the cutting into pieces, which takes longest.
        cut = {fields: grams([pair], fields) for fields in {one.fields for one in self._raters.values()}}
        return {
            name: one.classes[int(scores(one.model, cut[one.fields])[0].argmax())]
            for name, one in self._raters.items()
        }


def last_words(dialogue: Dialogue) -> str:
    """Return the text of the turn that is replied to, or ""."""
    return dialogue.turns[-1].text if dialogue.turns else ""


def _was_shown(arm: str, answer: Answer) -> bool:
    """Say whether a plan was good enough to be shown in this arm."""
    plan = answer.plan
    if plan is None or not plan.valid or plan.error is not None or plan.skill is None:
        return False
    return arm != "explanation" or bool(plan.explanation.strip())


def _scores_of(name: str, told: str, gold: str | None) -> Scores:
    if name in LEVELS:
        level = float(told)
        return {name: level, f"{name}.diff": None if gold is None else (level - float(gold)) ** 2}
    if name == "safety":
        return {"safe": float(told == "safe")}
    return {f"{name}.agrees": None if gold is None else float(told == gold)}


_MEANS = {
    **{name: _Told("higher", KINDS[name].about) for name in LEVELS},
    **{
        f"{name}.diff": _Told("lower", f"Squared difference of `{name}` to the level of what was said.")
        for name in LEVELS
    },
    "intent.agrees": _Told("higher", "Share of replies with the intent of what was said."),
    "emotion.agrees": _Told("higher", "Share of replies that sound like the emotion of what was said."),
    "safe": _Told(
        "higher",
        "Share of replies that are safe after the turn before them.",
    ),
    "planned": _Told("", "Share of replies whose agent was shown a plan."),
}
"""Score -> its mean as a measure."""

RATED = tuple(name for name in _MEANS if name != "planned")
"""Scores that need raters."""
