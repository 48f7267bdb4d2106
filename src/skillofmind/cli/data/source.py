"""What goes into a subcommand of `som data`, and where its lines go."""

import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TypeVar

from skillofmind.cli.printable import printable
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.files import expand
from skillofmind.data.formats import read_any
from skillofmind.data.jsonl import Rejected
from skillofmind.run.atomic import write_lines_atomic
from skillofmind.run.progress import Progress

T = TypeVar("T")
_PATIENCE = 1.0
_STEP = 64


class Source:
    """The dialogues of some files, once.

    Attributes:
        bad: rows that were no dialogues.
        count: dialogues that were read.
    """

    def __init__(
        self, files: Iterable[Path], format: str, *, skip_bad: bool, label: str, columns: str = ""
    ) -> None:
        """Read nothing yet.

        Args:
            files: files, folders, patterns or `-`.
            format: their format; "" means that each file tells its own.
            skip_bad: report rows that are no dialogues and go on.
            label: what is being done, for the progress.
            columns: for tables, which column is what: `dialogue=conv_id,speaker=who`.
        """
        self.bad = self.count = 0
        self._interrupt = Interrupt()
        self._rows = _table_rows(files, columns) if columns else read_any(files, format or None)
        self._skip_bad, self._label = skip_bad, label

    def __iter__(self) -> Iterator[Dialogue]:
        """Yield the dialogues; how far it is is shown when it takes longer than a second.

        Ctrl-C ends them early, so that what was read is worked on to the end and written.

        Raises:
            DataError: a row is no dialogue, unless such rows are skipped.
        """
        for row in self._interrupt.before_each(watched(self._rows, self._label)):
            if isinstance(row, Dialogue):
                self.count += 1
                yield row
            else:
                self._reject(row)

    def exit_code(self) -> int:
        """Return 130 after Ctrl-C, 1 where rows were skipped, else 0; and say so."""
        if self._interrupt.asked:
            sys.stderr.write(f"som: interrupted; the first {self.count} dialogues are done and written.\n")
            return 130
        if self.bad:
            sys.stderr.write(f"som: {self.bad} rows are no dialogues and were left out.\n")
        return 1 if self.bad else 0

    def _reject(self, row: Rejected) -> None:
        if not self._skip_bad:
            raise DataError(f"{row} Or leave such rows out with --skip-bad.")
        self.bad += 1
        sys.stderr.write(f"som: {printable(str(row))}\n")


def _table_rows(files: Iterable[Path], text: str) -> Iterator[Dialogue | Rejected]:
    from skillofmind.data.exchange import table

    words = [part.partition("=") for part in text.split(",")]
    if not all(meaning.strip() and column.strip() for meaning, _, column in words):
        raise ConfigurationError(f"--columns {text!r} is not understood; write speaker=COLUMN,text=COLUMN.")
    columns = {meaning.strip(): column.strip() for meaning, _, column in words}
    for path in expand(files):
        yield from table.read(path, columns)


class Interrupt:
    """The first Ctrl-C, as a request to stop between two rows.

    What was read before it is finished and written whole; a second Ctrl-C ends the command as usual.

    Attributes:
        asked: whether it came.
    """

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked = False
        self._waiting = False

    def before_each(self, rows: Iterable[T]) -> Iterator[T]:
        """Yield `rows` until Ctrl-C; a wait for the next row ends at once."""
        iterator, before = iter(rows), None
        try:
            before = signal.signal(signal.SIGINT, self._note)
        except ValueError:
            # Python allows signal handlers in the main thread only.
            yield from iterator
            return
        try:
            while not self.asked:
                try:
                    self._waiting = True
                    row = next(iterator)
                except (StopIteration, KeyboardInterrupt):
                    return
                finally:
                    self._waiting = False
                yield row
        finally:
            signal.signal(signal.SIGINT, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.asked = self.asked, True
        if again or self._waiting:
            raise KeyboardInterrupt


def watched(rows: Iterable[T], label: str) -> Iterator[T]:
    """Yield `rows`, and show how far it is when it takes longer than a second."""
    start, progress = time.monotonic(), None
    with ExitStack() as stack:
        for number, row in enumerate(rows, 1):
            if number % _STEP == 0:
                if progress is not None:
                    progress.advance(_STEP)
                elif time.monotonic() - start > _PATIENCE:
                    progress = stack.enter_context(Progress(None, label, done=number))
            yield row


def emit(lines: Iterable[bytes], out: Path | None) -> None:
    """Write lines to a file, whole or not at all, or to standard output as they come.

    Raises:
        StorageError: the disk said no; the file is as it was.
    """
    if out is not None:
        write_lines_atomic(out, lines)
        return
    for line in lines:
        sys.stdout.buffer.write(line)


def check_out(out: Path | None, files: Iterable[Path]) -> None:
    """Refuse to write over a file that is read.

    Raises:
        ConfigurationError: `out` is one of `files`.
    """
    if out is not None and any(out.resolve() == path.resolve() for path in files if str(path) != "-"):
        raise ConfigurationError(f"--out {str(out)!r} is also read; write to another file.")


def pairs(text: str, flag: str) -> dict[str, float]:
    """Read `train=0.8,test=0.2`.

    Raises:
        ConfigurationError: it is not written so.
    """
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.strip().partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name:
            raise ConfigurationError(
                f"{flag} {text!r} is not understood at {part!r}; write NAME=NUMBER,NAME=NUMBER."
            )
    return found
