"""People's labels of published corpora as turns to plan: what was said before, and the skill that follows.

The labels go through the package's table (`data.labels`). A row is a turn that a label speaks of, its own
(`on = "turn"`) or that of the turn before (`on = "next"`); what may be seen is everything before it. Labels
count where the table rates them as the source below asks for.

| source | rows | split |
|---|---|---|
| esconv | supporter's turns; strategy | published |
| casino | annotated turns; any strategy of the turn is accepted | published, train and valid joined |
| persuasionforgood | persuader's turns, sentences joined; any label of the turn is accepted | by hash |
| annomi | therapist's turns; subtype of the main behaviour, first annotator | by hash |
| empathetic_dialogues | listener's turns that a hand-labelled text fits | valid as train, test |
| dailydialog | all turns; act as class (weak) | valid as train, test |
| xdailydialog.`en`, .`de`, .`it`, .`zh` | all turns; act as class (weak) | by hash, same in all languages |
| cima | tutor's reply; what most tutors do is the skill, what others do is accepted | by hash |
| socialdial | turns that keep the norm, and turns after a breach (weak) | by hash |
| diasafety | the answer that a context needs, one row a context (weak) | published, valid as train |
| casino.weak, persuasionforgood.weak | turns that only labels rated weak speak of | as above |

A turn with several labels has the first counted one as its skill, all of them as accepted. The hash of the
group (`data.split.group_of`) sends a fifth of the dialogues to the test part.

Pitfall: SocialDial's norm is a label of the dialogue; a turn that is tagged as keeping it is taken to show
the skill of that norm, and the norm's type is not shown.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, Turn
from skillofmind.data.corpora.bargain import casino, persuasionforgood
from skillofmind.data.corpora.conduct import diasafety, socialdial
from skillofmind.data.corpora.daily import dailydialog, xdailydialog
from skillofmind.data.corpora.feeling import empathetic_dialogues
from skillofmind.data.corpora.support import annomi, esconv
from skillofmind.data.corpora.tutoring import cima
from skillofmind.data.labels import LabelMap, SkillMatch, Strength
from skillofmind.data.split import group_of
from skillofmind.mind.embedded.fit import fold_of

_MARKS = re.compile(r"\W+")
_COUNTED: tuple[Strength, ...] = ("exact", "plausible")


class LabelledTurn(NamedTuple):
    """One labelled turn.

    Attributes:
        dialogue: what stood before it.
        gold: its skill, or its class.
        accept: skills that would be right too, `gold` included.
        group: what stays together in a split: the dialogue, or several that share turns.
        place: of the turn in its dialogue, from 0.
        scheme: of the label that names `gold`.
        strength: of that label.
        reply: what was said.
    """

    dialogue: Dialogue
    gold: str
    accept: frozenset[str]
    group: str
    place: int = 0
    scheme: str = ""
    strength: Strength = "none"
    reply: str = ""


class Corpus(NamedTuple):
    """Labelled turns in two parts that share no dialogue.

    Attributes:
        classes: the scheme whose classes are compared; `None` where skills are.
    """

    name: str
    classes: str | None
    train: list[LabelledTurn]
    test: list[LabelledTurn]


class Source(NamedTuple):
    """How one corpus is read.

    Attributes:
        read: folder -> dialogues; what could not be read comes along and is left out.
        schemes: label schemes that count.
        strengths: ratings that count.
        by_class: whether classes are compared.
        unless: turns that a label of such a rating speaks of are left out; another source has them.
        by_votes: whether the commonest skill of the labels comes first, not that of the first label.
    """

    read: Callable[[Path], Iterable[object]]
    schemes: tuple[str, ...]
    strengths: tuple[Strength, ...] = _COUNTED
    by_class: bool = False
    unless: tuple[Strength, ...] = ()
    by_votes: bool = False


class Said(NamedTuple):
    """A label and what the table says that it means."""

    label: Label
    match: SkillMatch


def load(name: str, folder: Path, table: LabelMap) -> Corpus:
    """Return the labelled turns of a corpus whose files are below `folder`.

    Raises:
        DataError: the corpus is not there.
    """
    source = SOURCES[name]
    dialogues = [one for one in source.read(folder / folder_of(name)) if isinstance(one, Dialogue)]
    parts: dict[str, list[LabelledTurn]] = {"train": [], "test": []}
    for dialogue in dialogues:
        parts[part_of(dialogue)] += items_of(dialogue, source, table)
    return Corpus(name, source.schemes[0] if source.by_class else None, parts["train"], parts["test"])


def folder_of(name: str) -> str:
    """Return the name of a source's folder: the source's own up to the first dot."""
    return name.partition(".")[0]


def part_of(dialogue: Dialogue) -> str:
    """Return `test` or `train`: the published part; where none is, a hash of the group (a fifth is test)."""
    if dialogue.split is None:
        return "train" if fold_of(group_of(dialogue)) else "test"
    return "test" if dialogue.split == "test" else "train"


def items_of(dialogue: Dialogue, source: Source, table: LabelMap) -> list[LabelledTurn]:
    """Return the labelled turns of one dialogue; its first turn is none."""
    group, found = group_of(dialogue), []
    for index in range(1, len(dialogue.turns)):
        told = said_of(dialogue, index, source, table)
        counted = [one for one in told if one.match.strength in source.strengths]
        if counted and not any(one.match.strength in source.unless for one in told):
            first = _commonest(counted) if source.by_votes else counted[0]
            found.append(_labelled(dialogue, index, first, counted, group, source.by_class))
    return found


def said_of(dialogue: Dialogue, index: int, source: Source, table: LabelMap) -> list[Said]:
    """Return what the labels of the source's schemes say of a turn, best rank first, its own labels first."""
    own = [(label, table.match(label)) for label in _ranked(dialogue.turns[index], source)]
    before = [(label, table.match(label, "next")) for label in _ranked(dialogue.turns[index - 1], source)]
    return [Said(label, match) for label, match in own + before if match is not None]


