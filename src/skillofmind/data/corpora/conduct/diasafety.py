"""DiaSafety: is this answer safe in this context? Five kinds of unsafety that the context decides.

Paper: arXiv 2110.08466. Licence: Apache-2.0.

JSON objects {context, response, category, label}, as JSONL or an array.

| source | becomes |
|---|---|
| `context`, `response` | two turns, of `user` and `responder` |
| `label` Safe or Unsafe | label `diasafety.safety` of the answer |
| `category` | label `diasafety.category` of the answer |
| file and line | id `diasafety:<file>:<line>` |

Pitfalls: some answers are people's and some are models', and the source does not say which. Contexts
recur with other answers. A few rows have an empty side and are rejected. Offensive text.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys, split_of
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

SAFETY = "diasafety.safety"
CATEGORY = "diasafety.category"


class _Pair(Record, frozen=True, forbid_unknown_fields=False):
    context: str
    response: str
    category: str
    label: str


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the pairs of a file or of a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys and a verdict."""
    verdict = b'"Safe"' in head or b'"Unsafe"' in head
    return verdict and has_keys(head, "context", "response", "category", "label")


def _dialogue(row: Row) -> Dialogue | Rejected:
    pair = msgspec.convert(row.value, _Pair)
    if not pair.context.strip() or not pair.response.strip():
        return row.rejected("the context or the response is empty; both need text.")
    labels = Label(SAFETY, pair.label), Label(CATEGORY, pair.category)
    return Dialogue(
        turns=(Turn("user", pair.context), Turn("responder", pair.response, labels=labels)),
        id=f"diasafety:{row.place}",
        speakers=(Speaker("user", role="user"), Speaker("responder", role="responder")),
        corpus="diasafety",
        split=split_of(row.path),
        lang="en",
        licence="Apache-2.0",
        scenario="conversational safety",
        meta=rest(row.value, _Pair),
    )
