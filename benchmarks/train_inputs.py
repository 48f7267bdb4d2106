"""What the arms of the training benchmark share: the job, the rows, and the clock.

Rows look like chats: lengths are log-normal, and about 70 % of a row is a prompt that nothing is learned
from. An arm gets the path of a job as JSON, and writes the path that it is given with a `Record`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Job(NamedTuple):
    """One training.

    Attributes:
        model: folder of the network to start from.
        rows: file of rows as JSON lines: `ids` and `prompt`, how many of them are the prompt; in the order
            of training, so row n belongs to update n // batch.
        updates: to make.
        batch: rows of an update.
        micro: rows of a forward pass.
        skipped: first updates that are not measured.
        device: `cpu` or `cuda`.
        precision: `fp32` or `bf16`.
        rank: of LoRA on all linear layers; 0 trains all weights.
        max_tokens: longest row.
        attention: of transformers: `sdpa`, or `flash_attention_2` where it is installed.
        lean: whether the bare loop projects the vocabulary at the trained tokens only, as we and TRL do.
        rate: of learning.
    """

    model: str
    rows: str
    updates: int
    batch: int
    micro: int
    skipped: int = 2
    device: str = "cpu"
    precision: str = "fp32"
    rank: int = 0
    max_tokens: int = 256
    attention: str = "sdpa"
    lean: bool = False
    rate: float = 1e-3


class Row(NamedTuple):
    """Tokens of a row and how many of them are the prompt."""

    ids: list[int]
    prompt: int


CLIP = 1.0


def rows(count: int, vocabulary: int, *, most: int, seed: int = 0, full: bool = False) -> list[Row]:
    """Return rows of random tokens; all of `most` tokens where `full`."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        length = most if full else int(np.clip(draw.lognormal(np.log(110), 0.6), 24, most))
        prompt = int(np.clip(draw.normal(0.7, 0.1), 0.4, 0.9) * length)
        found.append(Row(draw.integers(3, vocabulary, length).tolist(), prompt))
    return found


def write_rows(found: list[Row], path: Path) -> None:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row._asdict()) + "\n" for row in found), "utf-8")


def read_rows(path: str) -> list[Row]:
    """Read what `write_rows` wrote."""
    with open(path, encoding="utf-8") as file:
        return [Row(**json.loads(line)) for line in file]


def read_job() -> tuple[Job, Path]:
    """Return the job and where the record goes, from the command line of an arm."""
    job, out = sys.argv[1:]
    return Job(**json.loads(Path(job).read_text("utf-8"))), Path(out)


def wall_since_start() -> float:
    """Return the wall seconds since this process was started; Linux only."""
    fields = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
    ticks = int(fields[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


class Clock:
    """Notes CPU and wall seconds since the start of the process after each update.

    On a GPU it waits for the device only at the ends of what is measured: an arm may run ahead in between.
    """

    def __init__(self, job: Job, wait: Callable[[], object] = lambda: None) -> None:
        """Take the job, and what waits for the device."""
        self.stamps: list[tuple[float, float]] = []
        self._ends, self._wait = (1, job.skipped, job.updates - 1), wait

    def __call__(self) -> None:
        """Note an update."""
        if len(self.stamps) + 1 in self._ends:
            self._wait()
        self.stamps.append((time.process_time(), wall_since_start()))


def device_clock(job: Job) -> Clock:
    """Return a clock that waits for the GPU where the job has one."""
    if job.device == "cpu":
        return Clock(job)
    import torch

    return Clock(job, torch.cuda.synchronize)


def write_record(out: Path, clock: Clock, losses: list[float], job: Job) -> None:
    """Write what an arm has to say: stamps, the loss of each update, and the GPU's peak memory in bytes."""
    found: dict[str, Any] = {"stamps": clock.stamps, "losses": losses, "device_bytes": 0}
    if job.device != "cpu":
        import torch

        found["device_bytes"] = torch.cuda.max_memory_allocated()
    out.write_text(json.dumps(found), "utf-8")
