"""Texts with labels that raters are trained and measured on.

| rater | corpus | reads | classes | held out |
|---|---|---|---|---|
| `er`, `ip`, `ex` | EPITOME, Reddit | the reply | levels 0 to 2 | five folds by post |
| `safety` | DiaSafety, and everyday replies | the turn before, and the reply | safe, unsafe | its test part |
| `emotion` | EmpatheticDialogues | the text | 32 emotions | first turns of the published test part |
| `intent` | its listener intents | the text | 15 intents | five folds by text |

Copies are kept apart: pairs of DiaSafety whose turn before is in the test part, and labelled utterances with
the same words, are on one side only.

Half of DiaSafety's replies are unsafe, and a model of it alone finds two in five everyday replies unsafe,
too. So replies of the validation parts of EmpatheticDialogues and DailyDialog are among the safe ones that
the safety rater learns from, where these corpora are there. The emotion rater never sees the test part of
EmpatheticDialogues, whose replies it is used on.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.corpora.conduct import diasafety
from skillofmind.data.corpora.daily import dailydialog
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.data.corpora.support import epitome
from skillofmind.data.jsonl import Rejected
from skillofmind.evals.raters.grams import Field, Pair
from skillofmind.mind.embedded.fit import fold_of

EVERYDAY = 1500
"""Replies of each everyday corpus that the safety rater learns as safe ones."""


class Example(NamedTuple):
    """One labelled text.

    Attributes:
        pair: the turn before, and the reply.
        label: its class.
        group: what must not be on both sides.
        test: whether it is held out for good.
    """

    pair: Pair
    label: str
    group: str
    test: bool = False


class Reference(NamedTuple):
    """What TF-IDF with logistic regression reached on the same files in the project's spec sheet (0 to 1)."""

    accuracy: float
    macro_f1: float


class Kind(NamedTuple):
    """How a rater is made.

    Attributes:
        name: of the rater.
        about: what it says of a reply.
        corpus: name of the corpus's folder.
        fields: which texts it reads.
        strength: C of the regression.
        read: the data folder -> examples.
        reference: to compare with.
    """

    name: str
    about: str
    corpus: str
    fields: tuple[Field, ...]
    strength: float
    read: Callable[[Path], list[Example]]
    reference: Reference


def _dialogues(found: Iterable[Dialogue | Rejected]) -> Iterator[Dialogue]:
    return (one for one in found if isinstance(one, Dialogue))


def _epitome(scheme: str) -> Callable[[Path], list[Example]]:
    def read(data: Path) -> list[Example]:
        found = []
        for one in _dialogues(epitome.read(data / "epitome_reddit")):
            post = str(one.meta["pair"]).partition("_")[0]
            found += [Example(_pair(one), level, f"post:{post}") for level in _labels(one.turns[1], scheme)]
        return found

    return read


def _safety(data: Path) -> list[Example]:
    found = [
        Example(_pair(one), label.casefold(), one.turns[0].text.casefold().strip(), one.split == "test")
        for one in _dialogues(diasafety.read(data / "diasafety"))
        for label in _labels(one.turns[1], diasafety.SAFETY)
    ]
    held = {one.group for one in found if one.test}
    learned = [one for one in found if one.test or one.group not in held]
    return [
        *learned,
        *_everyday(data / "empathetic_dialogues", empathetic_dialogues.read),
        *_everyday(data / "dailydialog", dailydialog.read),
    ]


def _everyday(folder: Path, read: Callable[[Path], Iterator[Dialogue | Rejected]]) -> list[Example]:
    """Return some replies of the validation part, which are safe."""
    if not folder.is_dir():
        return []
    pairs = [
        (one.id, before.text, reply.text)
        for one in _dialogues(read(folder))
        if one.split == "validation"
        for before, reply in pairwise(one.turns)
    ]
    drawn = sorted(pairs, key=lambda pair: fold_of("\0".join(pair), 1 << 32))[:EVERYDAY]
    return [Example((before, reply), "safe", id) for id, before, reply in drawn]


def _emotion(data: Path) -> list[Example]:
    """Return first turns of the test part; of the others also the situation and all that the speaker says."""
    found = []
    for one in _dialogues(empathetic_dialogues.read(data / "empathetic_dialogues")):
        if one.split is None or one.context.emotion is None:
            continue
        test = one.split == "test"
        mine = " ".join(turn.text for turn in one.turns[::2])
        texts = (one.turns[0].text,) if test else (one.turns[0].text, one.context.situation or "", mine)
        found += [Example(("", text), one.context.emotion, one.id, test) for text in dict.fromkeys(texts)]
    return found


def _intent(data: Path) -> list[Example]:
    return [
        Example(("", one.turns[0].text), label, one.turns[0].text.casefold().strip())
        for one in _dialogues(empathetic_dialogues.read(data / "empathetic_dialogues"))
        if one.split is None
        for label in _labels(one.turns[0], empathetic_dialogues.INTENT)
    ]


def _pair(dialogue: Dialogue) -> Pair:
    return dialogue.turns[0].text, dialogue.turns[1].text


def _labels(turn: Turn, scheme: str) -> list[str]:
    return [label.value for label in turn.labels if label.scheme == scheme]


def classes_of(examples: Sequence[Example], where: str) -> tuple[str, ...]:
    """Return the classes, sorted.

    Raises:
        DataError: there are fewer than two.
    """
    found = tuple(sorted({one.label for one in examples}))
    if len(found) < 2:
        raise DataError(f"{where} has {len(found)} classes to tell apart; two are needed.")
    return found


_REPLY: tuple[Field, ...] = ("reply",)
_EPITOME = "EPITOME level (0 none, 1 weak, 2 strong)"

KINDS = {
    one.name: one
    for one in (
        Kind("er", f"{_EPITOME} of emotional reactions: warmth, concern, compassion.", "epitome_reddit",
             _REPLY, 4.0, _epitome("epitome.er"), Reference(0.757, 0.696)),
        Kind("ip", f"{_EPITOME} of interpretations: understanding of feelings and experiences.",
             "epitome_reddit", _REPLY, 4.0, _epitome("epitome.ip"), Reference(0.799, 0.564)),
        Kind("ex", f"{_EPITOME} of explorations: questions that look further.", "epitome_reddit",
             _REPLY, 4.0, _epitome("epitome.ex"), Reference(0.891, 0.616)),
        Kind("safety", "Whether the reply is safe after the turn before it.", "diasafety",
             ("before", "reply"), 1.0, _safety, Reference(0.745, 0.745)),
        Kind("emotion", "Which of 32 emotions the words sound like.", "empathetic_dialogues",
             _REPLY, 4.0, _emotion, Reference(0.355, 0.347)),
        Kind("intent", "Which of 15 intents of a listener the words have.", "empathetic_dialogues",
             _REPLY, 4.0, _intent, Reference(0.600, 0.442)),
    )
}  # fmt: skip
"""Name -> how the rater is made."""
