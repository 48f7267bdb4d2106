"""`som train dpo`: learn preferences."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError

if TYPE_CHECKING:
    from skillofmind.train.chat.prepare import Prepared
    from skillofmind.train.presets import Preset
    from skillofmind.train.recipe import End, Place
    from skillofmind.train.settings import DpoSettings
    from skillofmind.train.weights.folder import Base

_EPILOG = """\
FILE: JSONL rows {"prompt", "chosen", "rejected", "gap"?} as `som export --as preference` writes them, or
annotated dialogues, of which the real reply is chosen and the counterfactual rejected. Without FILE: the
annotated dialogues of the package. Start from a model that can answer: a folder of `som train export`.

OUT is a run directory: the same command goes on behind its newest checkpoint, and ends with the same weights
to the last bit. SIGTERM and Ctrl-C save first.

losses: dpo, ipo, hinge (SLiC), and simpo, which needs no reference. The reference is the model as it was: its
adapters switched off, or computed once before the first update (--set preference.reference=precomputed).
More by --set: preference.label_smoothing, preference.length_normalised, preference.gamma,
preference.cross_entropy, preference.stages (a curriculum by `gap`, from easy to hard; use a constant
schedule with it), rows.micro, schedule.name and the others of `som train sft`.

examples:
  som train dpo pairs.jsonl --out runs/dpo --model models/planner
  som train dpo pairs.jsonl --out runs/ipo --model models/planner --loss ipo --lora 0
  som train dpo pairs.jsonl --out runs/easy-first --model models/planner --set preference.stages=3

exit: 0 finished, or saved after SIGTERM; 2 wrong use, or the disk or the numbers said no; 130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class DpoOptions:
    """Options of `som train dpo`."""

    file: Path | None = argument("FILE", "pairs of answers; the package's dialogues without it", default=None)
    out: Path | None = option(None, "run directory; the same command resumes it", value="OUT")
    model: Path | None = option(None, "folder of the model to start from", value="FOLDER")
    preset: str = option("lora", "lora, laptop, thanos-1b, thanos-3b or thanos-8b", value="NAME")
    held_out: Path | None = option(None, "pairs to evaluate on", value="FILE")
    set: str = option("", "any other setting of the preset, such as clip=0.5", value="NAME=VALUE,...")
    loss: Literal["dpo", "ipo", "hinge", "simpo"] = option("dpo", "which loss")
    beta: float | None = option(None, "how much is lost by leaving the reference", value="NUMBER")
    learning_rate: float | None = option(None, "peak learning rate", value="NUMBER")
    batch: int | None = option(None, "pairs of one update, over all processes", value="N")
    passes: int | None = option(None, "times through the pairs", value="N")
    lora: int | None = option(None, "rank of the adapters; 0 trains all weights", value="RANK")
    seed: int | None = option(None, "of order and dropout", value="N")
    device: str = option("auto", "a torch device, such as cpu or cuda", value="NAME")
    json: bool = option(False, "print the end as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som train dpo`."""
    options = parse(
        DpoOptions, "som train dpo", "Teach a model which answer is better.", argv, epilog=_EPILOG
    )
    if options.out is None or options.model is None:
        missing = "--out OUT" if options.out is None else "--model FOLDER"
        raise ConfigurationError(f"{missing} is missing; name a run directory, and the model to start from.")
    chosen, found = settings(options)
    # Imported here: torch takes seconds to load, and wrong settings should be told at once.
    from skillofmind.cli.train.rows import preferences
    from skillofmind.cli.train.start import Job, trained
    from skillofmind.train.chat.options import RowOptions

    def learn(base: "Base", rows: "Prepared", held_out: "Prepared | None", place: "Place") -> "End":
        from skillofmind.train.recipe import Split, dpo

        apart = held_out.pairs if held_out else ()
        return dpo(base, Split(rows.pairs, apart), found, place)

    return trained(
        Job(
            command="train dpo",
            out=options.out,
            model=options.model,
            preset=chosen,
            settings=found,
            seed=found.training.seed,
            file=options.file,
            held_out=options.held_out,
            rows=preferences,
            options=RowOptions(
                max_tokens=found.training.rows.max_tokens, over_length=found.training.rows.over_length
            ),
            learn=learn,
            device=options.device,
            json=options.json,
        )
    )


def settings(options: DpoOptions) -> "tuple[Preset, DpoSettings]":
    """Return the preset, and its settings with what the options change.

    Raises:
        ConfigurationError: an unknown preset or setting, or a value out of range.
    """
    from skillofmind.cli.train.changes import changed
    from skillofmind.train.presets import preset

    chosen = preset(options.preset)
    start = chosen.preference
    if options.lora == 0:
        # Without adapters there is nothing to switch off.
        start = changed(start, "preference.reference=precomputed,lora=none", within="training")
    found = changed(
        start,
        options.set,
        ("preference.name", options.loss),
        ("preference.beta", options.beta),
        ("optimiser.learning_rate", options.learning_rate),
        ("rows.batch", options.batch),
        ("rows.passes", options.passes),
        ("lora.rank", options.lora or None),
        ("seed", options.seed),
        within="training",
    )
    return chosen, found