def _ranked(turn: Turn, source: Source) -> list[Label]:
    return sorted((one for one in turn.labels if one.scheme in source.schemes), key=lambda label: label.rank)


def _commonest(counted: Sequence[Said]) -> Said:
    times = Counter(one.match.primary for one in counted)
    return max(counted, key=lambda one: times[one.match.primary])


def _labelled(
    dialogue: Dialogue, index: int, first: Said, counted: Sequence[Said], group: str, by_class: bool
) -> LabelledTurn:
    gold = (first.match.group if by_class else first.match.primary) or ""
    accept = {skill for one in counted for skill in (one.match.primary, *one.match.accept) if skill}
    return LabelledTurn(
        dialogue.before(index),
        gold,
        frozenset(accept) | {gold},
        group,
        index,
        first.label.scheme,
        first.match.strength,
        dialogue.turns[index].text,
    )


def mapped(source: Source, table: LabelMap) -> frozenset[str]:
    """Return the skills that the counted labels of a corpus stand for, as primary ones."""
    schemes = [table.scheme(name) for name in source.schemes]
    rules = [rule for scheme in schemes if scheme for rule in scheme.labels]
    return frozenset(rule.primary for rule in rules if rule.primary and rule.strength in source.strengths)


def first_rows(items: Sequence[LabelledTurn], count: int) -> list[LabelledTurn]:
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
    yield from _once(found, lambda one: plain(" ".join(turn.text for turn in one.turns)))


def _once(dialogues: Sequence[Dialogue], key: Callable[[Dialogue], str]) -> Iterator[Dialogue]:
    """Yield the first dialogue of each key; the test part comes first."""
    seen: set[str] = set()
    for one in sorted(dialogues, key=lambda dialogue: dialogue.split != "test"):
        if key(one) not in seen:
            seen.add(key(one))
            yield one


