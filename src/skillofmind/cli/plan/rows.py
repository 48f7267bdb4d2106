"""Rows of `som plan`: what comes in, what goes out, and the stores that take results as they finish."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.data.jsonl import Rejected
from skillofmind.data.read import accepted, read_dialogues


class PlanRow(Record, frozen=True):
    """One line of output.

    Attributes:
        number: position in the input, counted from 1.
        id: of the dialogue.
        plan: the plan; `plan.error` says why there is none.
    """

    number: int
    id: str
    plan: Plan

    def kind(self) -> str:
        """Return `planned`, `invalid` (an answer without a valid skill) or `failed` (no answer)."""
        return "failed" if self.plan.error else "planned" if self.plan.valid else "invalid"

    def line(self) -> bytes:
        """Return the row as one line of JSON."""
        return msgspec.json.encode(self) + b"\n"


class Input:
    """The rows of an input; every row is checked before the first is planned.

    Attributes:
        count: how many rows there are.
    """

    def __init__(self, path: Path, *, skip_bad: bool, context: str, responder: str) -> None:
        """Read and check everything.

        Raises:
            DataError: unreadable, not dialogues (unless `skip_bad`), or an id twice.
            ConfigurationError: a dialogue does not have the speaker `responder`.
        """
        self._path, self._skip_bad = path, skip_bad
        self._context, self._responder = context, responder
        # A pipe can be read once only.
        self._kept = None if can_read_again(path) else list(self._read())
        self.count = self._checked()

    def rows(self) -> Iterator[tuple[str, tuple[int, Dialogue | Rejected]]]:
        """Yield (key, (number, row)); dialogues have the added context and responder."""
        for number, row in enumerate(self._kept if self._kept is not None else self._read(), 1):
            if isinstance(row, Dialogue):
                yield row.id, (number, self._prepared(row))
            else:
                yield f"{row.source}:{row.line}", (number, row)

    def keys(self) -> Iterator[str]:
        """Yield what the log of a run knows the rows by."""
        return (key for key, _ in self.rows())

    def _read(self) -> Iterator[Dialogue | Rejected]:
        rows = read_dialogues(self._path)
        yield from rows if self._skip_bad else accepted(rows)

    def _checked(self) -> int:
        seen: dict[str, int] = {}
        for key, (number, _) in self.rows():
            if key in seen:
                raise DataError(
                    f"{self._path}: dialogues {seen[key]} and {number} both have the id {key!r}; "
                    "make ids unique, or leave them out."
                )
            seen[key] = number
        return len(seen)

    def _prepared(self, dialogue: Dialogue) -> Dialogue:
        if self._context:
            text = "\n".join(filter(None, (dialogue.context.text, self._context)))
            context = msgspec.structs.replace(dialogue.context, text=text)
            dialogue = msgspec.structs.replace(dialogue, context=context)
        if not self._responder:
            return dialogue
        known = {turn.speaker for turn in dialogue.turns} | {speaker.key for speaker in dialogue.speakers}
        if self._responder not in known:
            raise ConfigurationError(
                f"--responder {self._responder!r} is no speaker of {dialogue.id!r}; "
                f"there are {', '.join(map(repr, sorted(known)))}."
            )
        return msgspec.structs.replace(dialogue, responder=self._responder)


def can_read_again(path: Path) -> bool:
    """Say whether `path` can be read more than once; standard input and pipes cannot."""
    return str(path) != "-" and not (path.exists() and not path.is_file() and not path.is_dir())


class InOrder:
    """A store that shows results in the order of the input as soon as all before them are there.

    Attributes:
        kinds: how many results of each kind.
    """

    def __init__(self, show: Callable[[PlanRow], None]) -> None:
        """Show each row with `show`."""
        self.kinds: Counter[str] = Counter()
        self._show = show
        self._next = 1
        self._waiting: dict[int, PlanRow] = {}

    def append(self, key: str, value: PlanRow) -> None:
        """Take a result."""
        self.kinds[value.kind()] += 1
        self._waiting[value.number] = value
        while self._next in self._waiting:
            self._show(self._waiting.pop(self._next))
            self._next += 1

    def flush(self) -> None:
        """Show what waits for a result that will not come."""
        for number in sorted(self._waiting):
            self._show(self._waiting.pop(number))

    def read(self) -> Iterator[tuple[str, PlanRow]]:
        """Yield what waits to be shown; the rest is gone."""
        return ((row.id, row) for row in self._waiting.values())

    def has(self, key: str) -> bool:
        """Nothing is remembered between runs."""
        return False


def has_failed(row: PlanRow) -> bool:
    """Say whether a row got no answer."""
    return row.kind() == "failed"


def json_printer() -> Callable[[PlanRow], None]:
    """Return what prints a row as a line of JSON, at once."""

    def show(row: PlanRow) -> None:
        sys.stdout.write(row.line().decode())
        # Calls cost time and money: a reader that has gone should end them now.
        sys.stdout.flush()

    return show


def text_printer(source: Input, taxonomy: Path | None) -> Callable[[PlanRow], None]:
    """Return what prints a row with its dialogue for a person; rows come in the order of the input."""
    from skillofmind.cli.show import console, show_dialogue, show_lines, show_plan, why_not
    from skillofmind.mind.taxonomy import load_taxonomy

    out, rows, skills = console(sys.stdout), source.rows(), load_taxonomy(taxonomy)

    def show(row: PlanRow) -> None:
        from rich.text import Text

        # A second pass over the input stays in step, and holds nothing in memory.
        dialogue = next(found for _, (number, found) in rows if number == row.number)
        if isinstance(dialogue, Dialogue):
            show_dialogue(out, dialogue, str(dialogue.meta.get("title") or dialogue.id))
            show_plan(out, dialogue, row.plan, skills)
        else:
            show_lines(out, Text(f"{row.id}: {why_not(row.plan)}", style="red"), 0)
            out.print()
        sys.stdout.flush()

    return show
