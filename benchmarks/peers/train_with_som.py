"""Our own recipe in the training benchmark: what `som train sft` runs behind its options.

    python -m benchmarks.peers.train_with_som JOB OUT

The run directory, the record of every update, TensorBoard where it is installed and the last checkpoint are
what they always are; only the progress on the terminal is off.
"""

from pathlib import Path

import torch

from benchmarks.train_inputs import CLIP, Job, Row, device_clock, read_job, read_rows, write_record
from skillofmind.run.directory import RunDirectory
from skillofmind.train.monitor import UPDATES
from skillofmind.train.policy import ONE
from skillofmind.train.recipe import Place, Split, sft
from skillofmind.train.rows.order import Order, planned
from skillofmind.train.rows.token_row import CE, IGNORE, Example, token_row
from skillofmind.train.settings import Lora, Optimiser, Rows, Training
from skillofmind.train.weights.folder import open_base

SEED = 0


def training(job: Job) -> Training:
    """Return our settings for the job."""
    return Training(
        optimiser=Optimiser(learning_rate=job.rate),
        rows=Rows(batch=job.batch, micro=job.micro, passes=1, updates=job.updates, max_tokens=job.max_tokens),
        lora=Lora(rank=job.rank, alpha=2.0 * job.rank) if job.rank else None,
        precision="bf16" if job.precision == "bf16" else "fp32",
        clip=CLIP,
        seed=SEED,
    )


def examples(rows: list[Row], batch: int) -> list[Example]:
    """Return the rows as examples, placed so that our own shuffling gives their order in the file back."""
    made = [
        token_row(str(number), row.ids, [IGNORE] * row.prompt + [CE] * (len(row.ids) - row.prompt))
        for number, row in enumerate(rows)
    ]
    updates = planned([[1]] * len(rows), Order(batch, seed=SEED))
    drawn = [number for update in updates for ((number, _),) in update.bins]
    placed = dict(zip(drawn, made, strict=True))
    return [Example(placed[number].id, (placed[number],)) for number in range(len(made))]


def losses(folder: Path) -> list[float]:
    """Return the loss of each update as the run wrote it."""
    import msgspec

    lines = (folder / f"{UPDATES}.jsonl").read_bytes().splitlines()
    return [line["value"]["loss"] for line in map(msgspec.json.decode, lines)]


def main() -> None:
    """Train."""
    job, out = read_job()
    clock, folder = device_clock(job), out.parent / "run"
    here = ONE._replace(device=torch.device(job.device))

    def stop() -> bool:
        # Asked after each update but the last.
        clock()
        return False

    with RunDirectory.open(folder, command="train", options=job._asdict()) as run:
        base = open_base(Path(job.model), here.device)
        rows = examples(read_rows(job.rows), job.batch)
        sft(base, Split(rows), training(job), Place(folder, here, run, stop, quiet=True))
    write_record(out, clock, losses(folder), job)


if __name__ == "__main__":
    main()
