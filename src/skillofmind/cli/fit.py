"""`som fit`: train the embedded planner on annotated dialogues."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from skillofmind.cli.opening import check_output
from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import starter_path
from skillofmind.mind.taxonomy import Taxonomy, load_taxonomy

if TYPE_CHECKING:
    from skillofmind.mind.embedded.fit import Example, FitReport

_L2, _L2_ENCODER = 0.0005, 0.0003

_EPILOG = """\
input: JSONL dialogues whose turns carry `annotations`: [{"skill": "...", "explanation": "..."}]. Rows with
`split` "test" or "validation" are left out. The same input gives the same bytes.

examples:
  som fit --out planner.bin                  the starter dialogues of the package
  som fit mine.jsonl --out planner.bin       your own
  som fit --planner encoder --out head.bin   the head of the encoder planner (extra `embed`)
"""


@dataclass(frozen=True, slots=True)
class FitOptions:
    """Options of `som fit`."""

    file: Path | None = argument("FILE", "annotated dialogues; those of the package without it", default=None)
    out: Path | None = option(None, "where to write the planner; without it, only the report", value="FILE")
    cues: Path | None = option(None, "another cue lexicon", value="FILE")
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    planner: Literal["embedded", "encoder"] = option("embedded", "which planner")
    linear: Path | None = option(
        None, "for encoder: the embedded planner below it, trained on the same FILE", value="FILE"
    )
    l2: float | None = option(
        None, "weight of the penalty on large weights (default: 0.0005; encoder: 0.0003)", value="NUMBER"
    )
    json: bool = option(False, "print the report as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som fit`."""
    options = parse(FitOptions, "som fit", "Train the embedded planner.", argv, epilog=_EPILOG)
    _check(options)
    # Imported here: numpy takes longer to load than `som fit --help` may take.
    from skillofmind.mind.embedded.fit import examples_in
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

    fit = _fit_encoder if options.planner == "encoder" else _fit_embedded
    data, report = fit(options, examples, taxonomy, tell)
    if options.out:
        write_atomic(options.out, data)
    if options.json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _show(report)
    return 0


def _check(options: FitOptions) -> None:
    if options.l2 is not None and options.l2 <= 0:
        raise ConfigurationError(f"--l2 {options.l2:g} must be more than 0.")
    if options.planner == "encoder" and options.cues is not None:
        raise ConfigurationError(
            f"--cues {str(options.cues)!r} has no use with --planner encoder; its cues are those of --linear."
        )
    if options.planner == "embedded" and options.linear is not None:
        raise ConfigurationError(
            f"--linear {str(options.linear)!r} has no use without --planner encoder; add it, or leave it out."
        )
    # Training takes a while; better to know before than after it.
    check_output("--out", options.out)


def _fit_embedded(
    options: FitOptions, examples: "list[Example]", taxonomy: Taxonomy, tell: Callable[[str], None]
) -> "tuple[bytes, FitReport]":
    from skillofmind.mind.embedded.cues import load_lexicon
    from skillofmind.mind.embedded.fit import fit_planner

    lexicon = load_lexicon(options.cues)
    model, report = fit_planner(examples, lexicon, taxonomy, options.l2 or _L2, tell)
    return model.to_bytes(), report


def _fit_encoder(
    options: FitOptions, examples: "list[Example]", taxonomy: Taxonomy, tell: Callable[[str], None]
) -> "tuple[bytes, FitReport]":
    from skillofmind.mind.embedded.planner import EmbeddedPlanner
    from skillofmind.mind.encoded.fit import fit_head
    from skillofmind.models.local.encoder import TextEncoder

    base = EmbeddedPlanner(options.linear, taxonomy=taxonomy)
    head, report = fit_head(examples, base, TextEncoder(), taxonomy, options.l2 or _L2_ENCODER, tell)
    return head.to_bytes(), report


def _show(report: "FitReport") -> None:
    sys.stdout.write(
        f"{report.examples} turns of {report.dialogues} dialogues, {report.features} features\n"
        f"on held-out dialogues: accuracy {report.accuracy:.3f}, in the top three {report.top3:.3f}, "
        f"majority {report.majority:.3f}, calibration error {report.calibration_error:.3f}\n"
    )
