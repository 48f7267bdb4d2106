"""`som train export`: the trained model as a folder."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from skillofmind.cli.options import argument, option, parse
from skillofmind.cli.train.card import card
from skillofmind.cli.train.start import BASE
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.run.directory import read_manifest
from skillofmind.run.log import read_log
from skillofmind.run.manifest import Manifest

if TYPE_CHECKING:
    from skillofmind.train.weights.export import Exported

_EPILOG = """\
RUN is the OUT of `som train sft` or `som train dpo`. Its newest checkpoint is put into the base, adapters are
merged, and the logits of the merged network, and of what is read back from FOLDER, are compared with those of
the trained one; where they differ by more than --tolerance, nothing is written.

FOLDER is an ordinary model folder: safetensors, tokenizer, chat template, stop tokens, README.md.

examples:
  som train export runs/first models/planner
  som plan dialogues.jsonl --planner weights --model models/planner
  som train export runs/8b models/planner-8b --dtype bfloat16

exit: 0 written; 2 nothing written.
"""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Options of `som train export`."""

    run: Path = argument("RUN", "run directory of a training command")
    folder: Path = argument("FOLDER", "where the model goes; new")
    dtype: Literal["float32", "bfloat16"] = option("float32", "type of the written weights")
    tolerance: float | None = option(
        None, "largest difference of a logit (default: 0.001; bfloat16: 0.5)", value="NUMBER"
    )
    json: bool = option(False, "print what was written as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som train export`."""
    text = "Merge, compare and write a trained model."
    options = parse(ExportOptions, "som train export", text, argv, epilog=_EPILOG)
    made = _export(options)
    if options.json:
        sys.stdout.write(msgspec.json.encode(made._asdict(), enc_hook=str).decode() + "\n")
        return 0
    sys.stdout.write(
        f"{made.folder}: the model after {made.updates} updates, in {made.dtype}; logits differ by at most "
        f"{made.merge_difference:.2g} (merged) and {made.written_difference:.2g} (read back)\n"
    )
    return 0


def _export(options: ExportOptions) -> "Exported":
    manifest = read_manifest(options.run)
    if not manifest.command.startswith("train "):
        raise ConfigurationError(
            f"{str(options.run)!r} is a run of {manifest.command!r}; name a training run."
        )
    model = Path(manifest.options["model"]) if manifest.options["model"] else options.run / BASE
    prepared = _prepared(options.run)
    from skillofmind.models.local.loading import quiet_libraries
    from skillofmind.train.recipe import CHECKPOINTS
    from skillofmind.train.settings import Lora
    from skillofmind.train.weights.export import CARD, export, read_trained

    quiet_libraries()
    _refuse_other_base(model, manifest)
    settings = manifest.options["settings"]
    lora = settings.get("training", settings).get("lora")
    trained = read_trained(
        model, options.run / CHECKPOINTS, msgspec.convert(lora, Lora, strict=False) if lora else None
    )
    stop = prepared["train"].get("stop", "")
    last = _last(options.run, trained.updates)
    text = card(options.folder.name, manifest, prepared, last, trained.updates)
    return export(
        trained,
        options.folder,
        dtype=options.dtype,
        tolerance=options.tolerance,
        stop=(stop,) if stop else (),
        files={CARD: text.encode()},
    )


def _refuse_other_base(model: Path, manifest: Manifest) -> None:
    """Refuse a folder that has changed since the run started from it: the adapters would not fit."""
    from skillofmind.models.local.loading import find_folder, folder_fingerprint

    known = manifest.options.get("model_hash")
    if known and folder_fingerprint(find_folder(model, allow_download=False)) != known:
        raise ConfigurationError(
            f"{str(model)!r} is not what the run started from (hash {known}); put the model back there."
        )


def _last(run: Path, updates: int) -> dict[str, Any]:
    """Return the record of the update that the checkpoint was written after, with the newest evaluation."""
    last: dict[str, Any] = {}
    for key, value in read_log(run / "updates.jsonl"):
        # A run that was killed can have told of more updates than its checkpoint has.
        if int(key) <= updates:
            last = {**value, "held_out": value.get("held_out") or last.get("held_out", {})}
    return last


def _prepared(run: Path) -> dict[str, Any]:
    """Return what the run said of its rows when it last started."""
    found: dict[str, Any] | None = None
    for kind, value in read_log(run / "events.jsonl"):
        if kind == "prepared":
            found = value
    if found is None:
        raise DataError(f"{str(run)!r} never read its rows; run the same `som train` again.")
    return found
