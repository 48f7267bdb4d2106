"""Our own format: one `Dialogue` a line, UTF-8, as JSON.

The shortest line that works:

    {"turns": [{"speaker": "Ana", "text": "I lost my keys."}]}
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.record import Record
from skillofmind.data.files import open_binary, source_name

_DIALOGUE = msgspec.json.Decoder(Dialogue)
_BOM = b"\xef\xbb\xbf"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)
_TURNS = re.compile(rb'\s*\[\s*(?:\]|\{[^{}\[\]]*"(?:speaker|text)"\s*:)')


class Rejected(Record, frozen=True):
    """A row that is not a dialogue: where it stands and why, in one sentence with the fix."""

    source: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.reason}"


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file of ours, compressed or not.

    Raises:
        DataError: the file cannot be read.
    """
    with open_binary(path) as file:
        yield from read_jsonl(file, source_name(path))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has turns with speakers and texts."""
    fields = first_fields(head)
    return head.removeprefix(_BOM).lstrip()[:1] == b"{" and bool(_TURNS.match(fields.get("turns", b"")))


def first_fields(head: bytes) -> dict[str, bytes]:
    """Return field -> what stands from its value on, for the first JSON object of a file.

    The object may be cut off, and may be the first element of an array.

        >>> sorted(first_fields(b'[{"id": 1, "turns": [{"speaker": "A", "te'))
        ['id', 'turns']
    """
    text = head.removeprefix(_BOM).lstrip()
    start = re.match(rb"\[?\s*\{", text)
    found: dict[str, bytes] = {}
    depth, key = 1, b""
    for token in _TOKEN.finditer(text, start.end()) if start else ():
        sign = token[0]
        depth += (sign in b"{[") - (sign in b"}]")
        if depth == 0:
            break
        if depth == 1 and sign == b":":
            found[key[1:-1].decode("utf-8", "replace")] = text[token.end() :]
        elif sign[:1] == b'"':
            key = sign
    return found


def read_jsonl(lines: Iterable[bytes], source: str) -> Iterator[Dialogue | Rejected]:
    """Yield a dialogue, or a rejection, for every line that is not blank.

    Args:
        lines: raw lines, with or without their line ends.
        source: name for messages and for the ids of dialogues that have none (`<source>:<line>`).
    """
    return (row for _, row in numbered(lines, source))


def numbered(lines: Iterable[bytes], source: str) -> Iterator[tuple[int, Dialogue | Rejected]]:
    """Yield (line, row) as `read_jsonl` does."""
    for number, line in enumerate(lines, 1):
        text = (line.removeprefix(_BOM) if number == 1 else line).strip()
        if text:
            yield number, _decode(text, source, number)


def _decode(text: bytes, source: str, number: int) -> Dialogue | Rejected:
    try:
        text.decode("utf-8")
        dialogue = _DIALOGUE.decode(text)
    except UnicodeDecodeError as error:
        byte = text[error.start]
        return Rejected(source, number, f"byte 0x{byte:02x} is not UTF-8; save the file as UTF-8.")
    except msgspec.ValidationError as error:
        return Rejected(source, number, f"not a dialogue: {error}; each turn needs `speaker` and `text`.")
    except (msgspec.DecodeError, RecursionError) as error:
        return Rejected(source, number, f"not JSON: {error}; write one JSON object a line.")
    fault = dialogue_fault(dialogue)
    if fault:
        return Rejected(source, number, fault)
    return dialogue if dialogue.id else msgspec.structs.replace(dialogue, id=f"{source}:{number}")


def dialogue_fault(dialogue: Dialogue) -> str:
    """Return why `dialogue` cannot be used, in one sentence, or "" when it can."""
    if not dialogue.turns:
        return "the dialogue has no turns; give at least one."
    for index, turn in enumerate(dialogue.turns):
        if not turn.speaker.strip():
            return f"turn {index + 1} has no speaker; name who says {turn.text[:40]!r}."
    return ""


def write_jsonl(dialogues: Iterable[Dialogue]) -> Iterator[bytes]:
    """Yield each dialogue as one line of bytes, line end included."""
    for dialogue in dialogues:
        yield msgspec.json.encode(dialogue) + b"\n"
