"""Where the texts of a study come from: files of replies or plans, and runs of `som eval`.

A source is `PATH` or `NAME=PATH`. Lines of a file may be

    {"id": "1", "dialogue": {...}, "replies": {"thanos": "...", "plain": "..."}}       several systems
    {"id": "1", "dialogue": {...}, "reply": "..."}                                     one, called NAME
    {"id": "1", "dialogue": {...}, "plans": {"thanos": {"skill": ..., "explanation": ...}, ...}}
    {"id": "1", "dialogue": {...}, "plan": {"skill": ..., "explanation": ...}}

A folder is a run of `som eval`: its `cases.jsonl`, where each arm is a system. Sources are joined by id; an
item that not every system answered is left out and counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.files import open_binary, source_name
from skillofmind.evals.study.records import Material, Subject, Text

CASES = "cases.jsonl"
"""File of a run of `som eval`."""


class Gathered(NamedTuple):
    """What all sources give together.

    Attributes:
        subject: replies or explanations.
        systems: their names, in the order of the sources.
        material: items that every system answered.
        missing: items that some did not.
    """

    subject: Subject
    systems: tuple[str, ...]
    material: tuple[Material, ...]
    missing: int


class Source(NamedTuple):
    """A file or run.

    Attributes:
        path: where it is.
        name: of its system; "" takes the name of the file or folder.
    """

    path: Path
    name: str = ""

    @property
    def system(self) -> str:
        """Return the name for a system that has none of its own."""
        return self.name or source_name(self.path).partition(".")[0] or "system"


class _Thought(msgspec.Struct):
    skill: str | None = None
    explanation: str = ""
    error: str | None = None


class _Line(msgspec.Struct):
    id: str
    dialogue: Dialogue
    reply: str | None = None
    replies: dict[str, str] = {}
    plan: _Thought | None = None
    plans: dict[str, _Thought] = {}


class _Asked(msgspec.Struct):
    id: str
    dialogue: Dialogue
    task: str = ""
    arm: str = ""


class _Said(msgspec.Struct):
    plan: _Thought | None = None
    reply: str = ""
    error: str | None = None


class _Case(msgspec.Struct):
    item: _Asked
    answer: _Said


class _Row(NamedTuple):
    """One text of one system about one item."""

    id: str
    dialogue: Dialogue
    system: str
    subject: Subject
    text: Text


def source(word: str) -> Source:
    """Read `PATH` or `NAME=PATH`."""
    name, mark, path = word.partition("=")
    if not mark or "/" in name or Path(word).exists():
        return Source(Path(word))
    return Source(Path(path), name)


def gather(sources: Sequence[Source]) -> Gathered:
    """Return the texts of all sources, joined by id.

    Raises:
        DataError: a line is none of the forms above, a system answers an item twice, or two sources have
            different dialogues under one id.
        ConfigurationError: there is nothing, or replies and explanations are mixed.
    """
    found: dict[str, Material] = {}
    systems: dict[str, None] = {}
    subjects: dict[Subject, None] = {}
    for row in (row for one in sources for row in _rows(one)):
        systems[row.system], subjects[row.subject] = None, None
        found[row.id] = _joined(found.get(row.id), row)
    if len(subjects) > 1:
        raise ConfigurationError("replies and explanations cannot be mixed in one study; make two.")
    whole = tuple(one for one in found.values() if len(one.texts) == len(systems))
    if not whole:
        raise ConfigurationError(
            f"no item was answered by all of {', '.join(systems) or 'no system'}; check that the ids agree."
        )
    return Gathered(next(iter(subjects)), tuple(systems), whole, len(found) - len(whole))


def _joined(before: Material | None, row: _Row) -> Material:
    if before is None:
        return Material(row.id, row.dialogue, {row.system: row.text})
    if row.system in before.texts:
        raise DataError(f"{row.system!r} answers item {row.id!r} twice; give each system a NAME=PATH.")
    if before.dialogue.turns != row.dialogue.turns:
        raise DataError(f"item {row.id!r} has different dialogues in two sources; use the same items.")
    return msgspec.structs.replace(before, texts={**before.texts, row.system: row.text})


def _rows(source: Source) -> Iterator[_Row]:
    if source.path.is_dir():
        yield from _rows_of_run(source)
        return
    for number, line in _lines(source.path):
        yield from _rows_of_line(source, number, line)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _rows_of_line(source: Source, number: int, line: bytes) -> Iterable[_Row]:
    try:
        found = msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError as error:
        raise DataError(
            f"{str(source.path)!r} line {number} is no item of a study ({error}); it needs `id`, `dialogue` "
            "and `reply`, `replies`, `plan` or `plans`."
        ) from error
    rows = [*_replies(found, source.system), *_thoughts(found, source.system)]
    if not rows:
        raise DataError(
            f"{str(source.path)!r} line {number} has no text: give `reply`, `replies`, `plan` or `plans`."
        )
    return [row for row in rows if row.text.text.strip()]


def _replies(line: _Line, system: str) -> Iterator[_Row]:
    given = line.replies if line.reply is None else {**line.replies, system: line.reply}
    for name, text in given.items():
        yield _Row(line.id, line.dialogue, name, "reply", Text(text))


def _thoughts(line: _Line, system: str) -> Iterator[_Row]:
    given = line.plans if line.plan is None else {**line.plans, system: line.plan}
    for name, thought in given.items():
        yield _Row(line.id, line.dialogue, name, "explanation", _text(thought))


def _text(thought: _Thought) -> Text:
    return Text("" if thought.error else thought.explanation, thought.skill or "")


def _rows_of_run(source: Source) -> Iterator[_Row]:
    """Yield the answers of a run; a run of several arms names its systems by them."""
    cases = [_case(source.path / CASES, number, line) for number, line in _lines(_cases_of(source.path))]
    arms = {case.item.arm for case in cases}
    several_tasks = len({case.item.task for case in cases}) > 1
    for case in cases:
        if case.answer.error:
            continue
        item, answer = case.item, case.answer
        system = _system(source, item.arm) if len(arms) > 1 else source.system
        about = f"{item.task}/{item.id}" if several_tasks else item.id
        if answer.reply:
            yield _Row(about, item.dialogue, system, "reply", Text(answer.reply))
        elif answer.plan and answer.plan.explanation:
            yield _Row(about, item.dialogue, system, "explanation", _text(answer.plan))


def _system(source: Source, arm: str) -> str:
    return f"{source.name}/{arm or 'plain'}" if source.name else arm or "plain"


def _cases_of(folder: Path) -> Path:
    if not (folder / CASES).is_file():
        raise DataError(f"{str(folder)!r} has no {CASES}; name a finished run of `som eval` or a file.")
    return folder / CASES


def _case(path: Path, number: int, line: bytes) -> _Case:
    try:
        return msgspec.json.decode(line, type=_Case)
    except msgspec.DecodeError as error:
        raise DataError(f"{str(path)!r} line {number} is no case: {error}; score the run again.") from error
