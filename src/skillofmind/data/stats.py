"""Counts and histograms of dialogues in one pass and constant memory.

`Stats` of parts are put together with `merge`: the result equals that of all dialogues at once, as long as no
table has more than `MOST_VALUES` different values (then the newest ones are counted as `OTHER`). Words are
what stands between blanks, so that a Chinese sentence is one word; characters are counted, too.

    >>> from skillofmind.core.dialogue import Turn
    >>> found = stats([Dialogue((Turn("Ana", "Hi you"), Turn("Ben", "Ho")), id="1")])
    >>> found.turns, found.words, found.turn_words
    (2, 3, {2: 1, 1: 1})
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext
from skillofmind.core.record import Record

LONGEST_TURN = 500
"""Words from which on all turns are counted together."""

LONGEST_DIALOGUE = 500
"""Turns from which on all dialogues are counted together."""

MOST_VALUES = 1000
"""Most different values of a table."""

OTHER = "(other)"
"""Stands for the values beyond `MOST_VALUES`."""

NONE = "(none)"
"""Stands for a field that is not given."""

_FIELDS = SocialContext.__struct_fields__


class Stats(Record, frozen=True):
    """What there is in some dialogues; every table maps a value to its number.

    Attributes:
        dialogues: dialogues.
        turns: turns.
        words: words of all turns.
        characters: characters of all turns.
        images: pictures shared.
        annotated: turns with a skill-of-mind annotation.
        turn_words: words of a turn -> turns; `LONGEST_TURN` means that or more.
        dialogue_turns: turns of a dialogue -> dialogues; `LONGEST_DIALOGUE` means that or more.
        dialogue_speakers: people who speak in a dialogue -> dialogues.
        contexts: field of the social context that is given -> dialogues.
        labels: `<scheme>` -> value -> turns.
        skills: skill -> annotations.
        languages: language -> dialogues.
        scenarios: scenario -> dialogues.
        splits: split -> dialogues.
        corpora: corpus -> dialogues.
        licences: licence -> dialogues.
        roles: role of a listed speaker -> dialogues.
    """

    dialogues: int = 0
    turns: int = 0
    words: int = 0
    characters: int = 0
    images: int = 0
    annotated: int = 0
    turn_words: dict[int, int] = {}
    dialogue_turns: dict[int, int] = {}
    dialogue_speakers: dict[int, int] = {}
    contexts: dict[str, int] = {}
    labels: dict[str, dict[str, int]] = {}
    skills: dict[str, int] = {}
    languages: dict[str, int] = {}
    scenarios: dict[str, int] = {}
    splits: dict[str, int] = {}
    corpora: dict[str, int] = {}
    licences: dict[str, int] = {}
    roles: dict[str, int] = {}


class Counting:
    """Stats in the making."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._sums: Counter[str] = Counter()
        self._tables: dict[str, dict[Any, int]] = {
            name: {} for name, default in _tables().items() if name != "labels" and default == {}
        }
        self._labels: dict[str, dict[str, int]] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue."""
        self._add_turns(dialogue)
        self._sums["dialogues"] += 1
        self._sums["turns"] += len(dialogue.turns)
        self._count("dialogue_turns", min(len(dialogue.turns), LONGEST_DIALOGUE))
        self._count("dialogue_speakers", len({turn.speaker for turn in dialogue.turns}))
        for kind in context_kinds(dialogue):
            self._count("contexts", kind)
        for role in {speaker.role for speaker in dialogue.speakers if speaker.role}:
            self._count("roles", role)
        self._count("languages", dialogue.lang or NONE)
        self._count("scenarios", dialogue.scenario or NONE)
        self._count("splits", dialogue.split or NONE)
        self._count("corpora", dialogue.corpus or NONE)
        self._count("licences", dialogue.licence or NONE)

    def stats(self) -> Stats:
        """Return what was counted so far."""
        labels = {scheme: dict(values) for scheme, values in self._labels.items()}
        tables: dict[str, Any] = {name: dict(table) for name, table in self._tables.items()}
        return Stats(**{**self._sums, **tables, "labels": labels})

    def _add_turns(self, dialogue: Dialogue) -> None:
        words = characters = 0
        lengths = self._tables["turn_words"]
        for turn in dialogue.turns:
            length = len(turn.text.split())
            words += length
            characters += len(turn.text)
            shown = min(length, LONGEST_TURN)
            lengths[shown] = lengths.get(shown, 0) + 1
            if turn.labels or turn.annotations or turn.images:
                self._add_marks(turn.labels, turn.annotations, len(turn.images))
        self._sums["words"] += words
        self._sums["characters"] += characters

    def _add_marks(self, labels: Iterable[Any], annotations: tuple[Any, ...], images: int) -> None:
        self._sums["images"] += images
        self._sums["annotated"] += bool(annotations)
        for annotation in annotations:
            self._count("skills", annotation.skill)
        for label in labels:
            scheme = label.scheme if label.scheme in self._labels else bounded(self._labels, label.scheme)
            _add_to(self._labels.setdefault(scheme, {}), label.value, 1)

    def _count(self, table: str, value: Any) -> None:
        _add_to(self._tables[table], value, 1)


def stats(dialogues: Iterable[Dialogue]) -> Stats:
    """Return the statistics of `dialogues`."""
    counting = Counting()
    for dialogue in dialogues:
        counting.add(dialogue)
    return counting.stats()


def merge(one: Stats, other: Stats) -> Stats:
    """Return the statistics of both parts together."""
    fields: dict[str, Any] = {}
    for name in Stats.__struct_fields__:
        first, second = getattr(one, name), getattr(other, name)
        if name == "labels":
            schemes = dict.fromkeys([*first, *second])
            fields[name] = {s: _merged(first.get(s, {}), second.get(s, {})) for s in schemes}
        else:
            fields[name] = first + second if isinstance(first, int) else _merged(first, second)
    return Stats(**fields)


def context_kinds(dialogue: Dialogue) -> list[str]:
    """Return the fields of the social context that are given; `persona` and `history` count as such."""
    context = dialogue.context
    kinds = [field for field in _FIELDS if getattr(context, field)]
    if any(speaker.persona for speaker in dialogue.speakers):
        kinds.append("persona")
    if dialogue.history:
        kinds.append("history")
    return kinds or [NONE]


def quantile(histogram: Mapping[int, int], share: float) -> int:
    """Return the smallest value that at least `share` (0 to 1) of the counts do not exceed; 0 if empty."""
    left = share * sum(histogram.values())
    for value in sorted(histogram):
        left -= histogram[value]
        if left <= 0:
            return value
    return 0


def bounded(table: Mapping[Any, Any], value: Any) -> Any:
    """Return `value`, or `OTHER` when it would be one too many in `table`."""
    is_text = isinstance(value, str)
    return OTHER if is_text and value not in table and len(table) >= MOST_VALUES else value


def _add_to(table: dict[Any, int], value: Any, count: int) -> None:
    value = value if value in table else bounded(table, value)
    table[value] = table.get(value, 0) + count


def _merged(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    found = dict(one)
    for value, count in other.items():
        _add_to(found, value, count)
    return found


def _tables() -> dict[str, Any]:
    empty: dict[str, Any] = msgspec.structs.asdict(Stats())
    return empty
