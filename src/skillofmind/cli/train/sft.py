"""`som train sft`: learn answers."""

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
    from skillofmind.train.settings import Training
    from skillofmind.train.weights.folder import Base

_EPILOG = """\
FILE: annotated dialogues (a planner is taught explanation and skill, one annotation of each turn a pass), or
JSONL rows: {"messages": [...]}, {"prompt", "completion"}, {"prompt", "completions": [...]}, {"text"},
{"spans": [{"text", "plan" or "risk"}]}, {"input_ids", "loss_plan"?}; `som export --as sft` writes such rows.
Without FILE: the annotated dialogues of the package.

OUT is a run directory: the same command goes on behind its newest checkpoint, and ends with the same weights
to the last bit. SIGTERM and Ctrl-C save first. It holds updates.jsonl, training.html, tensorboard/,
checkpoints/, refused.jsonl.

presets: laptop makes a tiny model from nothing; lora is for a folder of yours; thanos-1b, thanos-3b and
thanos-8b have the settings of the paper. --set changes any of theirs: optimiser.learning_rate,
optimiser.weight_decay, schedule.name (constant, linear, cosine, step), schedule.warmup, rows.micro,
rows.packing, rows.by_length, rows.over_length (drop, truncate, error), precision (fp32, bf16), clip,
recompute, saving.every, saving.keep, saving.background, evaluate_every, lora.alpha, lora.dropout and more.

examples:
  som train sft --out runs/first
  som train sft mine.jsonl --out runs/mine --model models/chat --lora 16 --held-out dev.jsonl
  som train sft mine.jsonl --out runs/full --model models/chat --lora 0 --set rows.packing=true
  torchrun --nproc-per-node 8 -m skillofmind train sft mine.jsonl --out runs/8b --model models/llama-8b \\
      --preset thanos-8b

exit: 0 finished, or saved after SIGTERM; 2 wrong use, or the disk or the numbers said no; 130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class SftOptions:
    """Options of `som train sft`."""

    file: Path | None = argument("FILE", "what to learn; the package's dialogues without it", default=None)
    out: Path | None = option(None, "run directory; the same command resumes it", value="OUT")
    model: Path | None = option(None, "folder of the model to start from", value="FOLDER")
    preset: str = option(
        "",
        "laptop, lora, thanos-1b, thanos-3b or thanos-8b (default: laptop; with --model, lora)",
        value="NAME",
    )
    held_out: Path | None = option(None, "rows to evaluate on", value="FILE")
    set: str = option("", "any other setting of the preset, such as clip=0.5", value="NAME=VALUE,...")
    learning_rate: float | None = option(None, "peak learning rate", value="NUMBER")
    batch: int | None = option(None, "sequences of one update, over all processes", value="N")
    passes: int | None = option(None, "times through the rows", value="N")
    updates: int | None = option(None, "stop after so many", value="N")
    lora: int | None = option(None, "rank of the adapters; 0 trains all weights", value="RANK")
    turns: Literal["all", "last"] = option("all", "which of the assistant's messages are trained")
    seed: int | None = option(None, "of order, choices, dropout and new weights", value="N")
    device: str = option("auto", "a torch device, such as cpu or cuda", value="NAME")
    json: bool = option(False, "print the end as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som train sft`."""
    options = parse(SftOptions, "som train sft", "Teach a model answers.", argv, epilog=_EPILOG)
    if options.out is None:
        raise ConfigurationError("--out OUT is missing; name a run directory, such as runs/first.")
    preset, training = settings(options)
    # Imported here: torch takes seconds to load, and wrong settings should be told at once.
    from skillofmind.cli.train.rows import supervised
    from skillofmind.cli.train.start import Job, trained
    from skillofmind.train.chat.options import RowOptions

    def learn(base: "Base", rows: "Prepared", held_out: "Prepared | None", place: "Place") -> "End":
        from skillofmind.train.recipe import Split, sft

        apart = held_out.examples if held_out else ()
        return sft(base, Split(rows.examples, apart), training, place)

    return trained(
        Job(
            command="train sft",
            out=options.out,
            model=options.model,
            preset=preset,
            settings=training,
            seed=training.seed,
            file=options.file,
            held_out=options.held_out,
            rows=supervised,
            options=RowOptions(
                train=options.turns,
                max_tokens=training.rows.max_tokens,
                over_length=training.rows.over_length,
                one_per_pass=True,
            ),
            learn=learn,
            device=options.device,
            json=options.json,
        )
    )


def settings(options: SftOptions) -> "tuple[Preset, Training]":
    """Return the preset, and its settings with what the options change.

    Raises:
        ConfigurationError: an unknown preset or setting, or a value out of range.
    """
    from skillofmind.cli.train.changes import changed
    from skillofmind.train.presets import preset

    chosen = preset(options.preset or ("laptop" if options.model is None else "lora"))
    start = changed(chosen.training, "lora=none") if options.lora == 0 else chosen.training
    training = changed(
        start,
        options.set,
        ("optimiser.learning_rate", options.learning_rate),
        ("rows.batch", options.batch),
        ("rows.passes", options.passes),
        ("rows.updates", options.updates),
        ("lora.rank", options.lora or None),
        ("seed", options.seed),
    )
    return chosen, training
