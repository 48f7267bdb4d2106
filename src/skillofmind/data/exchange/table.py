"""Tables with one turn a row: CSV and TSV with the standard library, Parquet through the extra `data`.

A column map says which column is what: `{"dialogue": "conv_id", "speaker": "who", "text": "said"}`. Without
one, columns are taken by their usual names (`NAMES`). Columns without a meaning go to `meta` of the turn.
Rows of a dialogue stand together; a dialogue that comes back later, or has a row without text or speaker, is
rejected as a whole, because a dialogue with a hole is another dialogue. Without a dialogue column the table
is one dialogue.

A Parquet file whose rows hold `messages` or `conversations` is read as chat rows, one with `turns` as ours.

    conversation_id,speaker,text
    1,Ana,I lost my keys.
    1,Ben,Again?
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from skillofmind.core.dialogue import Dialogue, SocialContext, Turn
from skillofmind.core.errors import DataError, MissingExtra
from skillofmind.data.exchange import openai_messages, sharegpt
from skillofmind.data.exchange.chat import dialogue_of
from skillofmind.data.files import open_binary, source_name
from skillofmind.data.jsonl import Rejected, dialogue_fault, read_jsonl
from skillofmind.data.seen import Seen

NAMES: dict[str, tuple[str, ...]] = {
    "dialogue": (
        "dialogue",
        "dialogue_id",
        "dialog_id",
        "conversation_id",
        "conv_id",
        "conversation",
        "dialog",
        "chat_id",
        "thread_id",
        "session_id",
    ),
    "speaker": ("speaker", "speaker_id", "speaker_name", "author", "user", "role", "from", "sender", "name"),
    "text": ("text", "utterance", "message", "content", "body", "value", "turn_text"),
    "context": ("context", "situation", "social_context"),
    "lang": ("lang", "language"),
    "split": ("split",),
}
"""What a column can mean, and the names it usually has, first choice first; case does not matter."""

LONGEST_FIELD = 16 << 20
"""Longest field of a CSV file in characters: a quote that is never closed ends here at the latest."""

_PARQUET = b"PAR1"
_BATCH = 2048
_CHAT = {"messages": openai_messages.WIRE, "conversations": sharegpt.WIRE}


class _Row(NamedTuple):
    """One turn: line, dialogue (`None` where the table is one), values by meaning, others, what is wrong."""

    line: int
    dialogue: str | None
    values: dict[str, str | None]
    meta: dict[str, Any]
    fault: str = ""


def read(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a table.

    Args:
        path: the file.
        columns: meaning (a key of `NAMES`) -> column; guessed where `None`.

    Raises:
        DataError: no table, or no column for the text or the speaker.
        MissingExtra: Parquet without the package `pyarrow`.
    """
    if _is_parquet(path):
        yield from _read_parquet(path, columns)
        return
    with open_binary(path) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        yield from _grouped(_csv_rows(text, source_name(path), columns), source_name(path))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether it is Parquet, or its first line names columns for speaker and text."""
    if head.startswith(_PARQUET):
        return True
    first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace")
    if first.lstrip().startswith(("{", "[")):
        return False
    found = guess(next(csv.reader([first], delimiter=_delimiter(first)), []))
    return {"speaker", "text"} <= set(found)


def guess(names: list[str]) -> dict[str, str]:
    """Return meaning -> column for the columns whose names say what they are."""
    plain = {re.sub(r"[\s-]+", "_", name.strip().lower()): name for name in reversed(names)}
    found = {}
    for meaning, usual in NAMES.items():
        column = next((plain[name] for name in usual if name in plain), None)
        if column is not None:
            found[meaning] = column
    return found


def _is_parquet(path: Path) -> bool:
    # A pipe can be read once only, and Parquet cannot be read from one.
    if not path.is_file():
        return False
    with open_binary(path) as file:
        return file.read(4) == _PARQUET


def _delimiter(line: str) -> str:
    return max(",\t;|", key=line.count)


def _checked(columns: Mapping[str, str] | None, names: list[str], source: str) -> dict[str, str]:
    found = dict(columns) if columns is not None else guess(names)
    listed = ", ".join(map(repr, names[:20]))
    for meaning, column in found.items():
        if meaning not in NAMES or column not in names:
            what = "column" if meaning in NAMES else "meaning"
            wrong = column if meaning in NAMES else meaning
            raise DataError(f"{source}: there is no {what} {wrong!r}; columns are {listed}.")
    for meaning in ("speaker", "text"):
        if meaning not in found:
            raise DataError(
                f"{source}: no column for the {meaning} among {listed}; say which with --columns."
            )
    return found


def _csv_rows(text: io.TextIOWrapper, source: str, columns: Mapping[str, str] | None) -> Iterator[_Row]:
    before, line = csv.field_size_limit(LONGEST_FIELD), 1
    try:
        first = text.readline()
        names = next(csv.reader([first], delimiter=_delimiter(first)), [])
        meanings, reader = _checked(columns, names, source), csv.reader(text, delimiter=_delimiter(first))
        for cells in reader:
            start, line = line + 1, reader.line_num + 1
            if cells:
                fault = "" if len(cells) == len(names) else f"it has {len(cells)} fields, not {len(names)}"
                yield _row(start, dict(zip(names, cells, strict=False)), meanings, fault)
    except UnicodeDecodeError as error:
        yield _Row(line + 1, None, {}, {}, f"it is not UTF-8 ({error.reason}), and the rest was not read")
    except csv.Error as error:
        yield _Row(line + 1, None, {}, {}, f"it is not CSV ({error}), and the rest was not read")
    finally:
        csv.field_size_limit(before)


def _row(line: int, cells: dict[str, Any], meanings: dict[str, str], fault: str = "") -> _Row:
    values = {meaning: _text(cells.get(column)) for meaning, column in meanings.items()}
    dialogue = values.pop("dialogue", "" if "dialogue" in meanings else None)
    taken = set(meanings.values())
    meta = {name: value for name, value in cells.items() if name not in taken and value not in (None, "")}
    if values.get("text") is None:
        fault = fault or "it has no text"
    if not (values.get("speaker") or "").strip():
        fault = fault or "it has no speaker"
    if "dialogue" in meanings and not dialogue:
        fault = fault or "it names no dialogue"
    return _Row(line, dialogue, values, meta, fault)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)


def _grouped(rows: Iterator[_Row], source: str) -> Iterator[Dialogue | Rejected]:
    """Put the rows of each dialogue together."""
    seen = Seen()
    for key, group in groupby(rows, key=lambda row: row.dialogue):
        together = list(group)
        if key and not seen.add(key):
            reason = f"dialogue {key!r} has rows further up, too; sort the table by dialogue."
            yield Rejected(source, together[0].line, reason)
            continue
        yield _dialogue(key, together, source)


def _dialogue(key: str | None, rows: list[_Row], source: str) -> Dialogue | Rejected:
    bad = next((row for row in rows if row.fault), None)
    if bad is not None:
        return Rejected(
            source, bad.line, f"the row cannot be used: {bad.fault}; its dialogue {key!r} is left out."
        )
    first = rows[0].values
    turns = tuple(
        Turn(
            row.values["speaker"] or "", row.values["text"] or "", lang=row.values.get("lang"), meta=row.meta
        )
        for row in rows
    )
    langs = {turn.lang for turn in turns}
    if len(langs) == 1:
        turns = tuple(msgspec.structs.replace(turn, lang=None) for turn in turns)
    found = Dialogue(
        turns,
        context=SocialContext(text=first.get("context") or None),
        id=key or f"{source}:{rows[0].line}",
        split=first.get("split") or None,
        lang=(langs.pop() or "") if len(langs) == 1 else "",
    )
    fault = dialogue_fault(found)
    return Rejected(source, rows[0].line, fault) if fault else found


def _read_parquet(path: Path, columns: Mapping[str, str] | None) -> Iterator[Dialogue | Rejected]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra(f"{path}: pyarrow is missing; run: pip install 'skillofmind[data]'.") from error
    source = source_name(path)
    try:
        with parquet.ParquetFile(path, memory_map=False) as file:
            names = list(file.schema_arrow.names)
            rows = (row for batch in file.iter_batches(_BATCH) for row in batch.to_pylist())
            yield from _from_rows(enumerate(rows, 1), names, source, columns)
    except (arrow.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a sound Parquet file ({error}); get it again.") from error


def _from_rows(
    rows: Iterator[tuple[int, dict[str, Any]]],
    names: list[str],
    source: str,
    columns: Mapping[str, str] | None,
) -> Iterator[Dialogue | Rejected]:
    chat = next((name for name in _CHAT if name in names), None) if columns is None else None
    if chat is not None:
        for number, row in rows:
            yield dialogue_of(_CHAT[chat], _without_nulls(row), source, number)
    elif columns is None and "turns" in names:
        for number, row in rows:
            yield from read_jsonl([msgspec.json.encode(_without_nulls(row))], f"{source}:{number}")
    else:
        meanings = _checked(columns, names, source)
        yield from _grouped((_row(number, row, meanings) for number, row in rows), source)


def _without_nulls(value: Any) -> Any:
    """Return `value` without fields that are null: Parquet gives every row all fields."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
