"""SODA: conversations of everyday people, grown from one-sentence stories (arXiv 2212.10465).

Form: JSONL or a JSON list (`allenai/soda` exported, DialogStudio's original examples); `train`, `valid` or
`test` in the name. Licence: CC BY 4.0, as its card says (not checked with the authors).

    dialogue, speakers   turns; the two lists must be equally long
    narrative            context.situation
    PersonX, -Y, -Z      among the speakers' names already; meta
    original_index       the id
    split                split, else the file's name
    all others           meta (head, relation, tail, literal, the four answers of the filters)

Pitfalls: rows with more or fewer speakers than utterances exist and are rejected, because it is not known
who said what. A row without a narrative is kept.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from skillofmind.core.dialogue import Dialogue, SocialContext, Speaker, Turn
from skillofmind.data.corpora.folder import files_of, keys_of, split_of, stem
from skillofmind.data.corpora.json_rows import json_rows
from skillofmind.data.corpora.rows import Row, Shape, converted
from skillofmind.data.jsonl import Rejected

LICENCE = "CC BY 4.0"
_SPLIT_NAMES = {"valid": "validation"}


class Story(Shape, frozen=True):
    """One conversation as published."""

    dialogue: list[str]
    speakers: list[str]
    narrative: str | None = None
    original_index: int | str | None = None
    split: str | None = None


def read(path: Path) -> Iterator[Dialogue | Rejected]:
    """Yield the conversations of a file or folder.

    Raises:
        DataError: nothing can be read there.
    """
    for file in files_of(path, "**/*.jsonl", "**/*.json"):
        yield from converted(json_rows(file), Story, partial(conversation, file))


def looks_like(head: bytes, path: Path) -> bool:
    """Say whether the first row has SODA's fields."""
    return {"dialogue", "speakers", "narrative"} <= keys_of(head)


def conversation(file: Path, story: Story, row: Row) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogue of one row, or its rejection."""
    texts, names = story.dialogue, story.speakers
    if len(texts) != len(names):
        yield row.rejected(f"{len(names)} speakers for {len(texts)} utterances; who says what is not known.")
        return
    split = story.split or split_of(file)
    number = f"{stem(file)}:{row.number}" if story.original_index is None else story.original_index
    yield Dialogue(
        turns=tuple(map(Turn, names, texts)),
        context=SocialContext(situation=story.narrative or None),
        id=f"soda:{number}",
        speakers=tuple(map(Speaker, dict.fromkeys(names))),
        corpus="soda",
        split=_SPLIT_NAMES.get(split or "", split),
        lang="en",
        licence=LICENCE,
        scenario="social narrative",
        meta=row.rest("dialogue", "speakers", "narrative", "original_index", "split"),
    )
