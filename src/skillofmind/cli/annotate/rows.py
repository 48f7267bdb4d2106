"""The rows of `som annotate`: targets chosen from dialogues, or written by `som data select`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.files import expand, head
from skillofmind.data.formats import read_any
from skillofmind.data.jsonl import Rejected
from skillofmind.data.select import SELECTIONS, Instance, holds_instances, instances, read_instances


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of some files, which can be read again and again.

    Attributes:
        files: files, folders or patterns.
        select: name of the selection for dialogues.
    """

    files: tuple[Path, ...]
    select: str

    def __post_init__(self) -> None:
        if self.select not in SELECTIONS:
            raise ConfigurationError(
                f"--select {self.select!r} is no way to select; there are {', '.join(SELECTIONS)}."
            )

    def __call__(self) -> Iterator[Instance]:
        """Yield the rows.

        Raises:
            DataError: a file cannot be read, or a row in it is no dialogue.
        """
        for path in self.files:
            for row in self._of(path):
                if isinstance(row, Rejected):
                    raise DataError(f"{row} Or leave such rows out: `som data select IN --skip-bad`.")
                if isinstance(row, Instance):
                    yield row
                else:
                    yield from instances(row, SELECTIONS[self.select])

    def _of(self, path: Path) -> Iterator[Dialogue | Instance | Rejected]:
        files = [path] if path.is_dir() else expand([path])
        for file in files:
            if file.is_file() and holds_instances(head(file)):
                yield from read_instances(file)
            else:
                yield from read_any([file])
