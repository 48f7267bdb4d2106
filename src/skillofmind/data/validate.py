"""What is wrong, or worth a look, in dialogues: one `Problem` each, with file, line and kind.

The checks look at one dialogue at a time; only a number is remembered for each id (about 60 bytes). The
line is that of the file for our JSONL; for other formats it is the number of the dialogue in its file.

    >>> from skillofmind.core.dialogue import Turn
    >>> dialogue = Dialogue((Turn("Ana", "Hi"), Turn("Ana", "Hi")), id="1")
    >>> [problem.kind for problem in Validation().problems(dialogue, "d.jsonl", 1)]
    ['repeated-turn', 'one-speaker', 'missing-context']
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.record import Record
from skillofmind.data.files import open_binary, source_name
from skillofmind.data.formats import Format, located
from skillofmind.data.jsonl import Rejected, numbered
from skillofmind.data.seen import Seen

ERRORS = {
    "rejected": "a row that is no dialogue",
    "empty-turn": "a turn without text and picture",
    "unknown-speaker": "a turn of someone who is not among the speakers that are listed",
    "duplicate-id": "an id that an earlier dialogue has",
    "unknown-label": "a label outside its scheme",
    "unknown-skill": "an annotation whose skill is not in the taxonomy",
}
"""Kinds of problems that should be mended."""

WARNINGS = {
    "repeated-turn": "the same text twice in a row",
    "long-turn": "a turn with very many characters",
    "mixed-scripts": "a dialogue in two scripts, each with a fifth of its letters or more",
    "one-speaker": "more than one turn, and only one person speaks",
    "missing-context": "no social context, persona or earlier session",
}
"""Kinds of problems that may be meant so."""

LONG_TURN = 4000
"""Most characters of a turn that is not called long."""

MIXED_SHARE = 0.2
"""Least share of the letters of a dialogue that a script needs to count, 0 to 1."""

_SCRIPTS = {
    "Latin": "A-Za-zÀ-ɏ",
    "Greek": "Ͱ-Ͽ",
    "Cyrillic": "Ѐ-ԯ",
    "Hebrew": "֐-׿",
    "Arabic": "؀-ۿ",
    "Devanagari": "ऀ-ॿ",
    "Thai": "฀-๿",
    "Kana": "぀-ヿ",
    "Hangul": "가-힣ᄀ-ᇿ",
    "Han": "一-鿿",
}
_LETTERS = re.compile("|".join(f"(?P<{name}>[{span}]+)" for name, span in _SCRIPTS.items()))
_ASCII = re.compile("[A-Za-z]+")
# Japanese is written in both, and Korean may quote Han characters.
_TOGETHER = ({"Kana", "Han"}, {"Hangul", "Han"})


class Problem(Record, frozen=True):
    """One finding.

    Attributes:
        source: file name, or `stdin`.
        line: line of the file, or number of the dialogue in it.
        kind: a key of `ERRORS` or `WARNINGS`.
        message: one sentence.
        id: of the dialogue; "" where there is none.
    """

    source: str
    line: int
    kind: str
    message: str
    id: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.kind}: {self.message}"


class Validation:
    """The checks, and what they have seen so far.

    Attributes:
        dialogues: dialogues checked.
        counts: problems by kind.
    """

    def __init__(
        self, schemes: Mapping[str, Collection[str]] | None = None, skills: Collection[str] | None = None
    ) -> None:
        """Check labels of these schemes and skills against this taxonomy; others are not checked."""
        self.dialogues = 0
        self.counts: Counter[str] = Counter()
        self._schemes, self._skills = schemes or {}, skills
        self._ids = Seen()

    def problems(self, row: Dialogue | Rejected, source: str, line: int) -> list[Problem]:
        """Return what is wrong with a row, and count it."""
        if isinstance(row, Rejected):
            found = [Problem(row.source, row.line, "rejected", row.reason)]
        else:
            self.dialogues += 1
            found = [Problem(source, line, kind, said, row.id) for kind, said in self._checked(row)]
        self.counts.update(problem.kind for problem in found)
        return found

    def errors(self) -> int:
        """Return how many problems should be mended."""
        return sum(self.counts[kind] for kind in ERRORS)

    def _checked(self, dialogue: Dialogue) -> Iterator[tuple[str, str]]:
        # A number of 64 bits takes the place of each id: among a million, two meet once in 37 million runs.
        if not self._ids.add(dialogue.id):
            yield "duplicate-id", f"an earlier dialogue has the id {dialogue.id!r}, too; make ids unique."
        yield from _turn_problems(dialogue)
        yield from self._label_problems(dialogue)
        yield from _dialogue_problems(dialogue)

    def _label_problems(self, dialogue: Dialogue) -> Iterator[tuple[str, str]]:
        for number, turn in enumerate(dialogue.turns, 1):
            for label in turn.labels:
                if label.scheme in self._schemes and label.value not in self._schemes[label.scheme]:
                    yield "unknown-label", f"turn {number}: {label.scheme} has no label {label.value!r}."
            for annotation in turn.annotations:
                if self._skills is not None and annotation.skill not in self._skills:
                    yield "unknown-skill", f"turn {number}: the taxonomy has no skill {annotation.skill!r}."


def validate(
    paths: Iterable[Path], format: str | None = None, validation: Validation | None = None
) -> Iterator[list[Problem]]:
    """Yield the problems of every row of some files, often none; counts are in `validation`.

    Raises:
        DataError: a file cannot be read, or its format cannot be told.
    """
    checks = validation or Validation()
    for source, line, row in _placed(paths, format):
        yield checks.problems(row, source, line)


def _placed(paths: Iterable[Path], format: str | None) -> Iterator[tuple[str, int, Dialogue | Rejected]]:
    for path, found in located(paths, format):
        source = source_name(path)
        if isinstance(found, Rejected):
            yield source, found.line, found
        else:
            for line, row in _rows(path, found):
                yield source, line, row


def _rows(path: Path, format: Format) -> Iterator[tuple[int, Dialogue | Rejected]]:
    if format.name != "jsonl":
        yield from enumerate(format.reader().read(path), 1)
        return
    with open_binary(path) as file:
        yield from numbered(file, source_name(path))


def _turn_problems(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    listed = {speaker.key for speaker in dialogue.speakers}
    before: Turn | None = None
    for number, turn in enumerate(dialogue.turns, 1):
        if not turn.images and (not turn.text or turn.text.isspace()):
            yield "empty-turn", f"turn {number} of {turn.speaker!r} has no text."
        elif before is not None and turn.text == before.text and turn.text:
            yield "repeated-turn", f"turns {number - 1} and {number} say the same."
        if listed and turn.speaker not in listed:
            yield "unknown-speaker", f"turn {number}: {turn.speaker!r} is not among the speakers."
        if len(turn.text) > LONG_TURN:
            yield "long-turn", f"turn {number} has {len(turn.text)} characters, more than {LONG_TURN}."
        before = turn


def _dialogue_problems(dialogue: Dialogue) -> Iterator[tuple[str, str]]:
    if len(dialogue.turns) > 1 and len({turn.speaker for turn in dialogue.turns}) == 1:
        yield "one-speaker", f"all {len(dialogue.turns)} turns are of {dialogue.turns[0].speaker!r}."
    mixed = scripts(dialogue)
    if len(mixed) > 1 and not any(set(mixed) <= both for both in _TOGETHER):
        yield "mixed-scripts", f"the turns are in {' and '.join(mixed)} letters."
    if not has_context(dialogue):
        yield "missing-context", "nothing is known beforehand."


def has_context(dialogue: Dialogue) -> bool:
    """Say whether anything is known before the first turn."""
    context = dialogue.context
    known = any(getattr(context, field) for field in context.__struct_fields__)
    return known or bool(dialogue.history) or any(s.persona or s.attributes for s in dialogue.speakers)


def scripts(dialogue: Dialogue) -> list[str]:
    """Return the scripts that have at least `MIXED_SHARE` of the letters, the commonest first."""
    if all(turn.text.isascii() for turn in dialogue.turns):
        return ["Latin"] if any(_ASCII.search(turn.text) for turn in dialogue.turns) else []
    counts: Counter[str] = Counter()
    for turn in dialogue.turns:
        for found in _LETTERS.finditer(turn.text):
            counts[found.lastgroup or ""] += found.end() - found.start()
    whole = counts.total()
    return [name for name, count in counts.most_common() if count >= MIXED_SHARE * whole]
