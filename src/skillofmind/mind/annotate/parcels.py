"""Parcels: the requests of many rows as files of a Batch API, and where each of them stands.

    planned -> uploaded -> created -> fetched -> done        (or failed: the provider refused the whole file)

Every step is in the journal before the next begins, so a run that was killed goes on with the parcels that
are under way: nothing is sent twice, and what a provider has answered is fetched however long ago it was.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from skillofmind.core.record import Record
from skillofmind.data.select import Instance
from skillofmind.mind.annotate.course import ASKED, Ask, Asked, Role
from skillofmind.models.openai_batch import MOST_BYTES, BatchLine, read_lines, request_line
from skillofmind.run.atomic import replacing, storage_errors
from skillofmind.run.log import AppendLog

State = Literal["planned", "uploaded", "created", "fetched", "done", "failed"]
"""How far a parcel has come."""

FOLDER = "batches"


class Parcel(Record, frozen=True):
    """One file of requests and its batch.

    Attributes:
        name: unique in the run.
        asked: the model that its requests go to.
        rows: how many.
        state: how far it has come.
        file: the provider's id of the file of requests.
        batch: the provider's id of the batch.
        time: ISO 8601, when its answers were fetched.
        error: why the provider refused it.
    """

    name: str
    asked: Asked
    rows: int
    state: State = "planned"
    file: str = ""
    batch: str = ""
    time: str = ""
    error: str = ""

    def is_open(self) -> bool:
        """Say whether something is left to do."""
        return self.state not in ("done", "failed")


class Entry(Record, frozen=True):
    """One row of a parcel, and what it is asked."""

    role: Role
    row: Instance


class Files(NamedTuple):
    """The files of a parcel on our side."""

    requests: Path
    rows: Path
    output: Path
    errors: Path


class Journal:
    """The parcels of a run, in `batches.jsonl`; their files are in the folder `batches`."""

    def __init__(self, log: AppendLog, folder: Path) -> None:
        """Take up what an earlier part of the run left.

        Raises:
            StorageError: the folder cannot be made or cleared.
        """
        self._log = log
        self._folder = folder / FOLDER
        self._parcels = {name: msgspec.convert(value, Parcel) for name, value in log.read()}
        with storage_errors(self._folder):
            self._folder.mkdir(exist_ok=True)
            kept = {path for parcel in self.open() for path in self.files(parcel)}
            # Parcels that a killed run was still writing, and copies of those that are done.
            for path in set(self._folder.iterdir()) - kept:
                path.unlink()

    def open(self) -> list[Parcel]:
        """Return the parcels with something left to do, the oldest first."""
        return [parcel for parcel in self._parcels.values() if parcel.is_open()]

    def keep(self, parcel: Parcel) -> Parcel:
        """Write down how far a parcel has come, and return it."""
        self._log.append(parcel.name, parcel)
        self._log.flush()
        self._parcels[parcel.name] = parcel
        return parcel

    def next_name(self, offset: int) -> str:
        """Return the name of the `offset`-th parcel that is not in the journal yet."""
        return f"{len(self._parcels) + offset + 1:06}"

    def files(self, parcel: Parcel) -> Files:
        """Return the paths of a parcel's files."""
        return Files(
            *(
                self._folder / f"{parcel.name}.{kind}.jsonl"
                for kind in ("requests", "rows", "output", "errors")
            )
        )

    def clear(self, parcel: Parcel) -> None:
        """Delete the files of a parcel."""
        for path in self.files(parcel):
            with storage_errors(path):
                path.unlink(missing_ok=True)


class Packer:
    """Packs requests into parcels, one open file for each model; a parcel counts once it is whole on disk."""

    def __init__(self, journal: Journal, names: dict[Asked, str], most: int) -> None:
        """Pack at most `most` requests a parcel; `names` are the providers' names of the models."""
        self._journal, self._names, self._most = journal, names, most
        self._open: dict[Asked, _Open] = {}
        self._made = 0

    def add(self, row: Instance, ask: Ask) -> None:
        """Add the request of a row; a full parcel is closed first."""
        asked = ASKED[ask.role]
        line = request_line(custom_id(row, ask.role), self._names[asked], ask.conversation, ask.sampling)
        current = self._open.get(asked)
        if current is not None and (current.rows >= self._most or current.bytes + len(line) > MOST_BYTES):
            self.close(asked)
            current = None
        if current is None:
            current = self._open[asked] = _Open(
                self._journal, self._journal.next_name(len(self._open)), asked
            )
        current.add(line, msgspec.json.encode(Entry(ask.role, row)) + b"\n")

    def close(self, asked: Asked) -> None:
        """Close the open parcel of a model and write it into the journal."""
        self._journal.keep(self._open.pop(asked).closed())

    def close_all(self) -> None:
        """Close every open parcel."""
        for asked in list(self._open):
            self.close(asked)


class _Open:
    """A parcel that is being written."""

    def __init__(self, journal: Journal, name: str, asked: Asked) -> None:
        self.rows = self.bytes = 0
        self._parcel = Parcel(name, asked, 0)
        self._stack = ExitStack()
        files = journal.files(self._parcel)
        self._requests = self._stack.enter_context(replacing(files.requests))
        self._rows = self._stack.enter_context(replacing(files.rows))

    def add(self, request: bytes, entry: bytes) -> None:
        self._requests(request)
        self._rows(entry)
        self.rows += 1
        self.bytes += len(request)

    def closed(self) -> Parcel:
        self._stack.close()
        return msgspec.structs.replace(self._parcel, rows=self.rows)


def custom_id(row: Instance, role: Role) -> str:
    """Return the name of a request: short, whatever the id of the row, and free of what a corpus says."""
    return f"{hashlib.sha256(row.id.encode()).hexdigest()[:32]}-{role}"


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the rows of a parcel."""
    decode = msgspec.json.Decoder(Entry).decode
    with path.open("rb") as file:
        for line in file:
            yield decode(line)


def read_answers(paths: Iterable[Path]) -> dict[str, BatchLine]:
    """Return custom id -> line of the output and error files; the first line of an id counts."""
    found: dict[str, BatchLine] = {}
    for path in paths:
        if path.exists():
            for line in read_lines(path):
                found.setdefault(line.custom_id, line)
    return found
