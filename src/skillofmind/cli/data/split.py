"""`som data split`: divide dialogues into parts, so that what belongs together stays together."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillofmind.cli.data.source import Source, check_out, emit, pairs
from skillofmind.cli.options import argument, option, parse
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError
from skillofmind.data.jsonl import write_jsonl
from skillofmind.run.atomic import write_parts_atomic

_EPILOG = """\
The part of a dialogue follows from the seed and its group alone: sessions and translations of one dialogue
are a group. So the same dialogue is in the same part whatever else is in the files.

With --near-duplicates, dialogues whose 5-word sequences overlap by that share or more (Jaccard) are a group,
too; all dialogues are then held in memory.

Without --out the dialogues go to standard output with their part in the field `split`. With --out every part
is a file, FOLDER/train.jsonl and so on; all of them get their names at the end. Ctrl-C ends the reading, and
what was read before it is divided.

examples:
  som data split corpus.jsonl --out parts
  som data split corpus.jsonl --shares train=0.9,test=0.1 --seed 3 > split.jsonl
  som data split corpus.jsonl --near-duplicates 0.7 --out parts
"""


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """Options of `som data split`."""

    files: tuple[Path, ...] = argument("FILE", "files, folders or patterns; - is standard input")
    shares: str = option(
        "train=0.8,validation=0.1,test=0.1", "share of the groups for each part", value="NAME=SHARE,..."
    )
    seed: int = option(0, "another seed gives another split", value="N")
    near: float | None = option(
        None,
        "keep dialogues this alike (0 to 1, say 0.7) in one part",
        name="--near-duplicates",
        value="SHARE",
    )
    out: Path | None = option(None, "folder for one file a part", value="FOLDER")
    format: str = option("", "format of the files; each tells its own without it", value="NAME")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som data split`."""
    options = parse(SplitOptions, "som data split", "Divide dialogues.", argv, epilog=_EPILOG)
    shares = pairs(options.shares, "--shares")
    for name in shares:
        if "/" in name or name.startswith("."):
            raise ConfigurationError(f"--shares: {name!r} cannot be the name of a file; choose another.")
    if options.near is not None and not 0 < options.near <= 1:
        raise ConfigurationError(f"--near-duplicates {options.near:g} must be more than 0 and at most 1.")
    check_out(options.out, options.files)
    source = Source(options.files, options.format, skip_bad=options.skip_bad, label="split")
    divided = _divided(source, shares, options)
    if options.out is None:
        emit(write_jsonl(divided), None)
    else:
        counts: Counter[str] = Counter()
        write_parts_atomic(options.out, _parts(divided, counts))
        said = ", ".join(f"{name} {counts[name]}" for name in shares)
        sys.stderr.write(f"som: {said}; the files are in {options.out}\n")
    return source.exit_code()


def _divided(source: Source, shares: Mapping[str, float], options: SplitOptions) -> Iterator[Dialogue]:
    from skillofmind.data.split import split

    if options.near is None:
        return split(source, shares, options.seed)
    from skillofmind.data.duplicates import clusters, near_duplicates

    dialogues = list(source)
    alike = clusters(near_duplicates(dialogues, options.near))
    sys.stderr.write(
        f"som: {len(alike)} dialogues in {len(set(alike.values()))} clusters of near-duplicates\n"
    )
    return split(dialogues, shares, options.seed, alike)


def _parts(dialogues: Iterable[Dialogue], counts: Counter[str]) -> Iterator[tuple[str, bytes]]:
    for dialogue in dialogues:
        counts[str(dialogue.split)] += 1
        yield f"{dialogue.split}.jsonl", next(write_jsonl([dialogue]))
