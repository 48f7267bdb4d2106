"""SocialDial, human-written part: Chinese dialogues in which a social norm is kept or broken.

Paper: SIGIR 2023, doi 10.1145/3539618.3591877. Licence: none in the repository; research use, do not
publish again.

`human_dialogue_data.json` is JSON objects one after another, not an array; JSONL and arrays are read
too. Keys: `Social Relation`, `Social Distance`, `Formality`, `Location`, `Topic`, `Norm Rule`
{norm_type, action, context, index}, `Dialogue` [{Utterance, Emotion, Violation Tag, Translation}], `ID`.

| source | becomes |
|---|---|
| `Utterance` | turns; A and B speak in turn |
| `Violation Tag` (`None`, `violation`, `adherence`) | label `socialdial.violation`, as spelled |
| `Emotion` (53 spellings) | label `socialdial.emotion`, as spelled |
| `Translation` other than `None` | `Turn.meta["translation"]` |
| `Social Relation`, `Topic` | `context.relationship`, `.topic` |
| `Norm Rule.action` | `context.norm` |
| `Norm Rule.norm_type` and `.context`, distance, formality, location | `context.extra` |
| `ID` | id `socialdial:<ID>` |

Pitfall: the source does not name the speakers; that they take turns is our reading.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.persona.two_sided import empty_turn
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

VIOLATION = "socialdial.violation"
EMOTION = "socialdial.emotion"


class _Said(
    Record,
    frozen=True,
    forbid_unknown_fields=False,
    rename={
        "text": "Utterance",
        "emotion": "Emotion",
        "violation": "Violation Tag",
        "translation": "Translation",
    },
):
    text: str
    emotion: str | None = None
    violation: str | None = None
    translation: str | None = None


class _Norm(Record, frozen=True, forbid_unknown_fields=False):
    norm_type: str = ""
    action: str = ""
    context: str = ""


class _Source(
    Record,
    frozen=True,
    forbid_unknown_fields=False,
    rename={
        "dialogue": "Dialogue",
        "relation": "Social Relation",
        "distance": "Social Distance",
        "formality": "Formality",
        "location": "Location",
        "topic": "Topic",
        "norm": "Norm Rule",
        "id": "ID",
    },
):
    dialogue: tuple[_Said, ...]
    norm: _Norm = _Norm()
    relation: str | None = None
    distance: str = ""
    formality: str = ""
    location: str = ""
    topic: str | None = None
    id: int | str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys."""
    return has_keys(head, "Norm Rule", "Violation Tag", "Utterance")


def _dialogue(row: Row) -> Dialogue | Rejected:
    found = msgspec.convert(row.value, _Source)
    fault = empty_turn([said.text for said in found.dialogue])
    if fault:
        return row.rejected(fault)
    extra = {
        "norm_type": found.norm.norm_type,
        "norm_context": found.norm.context,
        "social_distance": found.distance,
        "formality": found.formality,
        "location": found.location,
    }
    sources = zip(found.dialogue, row.value["Dialogue"], strict=True)
    return Dialogue(
        turns=tuple(_turn(n, said, source) for n, (said, source) in enumerate(sources)),
        context=SocialContext(
            relationship=found.relation,
            topic=found.topic,
            norm=found.norm.action or None,
            extra={key: value for key, value in extra.items() if value},
        ),
        id=f"socialdial:{row.place if found.id is None else found.id}",
        speakers=(Speaker("A"), Speaker("B")),
        corpus="socialdial",
        lang="zh",
        licence="not stated; research use",
        scenario="social norms",
        meta={**rest(row.value.get("Norm Rule", {}), _Norm), **rest(row.value, _Source)},
    )


def _turn(index: int, said: _Said, source: dict[str, Any]) -> Turn:
    given = {VIOLATION: said.violation, EMOTION: said.emotion}
    translated = {"translation": said.translation} if said.translation not in (None, "", "None") else {}
    return Turn(
        "AB"[index % 2],
        said.text,
        labels=tuple(Label(scheme, value) for scheme, value in given.items() if value is not None),
        meta={**translated, **rest(source, _Said)},
    )
