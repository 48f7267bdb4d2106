"""`som fit`: train the embedded planner on annotated dialogues."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from skillofmind.cli.opening import check_output
from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import starter_path
from skillofmind.mind.taxonomy import load_taxonomy

_EPILOG = """\
input: JSONL dialogues whose turns carry `annotations`: [{"skill": "...", "explanation": "..."}]. Rows with
`split` "test" or "validation" are left out. The same input gives the same bytes.

examples:
  som fit --out planner.bin                  the starter dialogues of the package
  som fit mine.jsonl --out planner.bin       your own
"""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options of `som fit`."""

    file: Path | None = argument("FILE", "annotated dialogues; those of the package without it", default=None)
    out: Path | None = option(None, "where to write the planner; without it, only the report", value="FILE")
    cues: Path | None = option(None, "another cue lexicon", value="FILE")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    l2: float = option(0.0005, "weight of the penalty on large weights", value="NUMBER")
    json: bool = option(False, "print the report as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som fit`."""
    options = parse(FitOptions, "som fit", "Train the embedded planner.", argv, epilog=_EPILOG)
    if options.l2 <= 0:
        raise ConfigurationError(f"--l2 {options.l2:g} must be more than 0.")
    # Training takes a while; better to know before than after it.
    check_output("--out", options.out)
    # Imported here: numpy takes longer to load than `som fit --help` may take.
    from skillofmind.mind.embedded.cues import load_lexicon
    from skillofmind.mind.embedded.fit import examples_in, fit_planner
    from skillofmind.run.atomic import write_atomic

    taxonomy = load_taxonomy(options.taxonomy)
    source = options.file or starter_path()
    rows = accepted(read_dialogues(source))
    examples = examples_in((row for row in rows if row.split in (None, "train")), taxonomy)
    if not examples:
        raise DataError(f"{source}: no annotated turn to train on; annotate some first.")
    start = time.monotonic()

    def tell(phase: str) -> None:
        sys.stderr.write(f"fit: {time.monotonic() - start:5.1f} s  {phase}\n")

    model, report = fit_planner(examples, load_lexicon(options.cues), taxonomy, options.l2, tell)
    if options.out:
        write_atomic(options.out, model.to_bytes())
    if options.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        sys.stdout.write(
            f"{report.examples} turns of {report.dialogues} dialogues, {report.features} features\n"
            f"on held-out dialogues: accuracy {report.accuracy:.3f}, in the top three {report.top3:.3f}, "
            f"majority {report.majority:.3f}\n"
        )
    return 0
