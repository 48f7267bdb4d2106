"""`som data convert`: write dialogues in another format, in constant memory."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skillofmind.cli.data.source import Source, check_out, emit
from skillofmind.cli.options import argument, option, parse
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError

_EPILOG = """\
A file is written under a hidden name and gets its own at the end: after a full disk it is as it was before,
and no half of it is there. Ctrl-C ends the reading; what was read before it is written. A ConvoKit corpus is
a folder and must not be there yet.

What the format has no place for stands in a field `skillofmind`, so that nothing is lost on the way back;
--plain leaves it out.

examples:
  som data convert chats.json --to jsonl --out chats.jsonl
  som data convert corpus.jsonl.zst --to openai --plain > train.jsonl
  som data convert esconv/ --to convokit --out esconv-convokit
  som data convert dump.jsonl --format openai --to sharegpt --out dump.json --skip-bad
  som data convert chats.csv --columns dialogue=thread,speaker=who,text=said > chats.jsonl
"""


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """Options of `som data convert`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    to: Literal["jsonl", "openai", "sharegpt", "convokit"] = option("jsonl", "format to write")
    out: Path | None = option(None, "file to write; standard output without it", value="FILE")
    plain: bool = option(False, "write only what the format knows, without the field skillofmind")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    columns: str = option("", "for tables: which column is what", value="MEANING=COLUMN,...")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som data convert`."""
    options = parse(ConvertOptions, "som data convert", "Convert dialogues.", argv, epilog=_EPILOG)
    check_out(options.out, options.files)
    if options.columns and options.format not in ("", "table"):
        raise ConfigurationError(f"--columns is for tables, not for --format {options.format!r}; drop one.")
    source = Source(
        options.files,
        options.format,
        skip_bad=options.skip_bad,
        label="convert",
        columns=options.columns,
    )
    if options.out is None:
        if options.to == "convokit":
            raise ConfigurationError("--to convokit writes a folder; name it with --out FOLDER.")
        emit(_lines(options)(source), None)
    else:
        _write(options, options.out, source)
        sys.stderr.write(f"som: {source.count} dialogues are in {options.out}\n")
    return source.exit_code()


def _lines(options: ConvertOptions) -> Callable[[Iterable[Dialogue]], Iterator[bytes]]:
    from skillofmind.data.exchange import openai_messages, sharegpt
    from skillofmind.data.jsonl import write_jsonl

    if options.to == "jsonl":
        return write_jsonl
    module = openai_messages if options.to == "openai" else sharegpt
    return lambda dialogues: module.lines(dialogues, plain=options.plain)


def _write(options: ConvertOptions, out: Path, dialogues: Iterable[Dialogue]) -> None:
    from skillofmind.data.exchange import convokit, sharegpt

    if options.to == "convokit":
        convokit.write(dialogues, out, plain=options.plain)
    elif options.to == "sharegpt":
        sharegpt.write(dialogues, out, plain=options.plain)
    else:
        emit(_lines(options)(dialogues), out)
