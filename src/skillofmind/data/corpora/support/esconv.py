"""ESConv: someone in distress talks with a trained supporter, who names the strategy of every turn.

Paper: arXiv 2106.01144. Licence: CC BY-NC 4.0 ("academic research use only").

Two shapes, as JSONL or a JSON array:
- authors' repository: `dialog` [{speaker, annotation {strategy, feedback}, content}] with speakers
  `seeker` and `supporter`, in the failed part `speaker` and `listener`;
- Hugging Face: `dialog` [{text, speaker "usr" or "sys", strategy}].

| source | becomes |
|---|---|
| `text` or `content` | turns; speakers are `seeker` and `supporter` in both shapes |
| `strategy` | label `esconv.strategy` (annotator `supporter`), as spelled |
| `feedback` 1-5 | label `esconv.feedback` (annotator `seeker`), on the turn it stands on |
| `situation`, `emotion_type`, `problem_type` | `context.situation`, `.emotion`, `.topic` |
| `experience_type` | `context.extra` |
| `survey_score`, `seeker_question*`, `supporter_question*` | `meta` |
| a file named `failed` | `meta["failed"]` |
| file and line | id `esconv:<file>:<line>` |

Pitfalls: turns of one speaker follow one another and are kept as they are. Spellings of strategies
differ between the shapes (Question and Questions, Others and Other). Parts of the survey may be missing.
`feedback` rates what the supporter said before.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys, split_of, stem
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

STRATEGY = "esconv.strategy"
FEEDBACK = "esconv.feedback"

_ROLES = {
    "usr": "seeker",
    "seeker": "seeker",
    "speaker": "seeker",
    "sys": "supporter",
    "supporter": "supporter",
    "listener": "supporter",
}


class _Annotation(Record, frozen=True, forbid_unknown_fields=False):
    strategy: str | None = None
    feedback: str | None = None


class _Said(Record, frozen=True, forbid_unknown_fields=False):
    speaker: str
    text: str | None = None
    content: str | None = None
    strategy: str | None = None
    annotation: _Annotation = _Annotation()


class _Conversation(Record, frozen=True, forbid_unknown_fields=False):
    dialog: tuple[_Said, ...]
    situation: str | None = None
    emotion_type: str | None = None
    problem_type: str | None = None
    experience_type: str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of a file or of a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), json_objects, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys of either shape."""
    return has_keys(head, "emotion_type", "problem_type", "experience_type", "dialog")


def _dialogue(row: Row) -> Dialogue | Rejected:
    found = msgspec.convert(row.value, _Conversation)
    turns = []
    for number, (said, source) in enumerate(zip(found.dialog, row.value["dialog"], strict=True), 1):
        turn = _turn(said, source)
        if turn is None:
            return row.rejected(
                f"turn {number} has no text or is of {said.speaker!r}, who is not of the corpus."
            )
        turns.append(turn)
    extra = {"experience_type": found.experience_type} if found.experience_type else {}
    failed = {"failed": True} if "failed" in stem(row.path).lower() else {}
    return Dialogue(
        turns=tuple(turns),
        context=SocialContext(
            situation=found.situation, emotion=found.emotion_type, topic=found.problem_type, extra=extra
        ),
        id=f"esconv:{row.place}",
        speakers=(
            Speaker("seeker", role="seeker", human=True),
            Speaker("supporter", role="supporter", human=True),
        ),
        corpus="esconv",
        split=split_of(row.path),
        lang="en",
        licence="CC BY-NC 4.0",
        scenario="emotional support",
        meta={**failed, **rest(row.value, _Conversation)},
    )


def _turn(said: _Said, source: dict[str, Any]) -> Turn | None:
    """Return the turn; `None` where the speaker is unknown or nothing is said."""
    text = said.text if said.text is not None else said.content
    who = _ROLES.get(said.speaker)
    if who is None or text is None or not text.strip():
        return None
    strategy = said.strategy if said.strategy is not None else said.annotation.strategy
    labels = []
    if strategy is not None:
        labels.append(Label(STRATEGY, strategy, annotator="supporter"))
    if said.annotation.feedback is not None:
        labels.append(Label(FEEDBACK, said.annotation.feedback, annotator="seeker"))
    meta = rest(source, _Said) | rest(source.get("annotation", {}), _Annotation)
    return Turn(who, text, labels=tuple(labels), meta=meta)
