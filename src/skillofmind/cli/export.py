"""`som export`: training data from an annotation run."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.mind.dataset.export import Exported

_EPILOG = """\
OUT is the run directory of `som annotate`. FOLDER is made; an export that is there already is replaced,
anything else is left alone and refused.

forms:
  datasets     one row a target, as Parquet: `datasets.load_dataset("FOLDER")` reads it with its splits.
               Needs the extra `data`: pip install 'skillofmind[data]'
  sft          one row an annotation: {"prompt": [system, user], "completion": [assistant], "id", "skill"}.
               Teaches a planner to write "<explanation> [RESULT SKILL] <skill>"
  preference   one row an annotation: {"prompt": [...], "chosen": [...], "rejected": [...], "id", "skill",
               "explanation"}. Teaches a response model; chosen is the real reply, rejected the counterfactual

Splits keep together what belongs together: all targets of a dialogue, its sessions and its translations.
The seed and the dialogue alone decide, so more rows move nothing.

examples:
  som export runs/teach planner-data --as sft
  som export runs/teach planner-data --as sft --split train=0.95,test=0.05 --seed 3
  som export runs/teach replies --as preference --with-plan
  som export runs/teach published --as datasets --reviewed

exit: 0 written; 2 nothing written.
"""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Options of `som export`."""

    out: Path = argument("OUT", "run directory of `som annotate`")
    folder: Path = argument("FOLDER", "where the files go")
    form: Literal["datasets", "sft", "preference"] = option("sft", "what to make", name="--as")
    split: str = option(
        "train=0.8,validation=0.1,test=0.1", "share of the groups for each split", value="NAME=SHARE,..."
    )
    seed: int = option(0, "another seed gives other splits", value="N")
    limit: int | None = option(None, "take the first N annotated rows only", value="N")
    reviewed: bool = option(False, "leave out what `som review` rejected, and take its edits")
    with_plan: bool = option(False, "preference: show explanation and skill to the response model")
    no_system: bool = option(False, "no system messages: their text goes into user messages")
    template: Path | None = option(None, "other prompt wording", value="FILE")
    taxonomy: Path | None = option(
        None, "for --with-plan: the taxonomy file of the annotations", value="FILE"
    )
    json: bool = option(False, "print the counts as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som export`."""
    options = parse(ExportOptions, "som export", "Turn annotations into training data.", argv, epilog=_EPILOG)
    if options.with_plan and options.form != "preference":
        raise ConfigurationError(f"--with-plan has no use with --as {options.form}; it is for preference.")
    show(_export(options), options.folder, options.json)
    return 0


def _export(options: ExportOptions) -> "Exported":
    from skillofmind.cli.data.source import pairs
    from skillofmind.mind.dataset.examples import Shape
    from skillofmind.mind.dataset.export import export
    from skillofmind.mind.taxonomy import load_taxonomy
    from skillofmind.mind.template import load_template

    shape = Shape(
        load_template(options.template),
        load_taxonomy(options.taxonomy),
        with_plan=options.with_plan,
        system_role=not options.no_system,
    )
    return export(
        options.out,
        options.folder,
        options.form,
        pairs(options.split, "--split"),
        seed=options.seed,
        limit=options.limit,
        reviewed=options.reviewed,
        shape=shape,
    )


def show(made: "Exported", folder: Path, json: bool) -> None:
    """Print the counts, and which corpora do not allow commercial use."""
    if made.restricted:
        named = ", ".join(
            f"{corpus or 'an unnamed corpus'} ({licence or 'not stated'})"
            for corpus, licence in made.restricted.items()
        )
        named = printable(" ".join(named.split()))
        sys.stderr.write(f"som: commercial use is forbidden or not clearly allowed by {named}.\n")
    if json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
        return
    counts = ", ".join(f"{name} {count}" for name, count in made.rows.items())
    lines = [f"{made.form}: {counts} rows, from {sum(made.targets.values())} annotated turns"]
    if made.skipped:
        lines.append(f"  left out: {made.skipped} annotations without what {made.form} rows need")
    lines.append(f"files are in {folder}: {', '.join(made.files)}")
    sys.stdout.write("\n".join(lines) + "\n")
