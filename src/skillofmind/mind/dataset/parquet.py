"""Annotated rows as Parquet: one flat table, with the provenance of every row next to it.

Rows are encoded in groups, each of which leaves memory before the next one begins, so a file may be larger
than memory. `pyarrow` comes with the extra `data`; without it there is no table, and nothing else changes.

    id  dialogue  index  group  corpus  lang  licence  context  turns  responder  target  annotations
    teacher  model  prompt  request  sampling  time  attempts  prompt_tokens  completion_tokens  money  cached

`turns` ends before the target. `context` is the social context as a planner is shown it; `sampling` is JSON.
"""

import importlib.util
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import DataError, MissingExtra
from skillofmind.data.files import open_binary
from skillofmind.data.jsonl import Rejected, read
from skillofmind.mind.dataset.files import ANNOTATED, PROVENANCE
from skillofmind.mind.dataset.rows import Provenance
from skillofmind.mind.render import render_context
from skillofmind.run.atomic import replacing

PARQUET = "annotated.parquet"

GROUP_ROWS = 1000
"""Most rows of a row group."""

GROUP_BYTES = 16 << 20
"""A row group ends at so many bytes of text, however few rows they are."""

_PROVENANCE = msgspec.json.Decoder(Provenance)


def has_parquet() -> bool:
    """Say whether `pyarrow` is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def write_parquet(folder: Path) -> Path | None:
    """Write annotated.parquet of a run directory; the rows are those of annotated.jsonl, in order.

    Returns:
        The file, or `None` without `pyarrow`.

    Raises:
        DataError: a row cannot be read, or has no provenance.
        StorageError: the disk said no; an earlier file is as it was.
    """
    if not has_parquet():
        return None
    path = folder / PARQUET
    with replacing(path) as write:
        for chunk in encoded(records(read_annotated(folder), provenances(folder))):
            write(chunk)
    return path


def read_annotated(folder: Path) -> Iterator[Dialogue]:
    """Yield the rows of annotated.jsonl.

    Raises:
        DataError: a row cannot be read, or holds no annotated turn that could follow something.
    """
    for number, row in enumerate(read(folder / ANNOTATED), 1):
        if isinstance(row, Rejected):
            raise DataError(f"{row} Run the same `som annotate` command again; it writes the file anew.")
        if not row.turns[-1].annotations:
            raise DataError(
                f"{folder / ANNOTATED}: row {number}, {row.id!r}, does not end with an annotated turn; "
                "run the same `som annotate` command again."
            )
        yield row


def provenances(folder: Path) -> Iterator[Provenance]:
    """Yield where the rows of a run come from, rejected ones included.

    Raises:
        DataError: the file cannot be read.
    """
    path = folder / PROVENANCE
    with open_binary(path) as file:
        for number, line in enumerate(file, 1):
            try:
                yield _PROVENANCE.decode(line)
            except msgspec.DecodeError as error:
                raise DataError(f"{path}:{number}: {error}; run the same `som annotate` again.") from error


def records(rows: Iterable[Dialogue], made: Iterator[Provenance]) -> Iterator[dict[str, Any]]:
    """Yield the rows as records of the table, joined with their provenance.

    Args:
        rows: annotated rows, in the order of the run; some may be missing.
        made: of the whole run, in its order; used up as far as the rows go.

    Raises:
        DataError: a row has no provenance, or the two are not in one order.
    """
    for row in rows:
        found = next((one for one in made if one.id == row.id), None)
        if found is None:
            raise DataError(
                f"{PROVENANCE} says nothing about row {row.id!r}, or not in its place; "
                "run the same `som annotate` command again."
            )
        yield _record(row, found)


def encoded(found: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the bytes of a Parquet file with these records, a row group at a time.

    Raises:
        MissingExtra: `pyarrow` is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra("pyarrow is missing; run: pip install 'skillofmind[data]'.") from error
    schema, sink = _schema(), _Sink()
    with parquet.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for group in _groups(found):
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            yield sink.drained()
    yield sink.drained()


def _groups(found: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for record in found:
        group.append(record)
        size += _text_size(record)
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _text_size(record: dict[str, Any]) -> int:
    said = sum(len(turn["text"]) for turn in record["turns"])
    return said + len(record["context"]) + len(record["target"])


def _record(row: Dialogue, made: Provenance) -> dict[str, Any]:
    *before, target = row.turns
    annotation = row.meta.get("annotation", {})
    return {
        "id": row.id,
        "dialogue": row.meta.get("dialogue", row.id),
        "index": row.meta.get("index", len(before)),
        "group": row.meta.get("group", ""),
        "corpus": row.corpus,
        "lang": row.lang,
        "licence": row.licence,
        "context": render_context(row),
        "turns": [{"speaker": turn.speaker, "text": shown(turn)} for turn in before],
        "responder": target.speaker,
        "target": shown(target),
        "annotations": [
            {
                "skill": one.skill,
                "explanation": one.explanation,
                "counterfactual": one.counterfactual,
                "annotator": one.annotator,
            }
            for one in target.annotations
        ],
        **{name: annotation.get(name, "") for name in ("teacher", "model", "prompt", "request")},
        "sampling": msgspec.json.encode(annotation.get("sampling", {}), order="sorted").decode(),
        "time": made.time,
        "attempts": made.attempts,
        "prompt_tokens": made.usage.prompt_tokens,
        "completion_tokens": made.usage.completion_tokens,
        "money": made.money,
        "cached": made.cached,
    }


def shown(turn: Turn) -> str:
    """Return the text of a turn as it is, with the pictures that are not in it already."""
    images = (f"[Sharing Image: {image.description}]" for image in turn.images)
    return " ".join(chain([turn.text] if turn.text else [], images))


def _schema() -> Any:
    import pyarrow as arrow

    text, number = arrow.string(), arrow.int64()
    turn = arrow.struct([("speaker", text), ("text", text)])
    names = ("skill", "explanation", "counterfactual", "annotator")
    kinds = {
        "index": number,
        "turns": arrow.list_(turn),
        "annotations": arrow.list_(arrow.struct([(name, text) for name in names])),
        **dict.fromkeys(("attempts", "prompt_tokens", "completion_tokens", "cached"), number),
        "money": arrow.float64(),
    }
    return arrow.schema([(name, kinds.get(name, text)) for name in COLUMNS])


COLUMNS = (
    "id", "dialogue", "index", "group", "corpus", "lang", "licence", "context", "turns", "responder",
    "target", "annotations", "teacher", "model", "prompt", "request", "sampling", "time", "attempts",
    "prompt_tokens", "completion_tokens", "money", "cached",
)  # fmt: skip
"""The columns, in order."""


class _Sink:
    """What pyarrow writes to: keeps bytes until they are taken."""

    closed = False

    def __init__(self) -> None:
        self._held = bytearray()
        self._taken = 0

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held += piece
        return len(piece)

    def tell(self) -> int:
        return self._taken + len(self._held)

    def flush(self) -> None:
        """Nothing lies between this and its reader."""

    def close(self) -> None:
        self.closed = True

    def drained(self) -> bytes:
        """Return what was written since the last time."""
        held = bytes(self._held)
        self._taken += len(held)
        self._held.clear()
        return held
