"""`som data show`: dialogues with everything that is known about them, for a person at a terminal."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.data.source import Source
from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.jsonl import write_jsonl

if TYPE_CHECKING:
    from rich.console import Console

_EPILOG = """\
examples:
  som data show talk.txt
  som data show corpus.jsonl.gz --number 1
  som data show corpus.jsonl --id esconv:17 --json
  zcat chats.jsonl.gz | som data show - --format openai
"""


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """Options of `som data show`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    number: int = option(3, "how many dialogues; 0 shows all", value="N")
    id: str = option("", "only the dialogue with this id", value="ID")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")
    json: bool = option(False, "print one JSON line a dialogue")


def run(argv: Sequence[str]) -> int:
    """Run `som data show`."""
    options = parse(ShowOptions, "som data show", "Show dialogues.", argv, epilog=_EPILOG)
    if options.number < 0:
        raise ConfigurationError(f"--number {options.number} must be 0 or more.")
    source = Source(options.files, options.format, skip_bad=options.skip_bad, label="read")
    shown = 0
    for dialogue in _chosen(source, options):
        shown += 1
        if options.json:
            sys.stdout.write(b"".join(write_jsonl([dialogue])).decode())
        else:
            _show(dialogue)
    if options.id and not shown:
        raise DataError(f"no dialogue has the id {options.id!r}; ids are shown without --id.")
    return source.exit_code()


def _chosen(source: Source, options: ShowOptions) -> Iterator[Dialogue]:
    wanted = (one for one in source if not options.id or one.id == options.id)
    return islice(wanted, 1 if options.id else options.number or None)


def _show(dialogue: Dialogue) -> None:
    from rich.rule import Rule
    from rich.text import Text

    from skillofmind.cli.show import console, show_lines
    from skillofmind.mind.render import context_lines, display_names, turn_line

    out = console(sys.stdout)
    out.print(Rule(Text(_line(_title(dialogue)), style="bold"), align="left", characters="─"))
    for line in context_lines(dialogue):
        show_lines(out, Text(printable(line.text), style="dim"), 2)
    names, width = display_names(dialogue), len(str(len(dialogue.turns)))
    for number, turn in enumerate(dialogue.turns, 1):
        speaker, _, said = printable(turn_line(turn, names)).partition(": ")
        show_lines(out, Text.assemble((f"{number:>{width}} ", "dim"), (f"{speaker}: ", "cyan"), said), 2)
        _show_marks(out, turn, width + 5)
    out.print()


def _show_marks(out: "Console", turn: Turn, indent: int) -> None:
    from rich.text import Text

    from skillofmind.cli.show import show_lines

    if turn.labels:
        labels = ", ".join(f"{label.scheme} = {label.value}" for label in turn.labels)
        show_lines(out, Text(_line(labels), style="magenta"), indent)
    for note in turn.annotations:
        why = f": {note.explanation}" if note.explanation else ""
        show_lines(out, Text(_line(f"skill {note.skill}{why}"), style="green"), indent)


def _title(dialogue: Dialogue) -> str:
    facts = (dialogue.corpus, dialogue.split, dialogue.lang, dialogue.scenario, dialogue.licence)
    return ", ".join([dialogue.id, f"{len(dialogue.turns)} turns", *filter(None, facts)])


def _line(text: str) -> str:
    return printable(" ".join(text.split()))
