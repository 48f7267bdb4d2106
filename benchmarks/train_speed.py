"""Training: our recipe against TRL's SFTTrainer and bare torch loops, on the same network, rows and batches.

Each arm is a command in a fresh process: it opens the same folder of weights, reads the same rows from a file
and makes the same updates of AdamW in float32, with clipping and two micro-batches an update. The losses of
all updates must be equal to 1e-4, which is checked in every round.

    som           `train.recipe.sft`, which `som train sft` runs: run directory, record of every update,
                  TensorBoard, last checkpoint
    torch         a bare loop: transformers' forward, cross-entropy at every position, fused AdamW
    torch, lean   the same, projecting the vocabulary at the trained tokens only, as `som` and TRL do
    trl           SFTTrainer without reports, checkpoints and preparation of the data set

`start_up` is what the process took until the end of its first update, less one median update. `update` is the
median update behind the first few. The ratios of a round compare the sums of its updates, and their median
over all rounds is what the aims look at. CPU seconds are the ones to trust on a busy machine.

    python -m benchmarks.train_speed --out results/benchmarks/train_speed.json

On a GPU (`--device cuda`) the network has the shape of Llama-3.2-1B with random weights, rows are of 2,048
tokens, the arithmetic is bfloat16 by autocast, and all weights, then LoRA of rank 256 are trained; tokens a
second, peak memory and MFU (6 or 4 operations a weight and token, attention's quadratic part left out) come
with it. No GPU was at hand when this was written: that part has not been run, and there is no result of it.
"""

import argparse
import functools
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import Json, interleaved, machine, parser, report, summary
from benchmarks.process_tree import Took, took
from benchmarks.train_inputs import Job, rows, write_rows

ROOT = Path(__file__).parents[1]
ROUNDS = 5
BATCH = 16
TOLERANCE = 1e-4
MOST_OVER_BARE = 1.03
MOST_START_UP = 1 / 3
LEAST_MFU = 0.45


class Shape(NamedTuple):
    """A Llama, and how much of it a run does."""

    hidden: int
    inner: int
    layers: int
    heads: int
    key_value_heads: int
    vocabulary: int
    updates: int
    batch: int
    micro: int


SHAPES = {
    "1M": Shape(128, 344, 4, 4, 4, 2048, updates=14, batch=BATCH, micro=8),
    "5M": Shape(256, 688, 6, 4, 4, 2048, updates=8, batch=BATCH, micro=8),
    "llama-3.2-1b": Shape(2048, 8192, 16, 32, 8, 128256, updates=30, batch=BATCH, micro=8),
}


class Arm(NamedTuple):
    """One way to train: its name in the result, its module in `benchmarks.peers`, its job's changes."""

    name: str
    module: str
    lean: bool = False


ARMS = (
    Arm("som", "train_with_som"),
    Arm("torch", "train_with_torch"),
    Arm("torch, lean", "train_with_torch", lean=True),
    Arm("trl", "train_with_trl"),
)


class Ran(NamedTuple):
    """One run of an arm.

    Attributes:
        took: by the whole process.
        stamps: CPU and wall seconds since its start after each update but the last.
        losses: of each update.
        device_bytes: the GPU's peak.
    """

    took: Took
    stamps: tuple[tuple[float, float], ...]
    losses: tuple[float, ...]
    device_bytes: int

    def seconds(self, kind: int, skipped: int) -> list[float]:
        """Return the seconds of each update behind the first `skipped`; kind 0 is CPU, 1 is wall."""
        return [
            after[kind] - before[kind]
            for before, after in zip(self.stamps[skipped - 1 :], self.stamps[skipped:], strict=False)
        ]

    def start_up(self, kind: int, skipped: int) -> float:
        """Return the seconds before the first update."""
        return self.stamps[0][kind] - statistics.median(self.seconds(kind, skipped))


def write_model(shape: Shape, folder: Path, most: int) -> int:
    """Write a network with random weights and a tokenizer; return how many weights it multiplies by."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_value_heads,
        max_position_embeddings=most,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    network = LlamaForCausalLM(config)
    network.save_pretrained(folder)
    words = {"<pad>": 0, "<s>": 1, "</s>": 2, **{str(n): n for n in range(3, shape.vocabulary)}}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(words, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    ).save_pretrained(folder)
    return sum(one.numel() for one in network.parameters())


def environment(threads: int) -> dict[str, str]:
    """Return the environment of every arm: this checkout, offline, nothing told to anybody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }


