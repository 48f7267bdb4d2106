"""ShareGPT: `{"conversations": [{"from": "human", "value": "Hi"}, ...]}`, one a line or one JSON array.

Read and written alike: texts, order, ids, speakers, `context.text` (the opening `system` message, or the
row's field `system`). Rows whose messages say `role` and `content` are read, too. `tool`, `function_call`
and `observation` are no turns: they stay in `meta`. Pictures that are listed in `image` or `images` of the
row belong to the turns whose texts say `<image>`, when there are as many; the format has no other place
for them, so that on writing they are in the field `skillofmind` with everything else.

    {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Image, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.exchange.chat import REST, Wire, Words, dialogue_of, row_of
from skillofmind.data.exchange.rows import as_array, as_rows, json_rows
from skillofmind.data.files import source_name
from skillofmind.data.jsonl import Rejected, first_fields
from skillofmind.run.atomic import write_lines_atomic

_MARK = "<image>"


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file with one row a line, or of a JSON array, which is streamed as well.

    Raises:
        DataError: the file cannot be read or is empty.
    """
    source = source_name(path)
    for line, value in json_rows(path):
        found = dialogue_of(WIRE, value, source, line)
        pictured = isinstance(found, Dialogue) and isinstance(value, dict) and REST not in value
        yield _with_images(found, value) if isinstance(found, Dialogue) and pictured else found


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has conversations with `from`."""
    return first_fields(head).get("conversations", b"").lstrip()[:1] == b"["


def write(dialogues: Iterable[Dialogue], path: Path, *, plain: bool = False) -> None:
    """Write one JSON array where `path` ends in `.json`, else a row a line; whole or not at all.

    Raises:
        StorageError: the disk said no; `path` is as it was.
    """
    if path.suffix == ".json":
        write_lines_atomic(path, as_array(row_of(WIRE, one, plain=plain) for one in dialogues))
    else:
        write_lines_atomic(path, lines(dialogues, plain=plain))


def lines(dialogues: Iterable[Dialogue], *, plain: bool = False) -> Iterator[bytes]:
    """Yield one row a dialogue as a line."""
    return (as_rows(row_of(WIRE, dialogue, plain=plain)) for dialogue in dialogues)


def _with_images(dialogue: Dialogue, row: dict[str, Any]) -> Dialogue:
    listed = row.get("images") or row.get("image") or []
    uris = [uri for uri in (listed if isinstance(listed, list) else [listed]) if isinstance(uri, str)]
    if not uris or sum(turn.text.count(_MARK) for turn in dialogue.turns) != len(uris):
        return dialogue
    left = iter(uris)
    turns = tuple(
        msgspec.structs.replace(
            turn, images=tuple(Image("", next(left)) for _ in range(turn.text.count(_MARK)))
        )
        for turn in dialogue.turns
    )
    return msgspec.structs.replace(dialogue, turns=turns)


def _content(content: Any) -> tuple[str, tuple[Image, ...]]:
    if content is None or isinstance(content, str):
        return content or "", ()
    raise DataError(f"the value {str(content)[:40]!r} is no text; each message needs `from` and `value`.")


def _written(turn: Turn) -> Any:
    return turn.text


WIRE = Wire(
    turns="conversations",
    words=Words("from", "value"),
    user="human",
    assistant="gpt",
    system=("system",),
    tools=frozenset(
        {"tool", "function", "function_call", "function_response", "observation", "tool_response"}
    ),
    name="",
    content=_content,
    written=_written,
)
"""The words of this format."""
