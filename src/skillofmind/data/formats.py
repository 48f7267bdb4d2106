"""The table of formats: what a file can be, and which module reads it.

A format's module has two functions:

    read(path) -> iterator of Dialogue or Rejected     a file or a folder, streamed
    looks_like(head, path) -> bool                     from the first 64 KiB and the name

Nothing is imported before it is needed. A reader never drops a row silently: what is not a dialogue comes out
as `Rejected`, with file, line and reason.
"""

import difflib
import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import DataError
from skillofmind.data.files import expand, head, source_name
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


_SOURCES: tuple[Format, ...] = (
    Format("soda", "SODA", "corpora.story.soda", "CC BY 4.0"),
    Format(
        "conversation_chronicles",
        "ConversationChronicles",
        "corpora.story.conversation_chronicles",
        "CC BY 4.0",
        "documentation",
    ),
    Format("stark", "Stark", "corpora.story.stark", "research use only", "documentation"),
    Format("prosocial", "ProsocialDialog", "corpora.norms.prosocial", "CC BY 4.0"),
    Format(
        "empathetic_dialogues",
        "EmpatheticDialogues",
        "corpora.feeling.empathetic_dialogues",
        "CC BY-NC 4.0",
    ),
    Format(
        "wizard_of_wikipedia", "Wizard of Wikipedia", "corpora.knowledge.wizard_of_wikipedia", "CC BY 4.0"
    ),
    Format("cactus", "Cactus", "corpora.counsel.cactus", "not stated", "documentation"),
    Format("casino", "CaSiNo", "corpora.bargain.casino", "CC BY 4.0"),
    Format("persuasionforgood", "PersuasionForGood", "corpora.bargain.persuasionforgood", "Apache-2.0"),
    Format("multiwoz", "MultiWOZ 2.2", "corpora.task.multiwoz", "MIT"),
    Format("pearl", "Pearl", "corpora.taste.pearl", "CC BY 4.0", "documentation"),
    Format(
        "synthetic_persona_chat",
        "Synthetic-Persona-Chat",
        "corpora.taste.synthetic_persona_chat",
        "CC BY 4.0",
    ),
    Format("dialogstudio", "DialogStudio", "corpora.studio.dialogstudio", "of each corpus"),
    Format("convai2_table", "ConvAI2 wild chats, table", "corpora.studio.wild_chats", "Apache-2.0"),
)
"""The twelve sources of the Thanos data (arXiv 2411.04496), and DialogStudio's form of seven corpora."""

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

CORPORA: tuple[Format, ...] = (*_SOURCES, *_OTHERS)
"""Published corpora."""

GENERAL: tuple[Format, ...] = (
    Format("jsonl", "dialogues of this project, one JSON object a line", "jsonl"),
    Format("openai", "OpenAI chat messages", "exchange.openai_messages"),
    Format("sharegpt", "ShareGPT conversations", "exchange.sharegpt"),
    Format("convokit", "ConvoKit corpus folder", "exchange.convokit", tested_on="documentation"),
    Format("table", "CSV, TSV or Parquet with one turn a row", "exchange.table", tested_on="documentation"),
    Format("transcript", "lines of `Name: text`", "transcript"),
)
"""Formats of no particular corpus."""

ALL: tuple[Format, ...] = CORPORA + GENERAL
"""Every format."""


def named(name: str) -> Format:
    """Return the format that `--format NAME` means.

    Raises:
        DataError: there is none of this name.
    """
    found = next((row for row in ALL if row.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, [row.name for row in ALL], 1)
        hint = f"did you mean {near[0]!r}?" if near else "`som data formats` lists them."
        raise DataError(f"unknown format {name!r}; {hint}")
    return found


def detect(path: Path) -> Format:
    """Return the format of a file or folder, told by its name and its first 64 KiB, decompressed.

    A corpus goes before the general formats, and a transcript comes last, as most text could be one.

    Raises:
        DataError: no format fits, or several do; the message lists them.
    """
    if str(path) != "-" and path.exists() and not (path.is_file() or path.is_dir()):
        # Looking into a pipe would use up its beginning.
        raise DataError(f"{path}: a pipe is read once only; say its format with --format NAME, or give -.")
    start = b"" if path.is_dir() else head(path)
    for rows in (CORPORA, GENERAL[:-1], GENERAL[-1:]):
        fits = [row.name for row in rows if row.reader().looks_like(start, path)]
        if len(fits) > 1:
            raise DataError(
                f"{source_name(path)}: it could be {' or '.join(fits)}; say which with --format NAME."
            )
        if fits:
            return named(fits[0])
    known = ", ".join(row.name for row in ALL)
    raise DataError(
        f"{source_name(path)}: the format is not known; say it with --format NAME, one of {known}."
    )


def read_any(paths: Iterable[Path], format: str | None = None) -> Iterator[Dialogue | Rejected]:
    """Yield the dialogues of files, folders, patterns or `-`, each file in the format it is in.

    A folder is a corpus where its format says so; of any other folder all files below it are read, and a
    file there that is in no known format is a rejected row. Named on its own, such a file is an error.

    Args:
        paths: as `files.expand` takes them.
        format: name of the format of all of them; told from each file where `None`.

    Raises:
        DataError: a file cannot be read, or its format cannot be told.
    """
    for path, found in located(paths, format):
        if isinstance(found, Rejected):
            yield found
        else:
            yield from found.reader().read(path)


def located(paths: Iterable[Path], format: str | None = None) -> Iterator[tuple[Path, Format | Rejected]]:
    """Yield each file, or corpus folder, with its format, or with why it has none.

    Raises:
        DataError: as `read_any`.
    """
    given = None if format is None else named(format)
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir() and _is_corpus(path, given):
            yield path, given or detect(path)
            continue
        for file in expand((path,)):
            if file not in seen:
                seen.add(file)
                yield file, given or (_told(file) if path.is_dir() else detect(file))


def _is_corpus(folder: Path, given: Format | None) -> bool:
    return any(row.reader().looks_like(b"", folder) for row in ((given,) if given else ALL))


def _told(file: Path) -> Format | Rejected:
    try:
        return detect(file)
    except DataError as error:
        return Rejected(file.name, 0, str(error))
