"""AnnoMI: motivational interviewing, transcribed from videos and annotated by experts.

Papers: ICASSP 2022, doi 10.1109/ICASSP43922.2022.9746035; Future Internet 2023, 15(3):110. Licence: none
in the repository; research use, do not publish again.

`AnnoMI-full.csv`: one row for each utterance and annotator. Most transcripts have one annotator; seven
have ten, who worked independently, and so ten rows an utterance. `AnnoMI-simple.csv` has no
`annotator_id` and is read as well.

| source | becomes |
|---|---|
| rows with one `transcript_id` | a dialogue, id `annomi:<transcript_id>` |
| `interlocutor`, `utterance_text` | turns of `therapist` and `client` |
| `main_therapist_behaviour` | label `annomi.therapist_behaviour` |
| `therapist_input_subtype`, `reflection_subtype`, `question_subtype` | labels `annomi.therapist_input`, ... |
| `client_talk_type` | label `annomi.client_talk` |
| `annotator_id` | `Label.annotator`: with ten annotators a turn has ten labels of a scheme |
| `topic` | `context.topic` |
| `mi_quality`, `video_title`, `video_url` | `meta` |
| `utterance_id`, `timestamp` | `Turn.meta` |

`n/a` is no label. The `*_exists` columns say whether a subtype is given and follow from the labels; where
one contradicts its subtype it is kept in `Turn.meta["flags"]`, by annotator.

Pitfalls: rows of a transcript must be together and in order; `meta["annotators"]` counts the annotators.
`mi_quality` (`high` or `low`) is the quality of the therapist's work, seen by the end: it is no context.
"""

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from skillofmind.core.dialogue import Dialogue, Label, SocialContext, Speaker, Turn
from skillofmind.data.corpora.csv_rows import csv_rows
from skillofmind.data.corpora.folder import files_of
from skillofmind.data.corpora.rows import Row, dialogues
from skillofmind.data.jsonl import Rejected

BEHAVIOUR = "annomi.therapist_behaviour"
CLIENT_TALK = "annomi.client_talk"

_SCHEMES = {
    "main_therapist_behaviour": BEHAVIOUR,
    "therapist_input_subtype": "annomi.therapist_input",
    "reflection_subtype": "annomi.reflection",
    "question_subtype": "annomi.question",
    "client_talk_type": CLIENT_TALK,
}
_COLUMNS = ("transcript_id", "utterance_id", "interlocutor", "utterance_text")
_WHOLE = ("mi_quality", "topic", "video_title", "video_url", "transcript_id")
_FLAGS = ("therapist_input_exists", "reflection_exists", "question_exists")


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the transcripts of a csv file, or of `AnnoMI-full.csv` in a folder.

    Raises:
        DataError: the file is missing, unreadable, not csv or lacks a column.
    """
    yield from dialogues(files_of(path, "AnnoMI-full.csv"), _transcripts, _dialogue)


def looks_like(head: bytes, path: Path) -> bool:
    """Recognise the header."""
    header = head.partition(b"\n")[0]
    return all(name in header for name in (b"transcript_id", b"interlocutor", b"client_talk_type"))


def _transcripts(path: Path) -> Iterator[Row | Rejected]:
    """Yield the rows of each transcript as one, between the rows that are rejected."""
    for _, group in groupby(csv_rows(path, *_COLUMNS), partial(_transcript_of)):
        rows = []
        for row in group:
            if isinstance(row, Rejected):
                yield row
            else:
                rows.append(row)
        if rows:
            yield Row(path, rows[0].line, rows[0].line, {"rows": rows})


def _transcript_of(row: Row | Rejected) -> str:
    return "" if isinstance(row, Rejected) else row.value["transcript_id"]


def _dialogue(row: Row) -> Dialogue | Rejected:
    rows: list[Row] = row.value["rows"]
    said = [list(group) for _, group in groupby(rows, lambda found: found.value["utterance_id"])]
    for index, group in enumerate(said):
        fault = _fault(index, group)
        if fault:
            return row.rejected(fault)
    first = rows[0].value
    return Dialogue(
        turns=tuple(_turn(group) for group in said),
        context=SocialContext(topic=first.get("topic") or None),
        id=f"annomi:{first['transcript_id']}",
        speakers=(
            Speaker("therapist", role="therapist", human=True),
            Speaker("client", role="client", human=True),
        ),
        corpus="annomi",
        lang="en",
        licence="not stated; research use",
        scenario="motivational interviewing",
        meta={
            **{key: first[key] for key in ("mi_quality", "video_title", "video_url") if first.get(key)},
            "annotators": len({found.value.get("annotator_id") for found in rows}),
        },
    )


def _fault(index: int, group: list[Row]) -> str:
    """Return why the rows of one utterance cannot be turn `index`, or ""."""
    values = [found.value for found in group]
    place = f"line {group[0].line}"
    if values[0]["utterance_id"] != str(index):
        number = values[0]["utterance_id"]
        return f"{place} has utterance {number!r} where {index} is due; sort the file as published."
    if len({(value["interlocutor"], value["utterance_text"]) for value in values}) > 1:
        return f"{place} begins rows of utterance {index} that differ in text or speaker."
    if len({value.get("annotator_id") for value in values}) < len(values):
        return f"{place} begins rows of utterance {index} that name an annotator twice."
    if values[0]["interlocutor"] not in ("therapist", "client"):
        return f"{place} is of {values[0]['interlocutor']!r}, who is neither therapist nor client."
    return "" if values[0]["utterance_text"].strip() else f"{place} has no text."


def _turn(group: list[Row]) -> Turn:
    first = group[0].value
    flags = {found.value.get("annotator_id", ""): _contradictions(found.value) for found in group}
    told = {annotator: odd for annotator, odd in flags.items() if odd}
    known = {*_COLUMNS, *_SCHEMES, *_WHOLE, *_FLAGS, "annotator_id"} - {"utterance_id"}
    return Turn(
        first["interlocutor"],
        first["utterance_text"],
        labels=tuple(label for found in group for label in _labels(found.value)),
        meta={
            **{key: value for key, value in first.items() if key not in known and value},
            **({"flags": told} if told else {}),
        },
    )


def _contradictions(value: dict[str, Any]) -> dict[str, str]:
    """Return the flags that say otherwise than their subtypes."""
    return {
        flag: value[flag]
        for flag in _FLAGS
        if value.get(flag) in ("True", "False")
        and (value[flag] == "True") == (value.get(flag.replace("_exists", "_subtype"), "n/a") in ("", "n/a"))
    }


def _labels(value: dict[str, Any]) -> Iterator[Label]:
    for column, scheme in _SCHEMES.items():
        given = value.get(column, "")
        if given and given != "n/a":
            yield Label(scheme, given, annotator=value.get("annotator_id"))
