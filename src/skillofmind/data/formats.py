"""The table of formats: what a file can be, and which module reads it.

A format's module has two functions:

    read(path) -> iterator of Dialogue or Rejected     a file or a folder, streamed
    looks_like(head, path) -> bool                     from the first 64 KiB and the name

Nothing is imported before it is needed. A reader never drops a row silently: what is not a dialogue comes out
as `Rejected`, with file, line and reason.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

from skillofmind.core.dialogue import Dialogue
from skillofmind.data.jsonl import Rejected


class Reader(Protocol):
    """What a format's module offers."""

    def read(self, path: Path) -> Iterator[Dialogue | Rejected]:
        """Yield the dialogues of a file or folder."""

    def looks_like(self, head: bytes, path: Path) -> bool:
        """Say whether a file with these first bytes and this name is of the format."""


class Format(NamedTuple):
    """One row of the table.

    Attributes:
        name: what `--format` takes.
        title: for people.
        module: of the reader, below `skillofmind.data`.
        licence: of the corpus's text; "" for general formats.
        tested_on: `files` where the reader was tested on the published files, `documentation` where it was
            written from the documented format and tested on files made in that format.
    """

    name: str
    title: str
    module: str
    licence: str = ""
    tested_on: Literal["files", "documentation"] = "files"

    def reader(self) -> Reader:
        """Import the reader."""
        return cast(Reader, importlib.import_module(f"skillofmind.data.{self.module}"))


_OTHERS: tuple[Format, ...] = (
    Format(
        "dailydialog",
        "DailyDialog (text with act and emotion files)",
        "corpora.daily.dailydialog",
        "CC BY-NC-SA 4.0",
    ),
    Format(
        "xdailydialog",
        "XDailyDialog (four languages)",
        "corpora.daily.xdailydialog",
        "Apache-2.0; derived from DailyDialog, CC BY-NC-SA 4.0",
    ),
    Format("blended_skill_talk", "BlendedSkillTalk", "corpora.persona.blended_skill_talk", "CC BY 4.0"),
    Format("personachat", "PersonaChat and ConvAI2", "corpora.persona.personachat", "CC BY 4.0"),
    Format(
        "convai2_volunteers",
        "ConvAI2 wild evaluation (human-bot, scored)",
        "corpora.persona.convai2_volunteers",
        "Apache-2.0 (organisers' statement)",
    ),
    Format("msc", "Multi-Session Chat", "corpora.persona.msc", "not stated; research use"),
    Format("esconv", "ESConv (emotional support)", "corpora.support.esconv", "CC BY-NC 4.0"),
    Format(
        "annomi", "AnnoMI (motivational interviewing)", "corpora.support.annomi", "not stated; research use"
    ),
    Format(
        "epitome",
        "EPITOME, Reddit part (empathy levels)",
        "corpora.support.epitome",
        "University of Washington; research, non-commercial, with attribution",
    ),
    Format("cima", "CIMA (tutoring)", "corpora.tutoring.cima", "CC BY 2.5"),
    Format(
        "socialdial",
        "SocialDial, human-written part",
        "corpora.conduct.socialdial",
        "not stated; research use",
    ),
    Format("diasafety", "DiaSafety", "corpora.conduct.diasafety", "Apache-2.0"),
)

CORPORA: tuple[Format, ...] = (*_OTHERS,)
"""Published corpora."""
