"""`som data select`: the turns to plan for or to learn from, each with everything before it."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skillofmind.cli.data.source import Source, check_out, emit, pairs
from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError

_EPILOG = """\
One JSON line a target: {"id": ..., "context": the dialogue before, "target": the turn, "index": its place}.
Without --quotas the order is that of the input and memory is constant; with it, memory grows with the quotas.

examples:
  som data select corpus.jsonl --how even_prefixes > targets.jsonl
  som data select a.jsonl b.jsonl --quotas soda=200,casino=25 --seed 1 --out targets.jsonl
  som data select corpora/ --how list
"""


@dataclass(frozen=True, slots=True)
class SelectOptions:
    """Options of `som data select`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    how: str = option("even_prefixes", "which turns; list names the ways", value="NAME")
    quotas: str = option("", "targets to draw from each corpus", value="CORPUS=N,...")
    seed: int = option(0, "of the draw", value="N")
    out: Path | None = option(None, "file to write; standard output without it", value="FILE")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som data select`."""
    options = parse(SelectOptions, "som data select", "Choose targets.", argv, epilog=_EPILOG)
    select = importlib.import_module("skillofmind.data.select")
    if options.how == "list":
        sys.stdout.write("".join(f"{name}\n" for name in select.SELECTIONS))
        return 0
    if options.how not in select.SELECTIONS:
        known = ", ".join(select.SELECTIONS)
        raise ConfigurationError(f"--how {options.how!r} is no way to select; there are {known}.")
    check_out(options.out, options.files)
    quotas = _quotas(options.quotas)
    source = Source(options.files, options.format, skip_bad=options.skip_bad, label="select")
    chosen = (row for one in source for row in select.instances(one, select.SELECTIONS[options.how]))
    emit(
        select.write_instances(_drawn(select, chosen, quotas, options.seed) if quotas else chosen),
        options.out,
    )
    return source.exit_code()


def _quotas(text: str) -> dict[str, int]:
    found = pairs(text, "--quotas") if text else {}
    for name, count in found.items():
        if count != int(count) or count < 0:
            raise ConfigurationError(f"--quotas {name}={count:g} must be a whole number, 0 or more.")
    return {name: int(count) for name, count in found.items()}


def _drawn(select: Any, chosen: Iterator[Any], quotas: dict[str, int], seed: int) -> Iterator[Any]:
    found = select.quota(chosen, quotas, seed)
    for corpus, missing in found.short.items():
        sys.stderr.write(f"som: {corpus} has {missing} targets fewer than its quota.\n")
    yield from found.instances