def run(arm: Arm, job: Job, threads: int) -> Ran:
    """Run an arm once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given, out = folder / "job.json", folder / "record.json"
        given.write_text(json.dumps(job._replace(lean=arm.lean)._asdict()), "utf-8")
        words = [sys.executable, "-m", f"benchmarks.peers.{arm.module}", str(given), str(out)]
        found = took(words, environment(threads), folder)
        record = json.loads(out.read_text("utf-8"))
    stamps = tuple((cpu, wall) for cpu, wall in record["stamps"])
    return Ran(found, stamps[: job.updates - 1], tuple(record["losses"]), record["device_bytes"])


def check_equal_work(found: Mapping[str, Sequence[Ran]], tolerance: float, compared: int = 0) -> Json:
    """Return how far the losses of all arms and rounds are apart.

    Args:
        found: by arm.
        tolerance: most that is let pass.
        compared: first updates to compare; all of them at 0.

    Raises:
        ValueError: further than `tolerance`, or an arm made more or fewer updates.
    """
    first = next(iter(found.values()))[0].losses
    apart = []
    for name, runs in found.items():
        for one in runs:
            if len(one.losses) != len(first):
                raise ValueError(f"{name} made {len(one.losses)} updates, and {len(first)} were asked for.")
            both = list(zip(one.losses, first, strict=True))[: compared or None]
            apart += [abs(a - b) for a, b in both]
    wrong = [one for one in apart if not one <= tolerance]
    if wrong:
        raise ValueError(f"losses of the arms are {wrong[0]:.2g} apart, more than {tolerance:g}.")
    return {
        "updates": len(first),
        "compared": compared or len(first),
        "largest_difference_of_a_loss": float(f"{max(apart):.2g}"),
        "first_loss": round(first[0], 4),
        "last_loss": round(first[-1], 4),
    }


def figures(runs: Sequence[Ran], job: Job, tokens: int) -> Json:
    """Return the figures of one arm; `tokens` are those of the measured updates, without padding."""
    kinds = {"cpu_s": 0, "wall_s": 1}
    return {
        "start_up": {
            name: summary([one.start_up(kind, job.skipped) for one in runs], 2)
            for name, kind in kinds.items()
        },
        "update": {
            name: summary([statistics.median(one.seconds(kind, job.skipped)) for one in runs], 4)
            for name, kind in kinds.items()
        },
        "tokens_per_s": {
            name: summary([tokens / sum(one.seconds(kind, job.skipped)) for one in runs], 0)
            for name, kind in kinds.items()
        },
        "peak_mb": round(max(one.took.largest_mb for one in runs), 1),
    }


def ratios(found: Mapping[str, Sequence[Ran]], job: Job, kind: int) -> Json:
    """Return the seconds of `som` divided by those of each other arm, for updates and for the start."""
    mine = found["som"]

    def sums(runs: Sequence[Ran]) -> list[float]:
        return [sum(one.seconds(kind, job.skipped)) for one in runs]

    def starts(runs: Sequence[Ran]) -> list[float]:
        return [one.start_up(kind, job.skipped) for one in runs]

    def least(runs: Sequence[Ran]) -> float:
        columns = zip(*(one.seconds(kind, job.skipped) for one in runs), strict=True)
        return float(sum(min(column) for column in columns))

    return {
        name: {
            "update": summary([a / b for a, b in zip(sums(mine), sums(runs), strict=True)], 3),
            "least_of_each_update": round(least(mine) / least(runs), 3),
            "start_up": summary([a / b for a, b in zip(starts(mine), starts(runs), strict=True)], 3),
        }
        for name, runs in found.items()
        if name != "som"
    }


def measured_tokens(job: Job, lengths: Sequence[int]) -> int:
    """Return the tokens of the measured updates, padding not counted."""
    return sum(lengths[job.skipped * job.batch : (job.updates - 1) * job.batch])


def measure(shape: Shape, arms: Sequence[Arm], job: Job, rounds: int, threads: int) -> Json:
    """Return the result for one network."""
    on_gpu = job.device != "cpu"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = write_model(shape, folder / "model", job.max_tokens)
        made = rows(job.updates * job.batch, shape.vocabulary, most=job.max_tokens, full=on_gpu)
        write_rows(made, folder / "rows.jsonl")
        job = job._replace(model=str(folder / "model"), rows=str(folder / "rows.jsonl"))
        found = interleaved({arm.name: functools.partial(run, arm, job, threads) for arm in arms}, rounds)
    lengths = [len(row.ids) for row in made]
    tokens = measured_tokens(job, lengths)
    result: Json = {
        "weights": weights,
        "tokens_an_update": round(tokens / (job.updates - 1 - job.skipped)),
        "share_of_prompts": round(sum(row.prompt for row in made) / sum(lengths), 3),
        # Each arm draws adapters of its own, and bfloat16 is coarse: there only the first losses are alike.
        "equal_work": check_equal_work(found, *((0.02, 1) if on_gpu else (TOLERANCE,))),
        "arms": {name: figures(runs, job, tokens) for name, runs in found.items()},
        "som_divided_by": {"cpu": ratios(found, job, 0), "wall": ratios(found, job, 1)},
    }
    return result | ({"gpu": gpu_figures(found, job, tokens, weights)} if on_gpu else {})


def gpu_figures(found: Mapping[str, Sequence[Ran]], job: Job, tokens: int, weights: int) -> Json:
    """Return tokens a second, peak memory and MFU of each arm on this machine's GPU."""
    import torch

    from skillofmind.train.monitor import peak_flops

    peak = peak_flops(torch.device("cuda"))
    operations = (4 if job.rank else 6) * weights
    result: Json = {"device": torch.cuda.get_device_name()}
    for name, runs in found.items():
        speed = statistics.median(tokens / sum(one.seconds(1, job.skipped)) for one in runs)
        result[name] = {
            "tokens_per_s": round(speed),
            "peak_device_mb": round(max(one.device_bytes for one in runs) / 1e6),
            "mfu": round(speed * operations / peak, 3) if peak else None,
        }
    return result


