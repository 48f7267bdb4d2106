"""`som train show-masks`: which tokens would be trained."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.train.chat.prepare import Prepared
    from skillofmind.train.chat.show import Segment
    from skillofmind.train.rows.token_row import TokenRow

_EPILOG = """\
FILE: what `som train sft` or `som train dpo` takes. At a terminal trained text is green, text that becomes
less likely red, the tokens that only the template can write reversed, all else dim. Elsewhere:

  {+trained+}  {-pushed down-}  \u2039a special token\u203a

examples:
  som train show-masks mine.jsonl --model models/chat
  som train show-masks pairs.jsonl --model models/chat --of dpo --limit 1 --json

exit: 0 shown; 2 wrong use, or no row can be trained.
"""


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """Options of `som train show-masks`."""

    file: Path | None = argument("FILE", "training rows; the package's dialogues without it", default=None)
    model: Path | None = option(
        None, "folder of the model whose tokenizer and template decide", value="FOLDER"
    )
    of: Literal["sft", "dpo"] = option("sft", "which command the rows are for")
    limit: int = option(3, "rows to show", value="N")
    turns: Literal["all", "last"] = option("all", "which of the assistant's messages are trained")
    json: bool = option(False, "print one JSON object a row")


def run(argv: Sequence[str]) -> int:
    """Run `som train show-masks`."""
    text = "Show which tokens of a row would be trained."
    options = parse(MaskOptions, "som train show-masks", text, argv, epilog=_EPILOG)
    if options.model is None or options.limit < 1:
        wrong = (
            "--model FOLDER is missing" if options.model is None else f"--limit {options.limit} is below 1"
        )
        raise ConfigurationError(f"{wrong}; name a folder with a tokenizer, and at least one row.")
    tokenizer, prepared = _prepared(options, options.model)
    from skillofmind.train.chat.show import segments

    for kind, row in _rows(prepared):
        _show(kind, row, segments(row, tokenizer), options.json)
    for one in prepared.refused:
        sys.stderr.write(f"refused {printable(repr(one.id))}: {printable(one.reason)}\n")
    return 0


def _prepared(options: MaskOptions, model: Path) -> "tuple[Any, Prepared]":
    from skillofmind.cli.train.rows import TRAIN, preferences, supervised
    from skillofmind.models.local.loading import read_tokenizer
    from skillofmind.train.chat.options import RowOptions
    from skillofmind.train.chat.prepare import prepare

    tokenizer = read_tokenizer(model)
    read = supervised if options.of == "sft" else preferences
    rows = islice(read(options.file, TRAIN), options.limit)
    return tokenizer, prepare(rows, tokenizer, RowOptions(train=options.turns))


def _rows(prepared: "Prepared") -> "Iterator[tuple[str, TokenRow]]":
    for example in prepared.examples:
        yield from (("row", row) for row in example.choices)
    for pair in prepared.pairs:
        yield "chosen", pair.chosen
        yield "rejected", pair.rejected


def _show(kind: str, row: "TokenRow", found: "Sequence[Segment]", json: bool) -> None:
    if json:
        parts = [one._asdict() for one in found]
        line = {
            "id": row.id,
            "kind": kind,
            "tokens": len(row.ids),
            "trained": row.trained(),
            "segments": parts,
        }
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        return
    from skillofmind.train.chat.show import bracketed, coloured

    head = f"{kind} {row.id}: {len(row.ids)} tokens, {row.trained()} trained"
    if not sys.stdout.isatty():
        sys.stdout.write(f"== {printable(head)}\n{bracketed(found, _clean)}\n\n")
        return
    from rich.console import Console

    console = Console()
    console.print(printable(head), style="bold", markup=False, highlight=False)
    console.print(coloured(found, _clean), end="\n\n")


def _clean(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
