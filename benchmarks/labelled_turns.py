"""People's labels of published corpora as turns to plan: what was said before, and the skill that follows.

The labels of six corpora go through the package's table (`data.labels`). All of them speak of the turn that
carries them (`on = "turn"`), so a row is that turn, and what may be seen is everything before it. Rows count
where the table rates the label `exact` or `plausible`; DailyDialog's acts are rated `weak` throughout and are
compared as classes.

| corpus | rows | split |
|---|---|---|
| ESConv | supporter's turns; strategy | published |
| CaSiNo | annotated turns; any strategy of the turn is accepted | published, train and valid joined |
| PersuasionForGood | persuader's turns, sentences joined; any label of the turn is accepted | by hash |
| AnnoMI | therapist's turns; subtype of the main behaviour, first annotator | by hash |
| EmpatheticDialogues | listener's turns that a hand-labelled text fits | valid as train, test |
| DailyDialog | all turns; act as class | valid as train, test |

A turn with several labels has the first counted one as its skill, all of them as accepted. The hash of the id
sends a fifth of the dialogues to the test part.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, Turn
from skillofmind.data.corpora.bargain import casino, persuasionforgood
from skillofmind.data.corpora.daily import dailydialog
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.data.corpora.support import annomi, esconv
from skillofmind.data.labels import LabelMap, SkillMatch
from skillofmind.mind.embedded.fit import fold_of

_MARKS = re.compile(r"\W+")


class Item(NamedTuple):
    """One labelled turn.

    Attributes:
        dialogue: what stood before it.
        gold: its skill, or its class.
        accept: skills that would be right too, `gold` included.
        group: id of the dialogue.
    """

    dialogue: Dialogue
    gold: str
    accept: frozenset[str]
    group: str


class Corpus(NamedTuple):
    """Labelled turns in two parts that share no dialogue.

    Attributes:
        classes: the scheme whose classes are compared; `None` where skills are.
    """

    name: str
    classes: str | None
    train: list[Item]
    test: list[Item]


class Source(NamedTuple):
    """How one corpus is read.

    Attributes:
        read: folder -> dialogues; what could not be read comes along and is left out.
        schemes: label schemes that count.
        strengths: ratings that count.
        by_class: whether classes are compared.
    """

    read: Callable[[Path], Iterable[object]]
    schemes: tuple[str, ...]
    strengths: tuple[str, ...] = ("exact", "plausible")
    by_class: bool = False


def load(name: str, folder: Path, table: LabelMap) -> Corpus:
    """Return the labelled turns of a corpus whose files are below `folder`."""
    source = SOURCES[name]
    dialogues = [one for one in source.read(folder / name) if isinstance(one, Dialogue)]
    parts: dict[str, list[Item]] = {"train": [], "test": []}
    for dialogue in dialogues:
        parts[part_of(dialogue)] += items_of(dialogue, source, table)
    return Corpus(name, source.schemes[0] if source.by_class else None, parts["train"], parts["test"])


def part_of(dialogue: Dialogue) -> str:
    """Return `test` or `train`: the published part, or a hash of the id (a fifth is test) where none is."""
    if dialogue.split is None:
        return "train" if fold_of(dialogue.id) else "test"
    return "test" if dialogue.split == "test" else "train"


def items_of(dialogue: Dialogue, source: Source, table: LabelMap) -> list[Item]:
    """Return the labelled turns of one dialogue; its first turn is none."""
    found = []
    for index, turn in enumerate(dialogue.turns):
        matches = counted(turn.labels, source, table) if index else []
        if matches:
            before = dialogue.before(index)
            gold = (matches[0].group if source.by_class else matches[0].primary) or ""
            accept = {skill for one in matches for skill in (one.primary, *one.accept) if skill}
            found.append(Item(before, gold, frozenset(accept) | {gold}, dialogue.id))
    return found


def counted(labels: Sequence[Label], source: Source, table: LabelMap) -> list[SkillMatch]:
    """Return what the counted labels of a turn say, best rank first."""
    chosen = sorted((one for one in labels if one.scheme in source.schemes), key=lambda label: label.rank)
    matches = (table.match(label) for label in chosen)
    return [one for one in matches if one is not None and one.strength in source.strengths]


def mapped(source: Source, table: LabelMap) -> frozenset[str]:
    """Return the skills that the counted labels of a corpus stand for, as primary ones."""
    schemes = [table.scheme(name) for name in source.schemes]
    rules = [rule for scheme in schemes if scheme for rule in scheme.labels]
    return frozenset(rule.primary for rule in rules if rule.primary and rule.strength in source.strengths)


def first_rows(items: Sequence[Item], count: int) -> list[Item]:
    """Return `count` items of whole dialogues in the order of a hash; the last dialogue may be cut."""
    return sorted(items, key=lambda item: (fold_of(f"draw:{item.group}", 1 << 32), item.group))[:count]


def _esconv(folder: Path) -> Iterator[object]:
    for name in ("train.jsonl", "valid.jsonl", "test.jsonl"):
        yield from esconv.read(folder / name)


def _persuasion(folder: Path) -> Iterator[object]:
    for one in persuasionforgood.read(folder):
        if isinstance(one, Dialogue):
            yield msgspec.structs.replace(one, turns=persuasionforgood.sentences_joined(one.turns))


def _annomi(folder: Path) -> Iterator[object]:
    for one in annomi.read(folder):
        if isinstance(one, Dialogue):
            yield msgspec.structs.replace(one, turns=tuple(map(main_behaviour, one.turns)))


def main_behaviour(turn: Turn) -> Turn:
    """Keep, of an AnnoMI turn's labels, the subtype of the first annotator's main behaviour."""
    main = [label for label in turn.labels if label.scheme == "annomi.therapist_behaviour"][:1]
    kept = [
        label
        for label in turn.labels
        if main and label.scheme == f"annomi.{main[0].value}" and label.annotator == main[0].annotator
    ]
    return msgspec.structs.replace(turn, labels=tuple(kept))


def _empathetic(folder: Path) -> Iterator[Dialogue]:
    found = [one for one in empathetic_dialogues.read(folder) if isinstance(one, Dialogue)]
    yield from with_intents(
        [one for one in found if one.split is not None], [one for one in found if one.split is None]
    )


def with_intents(dialogues: Sequence[Dialogue], labelled: Sequence[Dialogue]) -> Iterator[Dialogue]:
    """Put the labels of single turns on the one listener's turn that says the same, where there is one."""
    times = Counter(plain(turn.text) for one in dialogues for turn in one.turns)
    labels = {plain(turn.text): turn.labels for one in labelled for turn in one.turns}
    for one in dialogues:
        turns = tuple(
            msgspec.structs.replace(turn, labels=labels.get(plain(turn.text), ()))
            if index % 2 and times[plain(turn.text)] == 1
            else turn
            for index, turn in enumerate(one.turns)
        )
        yield msgspec.structs.replace(one, turns=turns)


def _daily(folder: Path) -> Iterator[Dialogue]:
    """Yield the dialogues; of those with equal words only the first, which the test part comes first for."""
    found = [one for one in dailydialog.read(folder) if isinstance(one, Dialogue)]
    seen: set[str] = set()
    for one in sorted(found, key=lambda dialogue: dialogue.split != "test"):
        words = plain(" ".join(turn.text for turn in one.turns))
        if words not in seen:
            seen.add(words)
            yield one


def plain(text: str) -> str:
    """Return the words of a text, without case and marks."""
    return _MARKS.sub(" ", text.lower()).strip()


SOURCES = {
    "esconv": Source(_esconv, ("esconv.strategy",)),
    "casino": Source(casino.read, ("casino.strategy",)),
    "persuasionforgood": Source(_persuasion, ("persuasionforgood.persuader",)),
    "annomi": Source(_annomi, ("annomi.reflection", "annomi.question", "annomi.therapist_input")),
    "empathetic_dialogues": Source(_empathetic, ("empathetic_dialogues.intent",)),
    "dailydialog": Source(_daily, ("dailydialog.act",), ("weak",), by_class=True),
}
"""Name of a corpus, which is also the name of its folder -> how it is read."""
