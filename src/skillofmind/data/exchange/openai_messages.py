"""OpenAI chat messages: `{"messages": [{"role": "user", "content": "Hi"}, ...]}` or a bare list, one a line.

Read and written alike: texts, order, ids, speakers, `context.text` (the opening system message; `developer`
counts as one and is written as `system`), pictures. A picture with an address is an `image_url` part; one
without has only its description, in the field `skillofmind`, as have all other fields of a dialogue. Several
text parts become one text, joined by line breaks; such content is kept in `meta["content"]` of the turn.
`write(..., plain=True)` leaves `skillofmind` out, for services that refuse unknown fields.

The agent is whoever is known as one (`human` is false, or the role says so), else the speaker of the last
turn.

    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, Image, Turn
from skillofmind.core.errors import DataError
from skillofmind.data.exchange.chat import Wire, Words, dialogue_of, row_of
from skillofmind.data.exchange.rows import as_rows, json_rows
from skillofmind.data.files import source_name
from skillofmind.data.jsonl import Rejected, first_fields
from skillofmind.run.atomic import write_lines_atomic

_BARE = re.compile(rb'^\s*\[\s*\{\s*"(?:role"\s*:|content"\s*:.{0,4000}?"role"\s*:)', re.DOTALL)


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file with one list of messages a line, or an array of such rows.

    Raises:
        DataError: the file cannot be read or is empty.
    """
    source = source_name(path)
    for line, value in json_rows(path):
        yield dialogue_of(WIRE, value, source, line)


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has messages with roles."""
    listed = first_fields(head).get("messages", b"").lstrip()[:1] == b"["
    return listed or bool(_BARE.match(head.removeprefix(b"\xef\xbb\xbf")))


def write(dialogues: Iterable[Dialogue], path: Path, *, plain: bool = False) -> None:
    """Write one row a line, whole or not at all, in constant memory.

    Raises:
        StorageError: the disk said no; `path` is as it was.
    """
    write_lines_atomic(path, lines(dialogues, plain=plain))


def lines(dialogues: Iterable[Dialogue], *, plain: bool = False) -> Iterator[bytes]:
    """Yield one row a dialogue as a line."""
    return (as_rows(row_of(WIRE, dialogue, plain=plain)) for dialogue in dialogues)


def _content(content: Any) -> tuple[str, tuple[Image, ...]]:
    if content is None or isinstance(content, str):
        return content or "", ()
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise DataError(f"the content {str(content)[:40]!r} is neither text nor a list of parts.")
    texts = [part["text"] for part in content if isinstance(part.get("text"), str)]
    links = [part["image_url"] for part in content if "image_url" in part]
    uris = [link.get("url") if isinstance(link, dict) else link for link in links]
    return "\n".join(texts), tuple(Image("", uri) for uri in uris if isinstance(uri, str))


def _written(turn: Turn) -> Any:
    uris = [image.uri for image in turn.images if image.uri]
    if not uris:
        return turn.text
    pictures = [{"type": "image_url", "image_url": {"url": uri}} for uri in uris]
    return [*([{"type": "text", "text": turn.text}] if turn.text else []), *pictures]


WIRE = Wire(
    turns="messages",
    words=Words("role", "content"),
    user="user",
    assistant="assistant",
    system=("system", "developer"),
    tools=frozenset({"tool", "function"}),
    name="name",
    content=_content,
    written=_written,
)
"""The words of this format."""