def verdict(found: Mapping[str, Json]) -> Json:
    """Return the aims and whether they are met, by CPU seconds."""
    aims: Json = {}
    for size, one in found.items():
        by_cpu = one["som_divided_by"]["cpu"]
        for other, what, most in (
            ("torch", "update", MOST_OVER_BARE),
            ("torch, lean", "update", MOST_OVER_BARE),
            ("trl", "start_up", MOST_START_UP),
        ):
            if other in by_cpu:
                value = by_cpu[other][what]["median"]
                aims[f"{size}: {what} over {other}"] = {
                    "measured": value,
                    "aim": round(most, 3),
                    "met": value <= most,
                }
    return aims


def on_cpu(options: argparse.Namespace) -> Json:
    """Return the result on the CPU."""
    found = {}
    for size in options.sizes:
        shape = SHAPES[size]
        job = Job("", "", options.updates or shape.updates, shape.batch, options.micro or shape.micro)
        found[size] = measure(shape, chosen(options.arms), job, options.rounds, options.threads)
    return {"aims": verdict(found), "sizes": found}


def on_gpu(options: argparse.Namespace) -> Json:
    """Return the result on the GPU: all weights, then LoRA."""
    shape = SHAPES["llama-3.2-1b"]
    arms = [arm for arm in chosen(options.arms) if not arm.lean]
    found = {}
    for name, rank in (("full", 0), ("lora", 256)):
        job = Job(
            "",
            "",
            options.updates or shape.updates,
            shape.batch,
            options.micro or shape.micro,
            device="cuda",
            precision="bf16",
            rank=rank,
            max_tokens=2048,
            attention=options.attention,
            rate=1e-5,
        )
        found[name] = measure(shape, arms, job, options.rounds, options.threads)
    return {"aims": gpu_verdict(found), "trained": found}


def gpu_verdict(found: Mapping[str, Json]) -> Json:
    """Return the aims on a GPU and whether they are met."""
    mfu = found["full"]["gpu"]["som"]["mfu"]
    aims: Json = {
        "full: MFU": {"measured": mfu, "aim": LEAST_MFU, "met": mfu is not None and mfu >= LEAST_MFU}
    }
    for name, one in found.items():
        if "trl" in one["gpu"]:
            times = one["gpu"]["som"]["tokens_per_s"] / one["gpu"]["trl"]["tokens_per_s"]
            aims[f"{name}: tokens/s over trl"] = {"measured": round(times, 3), "aim": 1.0, "met": times > 1}
    return aims


def chosen(names: Sequence[str]) -> list[Arm]:
    """Return the arms of these names, in the usual order."""
    return [arm for arm in ARMS if arm.name in names]


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    made = parser(__doc__)
    names = [arm.name for arm in ARMS]
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where to train")
    made.add_argument("--rounds", type=int, default=ROUNDS, help="of all arms in turn (default: 5)")
    made.add_argument("--updates", type=int, help="instead of each network's own number; 6 at least")
    made.add_argument("--micro", type=int, help="rows of a forward pass, a divisor of 16 (default: 8)")
    made.add_argument("--threads", type=int, default=1, help="of torch in each arm (default: 1)")
    made.add_argument(
        "--sizes", nargs="+", choices=("1M", "5M"), default=["1M", "5M"], help="networks on the CPU"
    )
    made.add_argument("--arms", nargs="+", choices=names, default=names, help="leave others out; som stays")
    made.add_argument("--attention", default="sdpa", help="of the other arms on a GPU (default: sdpa)")
    options = made.parse_args(words)
    if options.rounds < 2:
        made.error(f"--rounds {options.rounds} is too few; 2 is the least.")
    if options.updates is not None and options.updates < 6:
        made.error(f"--updates {options.updates} is too few; the first 2 are not measured, 6 is the least.")
    if options.micro is not None and (options.micro < 1 or BATCH % options.micro):
        made.error(f"--micro {options.micro} does not divide the {BATCH} rows of an update.")
    options.arms = list(dict.fromkeys(["som", *options.arms]))
    return options


def main() -> None:
    """Run the benchmark."""
    options = arguments()
    result = on_cpu(options) if options.device == "cpu" else on_gpu(options)
    report(
        {"benchmark": "train_speed", "machine": machine(), "rounds": options.rounds, **result}, options.out
    )


if __name__ == "__main__":
    main()