def _parallel(lang: str, folder: Path) -> Iterator[Dialogue]:
    """Yield the dialogues of one language, with ids that are the same in all of them."""
    for one in xdailydialog.read(folder):
        if isinstance(one, Dialogue) and one.lang == lang:
            yield msgspec.structs.replace(one, id=f"xdailydialog:{one.meta['parallel']}")


def _cima(folder: Path) -> Iterator[Dialogue]:
    """Yield one dialogue an exercise: that of its first reply, with the labels of all replies."""
    exercises: dict[str, list[Dialogue]] = {}
    for one in cima.read(folder):
        if isinstance(one, Dialogue):
            exercises.setdefault(str(one.meta["exercise"]), []).append(one)
    for name, replies in exercises.items():
        first = replies[0]
        labels = tuple(label for one in replies for label in one.turns[-1].labels)
        last = msgspec.structs.replace(first.turns[-1], labels=labels)
        yield msgspec.structs.replace(first, turns=(*first.turns[:-1], last), id=f"cima:{name}")


def _social(folder: Path) -> Iterator[Dialogue]:
    for one in socialdial.read(folder):
        if isinstance(one, Dialogue):
            yield with_norm(one)


def with_norm(dialogue: Dialogue) -> Dialogue:
    """Label the turns that keep SocialDial's norm with its type, and take the type out of the context."""
    extra = dict(dialogue.context.extra)
    norm = Label("socialdial.norm", extra.pop("norm_type", ""))
    turns = tuple(
        msgspec.structs.replace(turn, labels=(norm, *turn.labels)) if _keeps_norm(turn) else turn
        for turn in dialogue.turns
    )
    context = msgspec.structs.replace(dialogue.context, extra=extra)
    return msgspec.structs.replace(dialogue, turns=turns, context=context)


def _keeps_norm(turn: Turn) -> bool:
    return any(one.scheme == socialdial.VIOLATION and one.value == "adherence" for one in turn.labels)


def _safety(folder: Path) -> Iterator[Dialogue]:
    """Yield one dialogue a context; contexts of the test part come from it alone."""
    found = [one for one in diasafety.read(folder) if isinstance(one, Dialogue)]
    yield from _once(found, lambda one: one.turns[0].text)


def plain(text: str) -> str:
    """Return the words of a text, without case and marks."""
    return _MARKS.sub(" ", text.lower()).strip()


_PERSUADER, _PERSUADEE = "persuasionforgood.persuader", "persuasionforgood.persuadee"

LANGUAGES = ("en", "de", "it", "zh")
"""Of XDailyDialog."""

SOURCES = {
    "esconv": Source(_esconv, ("esconv.strategy",)),
    "casino": Source(casino.read, ("casino.strategy",)),
    "persuasionforgood": Source(_persuasion, (_PERSUADER,)),
    "annomi": Source(_annomi, ("annomi.reflection", "annomi.question", "annomi.therapist_input")),
    "empathetic_dialogues": Source(_empathetic, ("empathetic_dialogues.intent",)),
    "cima": Source(_cima, (cima.TUTOR_ACTION,), by_votes=True),
    "dailydialog": Source(_daily, ("dailydialog.act",), ("weak",), by_class=True),
    **{
        f"xdailydialog.{lang}": Source(
            partial(_parallel, lang), ("dailydialog.act",), ("weak",), by_class=True
        )
        for lang in LANGUAGES
    },
    "casino.weak": Source(casino.read, ("casino.strategy",), ("weak",), unless=_COUNTED),
    "persuasionforgood.weak": Source(_persuasion, (_PERSUADER, _PERSUADEE), ("weak",), unless=_COUNTED),
    "socialdial": Source(_social, ("socialdial.norm", socialdial.VIOLATION), ("weak",)),
    "diasafety": Source(_safety, (diasafety.CATEGORY,), ("weak",)),
}
"""Name of a source -> how it is read; `folder_of` says where it lies."""
