"""`som data sample`: dialogues drawn at random, each as likely as the others, in one pass."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillofmind.cli.data.source import Source, check_out, emit
from skillofmind.cli.options import argument, check_least, option, parse
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.jsonl import write_jsonl

_EPILOG = """\
The dialogues are our JSONL, in the order of the input. The same input and seed give the same draw. Only the
drawn dialogues are held in memory.

examples:
  som data sample corpus.jsonl --number 100 > hundred.jsonl
  som data sample corpora/ --number 20 --seed 7 | som data show - --number 0
"""


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """Options of `som data sample`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    number: int = option(10, "how many dialogues", value="N")
    seed: int = option(0, "another seed gives another draw", value="N")
    out: Path | None = option(None, "file to write; standard output without it", value="FILE")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som data sample`."""
    options = parse(SampleOptions, "som data sample", "Draw dialogues at random.", argv, epilog=_EPILOG)
    check_least("--number", options.number, 1)
    check_out(options.out, options.files)
    source = Source(options.files, options.format, skip_bad=options.skip_bad, label="sample")
    emit(write_jsonl(drawn(source, options.number, random.Random(options.seed))), options.out)
    return source.exit_code()


def drawn(dialogues: Iterable[Dialogue], number: int, chance: random.Random) -> list[Dialogue]:
    """Return `number` of the dialogues (all, if there are fewer) in their order: reservoir sampling."""
    kept: list[tuple[int, Dialogue]] = []
    for index, dialogue in enumerate(dialogues):
        if index < number:
            kept.append((index, dialogue))
        elif (place := chance.randrange(index + 1)) < number:
            kept[place] = (index, dialogue)
    return [dialogue for _, dialogue in sorted(kept, key=lambda entry: entry[0])]
