"""CIMA: crowd workers teach a few words of Italian; several of them answer the same moment of a lesson.

Paper: Stasaski et al., BEA 2020. Licence: CC BY 2.5.

`dataset.json` is one object, part -> key -> exercise (held in memory: 1.5 MB); JSONL has one exercise a
line with `part` and `key`. An exercise has `past_convo` (tutor first, then in turn), `tutorResponses`
(about three tutors' replies), `tutorActions` (five flags a reply), `studentActions` (four flags),
`grammarRules`, and the words to learn.

| source | becomes |
|---|---|
| each reply | a dialogue: `past_convo` and the reply, id `cima:<part>:<key>:<n>` |
| `tutorActions` | labels `cima.tutor_action` of the reply |
| `studentActions` | labels `cima.student_action` of the last student turn |
| `img`, `engPrep`, `engColor`, `engObj` | a picture on the first turn; `context.situation` in our words |
| `prep`, `color`, `obj` and the English ones | `context.extra` |
| `grammarRules` (JSON text, not always whole) and the rest | `meta` |
| part and key | `meta["exercise"]` |

Pitfalls: replies to one exercise share everything before them. Split by `meta["exercise"]`, not by id.
An exercise without replies gives one dialogue that ends with the student, id `cima:<part>:<key>`. Flags
may be strings. The labels of the last student turn come once with every reply.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from skillofmind.core.dialogue import Dialogue, Image, Label, SocialContext, Speaker, Turn
from skillofmind.core.record import Record
from skillofmind.data.corpora.folder import files_of, has_keys
from skillofmind.data.corpora.json_rows import json_objects
from skillofmind.data.corpora.persona.two_sided import empty_turn
from skillofmind.data.corpora.rows import Row, dialogues, rest
from skillofmind.data.jsonl import Rejected

TUTOR_ACTION = "cima.tutor_action"
STUDENT_ACTION = "cima.student_action"
TUTOR_ACTIONS = ("Question", "Hint/Information reveal", "Correction", "Confirmation", "Other")
STUDENT_ACTIONS = ("Guess", "Question", "Affirmation", "Other")

_WORDS = ("prep", "engPrep", "obj", "engObj", "color", "engColor")


class _Exercise(Record, frozen=True, forbid_unknown_fields=False):
    past_convo: tuple[str, ...]
    tutorResponses: tuple[str, ...] = ()
    tutorActions: tuple[tuple[bool | str, ...], ...] = ()
    studentActions: tuple[bool | str, ...] = ()
    img: str = ""
    prep: str = ""
    engPrep: str = ""
    obj: str = ""
    engObj: str = ""
    color: str = ""
    engColor: str = ""


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield a dialogue for every tutor's reply in a file or in a folder's JSON files.

    Raises:
        DataError: a file is missing or unreadable.
    """
    yield from dialogues(files_of(path, "*.json", "*.jsonl"), _replies, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the keys of an exercise."""
    return has_keys(head, "past_convo", "tutorResponses", "tutorActions")


def _replies(path: Path) -> Iterator[Row | Rejected]:
    """Yield the exercise once for every reply, with the number of the reply."""
    for row in json_objects(path):
        for exercise in [row] if isinstance(row, Rejected) else _exercises(row):
            if isinstance(exercise, Rejected):
                yield exercise
                continue
            replies = exercise.value.get("tutorResponses")
            count = len(replies) if isinstance(replies, list) else 0
            for number in range(1, count + 1) if count else [0]:
                yield msgspec.structs.replace(exercise, value={**exercise.value, "reply": number})


def _exercises(row: Row) -> Iterator[Row | Rejected]:
    if "past_convo" in row.value:
        yield row
        return
    for part, exercises in row.value.items():
        for key, value in (exercises if isinstance(exercises, dict) else {"": None}).items():
            if isinstance(value, dict):
                yield msgspec.structs.replace(row, value={"part": part, "key": key, **value})
            else:
                yield row.rejected(f"{part!r} is neither an exercise nor holds exercises.")


def _dialogue(row: Row) -> Dialogue | Rejected:
    found = msgspec.convert(row.value, _Exercise)
    fault = _fault(found)
    if fault:
        return row.rejected(fault)
    part, key = str(row.value.get("part", row.path.name)), str(row.value.get("key", row.line))
    number = row.value["reply"]
    return Dialogue(
        turns=_turns(found, number),
        context=SocialContext(
            situation=f"The student says in Italian what a picture shows: it {_phrase(found)}.",
            roles="The tutor helps the student to find the words without giving the answer away at once.",
            extra={word: getattr(found, word) for word in _WORDS},
        ),
        id=f"cima:{part}:{key}" + (f":{number}" if number else ""),
        speakers=(Speaker("tutor", role="tutor", human=True), Speaker("student", role="student", human=True)),
        responder=None if number else "tutor",
        corpus="cima",
        lang="en",
        licence="CC BY 2.5",
        scenario="language lesson",
        meta={"exercise": f"{part}:{key}", **rest(row.value, _Exercise, "part", "key", "reply")},
    )


def _fault(found: _Exercise) -> str:
    if len(found.tutorActions) != len(found.tutorResponses):
        return f"{len(found.tutorResponses)} replies have {len(found.tutorActions)} rows of actions."
    if any(len(flags) != len(TUTOR_ACTIONS) for flags in found.tutorActions):
        return f"a reply has other than {len(TUTOR_ACTIONS)} flags of action."
    if len(found.studentActions) not in (0, len(STUDENT_ACTIONS)):
        return f"the student has {len(found.studentActions)} flags of action, not {len(STUDENT_ACTIONS)}."
    if len(found.past_convo) % 2:
        return "the conversation does not end with the student; tutor and student speak in turn."
    return empty_turn((*found.past_convo, *found.tutorResponses))


def _turns(found: _Exercise, number: int) -> tuple[Turn, ...]:
    past = found.past_convo
    turns = [Turn(("tutor", "student")[n % 2], text) for n, text in enumerate(past)]
    if turns:
        labels = _labels(STUDENT_ACTION, STUDENT_ACTIONS, found.studentActions)
        turns[-1] = msgspec.structs.replace(turns[-1], labels=labels)
        turns[0] = msgspec.structs.replace(turns[0], images=_picture(found))
    if number:
        labels = _labels(TUTOR_ACTION, TUTOR_ACTIONS, found.tutorActions[number - 1])
        turns.append(Turn("tutor", found.tutorResponses[number - 1], labels=labels))
    return tuple(turns)


def _labels(scheme: str, names: Sequence[str], flags: Sequence[Any]) -> tuple[Label, ...]:
    given = zip(names, flags, strict=False)
    return tuple(Label(scheme, name) for name, flag in given if str(flag).lower() == "true")


def _picture(found: _Exercise) -> tuple[Image, ...]:
    uri = found.img.strip('"')
    return (Image(description=f"Something {_phrase(found)}.", uri=uri),) if uri else ()


def _phrase(found: _Exercise) -> str:
    return " ".join(word for word in (found.engPrep, found.engColor, found.engObj) if word)
