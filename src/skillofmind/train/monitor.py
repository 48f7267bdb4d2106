"""What a run tells while it trains: one record an update, TensorBoard, and a line of progress.

    updates.jsonl   key: number of the update, value: everything known after it
    tensorboard/    the same numbers as scalars
    terminal        loss, gradient norm, tokens a second, time left

A run that goes on writes no update twice, although it may make some again that it had made before it died:
they are the same updates.
"""

import resource
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from skillofmind.core.record import Record
from skillofmind.run.atomic import storage_errors
from skillofmind.run.directory import RunDirectory
from skillofmind.run.progress import Progress
from skillofmind.train.loop import Told

UPDATES = "updates"
"""Name of the log."""

TENSORBOARD = "tensorboard"
"""Name of the folder."""

_PEAKS = {"H100": 989e12, "H200": 989e12, "H20": 148e12, "A100": 312e12, "L40": 362e12, "B200": 2250e12}


class UpdateRecord(Record, frozen=True):
    """One line of `updates.jsonl`.

    Attributes:
        loss: mean over the trained tokens (or pairs) of the update.
        gradient_norm: before clipping.
        learning_rate: that the update used.
        passed: passes through the rows when the update was done.
        trained: what the loss was divided by.
        tokens: positions computed, padding included.
        seconds: wall time.
        memory: bytes at most in use so far: of the device where there is one, else of the process.
        mfu: share of the device's peak arithmetic in bfloat16; `None` where the peak is not known.
        told: further means, such as the accuracy of preference pairs.
        held_out: what an evaluation after the update told.
    """

    loss: float
    gradient_norm: float
    learning_rate: float
    passed: float
    trained: int
    tokens: int
    seconds: float
    memory: int
    mfu: float | None = None
    told: dict[str, float] = {}
    held_out: dict[str, float] = {}


_OWN = ("loss", "gradient_norm", "learning_rate", "trained", "tokens")


class Monitor:
    """Takes what the loop tells; owns the TensorBoard writer and the progress display."""

    def __init__(
        self,
        run: RunDirectory,
        updates: int,
        *,
        done: int = 0,
        passed: Callable[[int], float] = lambda update: 0.0,
        flops: float = 0.0,
        device: torch.device | None = None,
        quiet: bool = False,
    ) -> None:
        """Prepare.

        Args:
            run: where the records go.
            updates: of the whole run.
            done: of them, before this start.
            passed: number of an update -> passes made before it.
            flops: arithmetic of one token, forward and backward (`flops_per_token`); for the MFU.
            device: on which it runs.
            quiet: show no progress.
        """
        self._log = run.log(UPDATES)
        self._folder, self._done = run.path / TENSORBOARD, done
        self._passed, self._flops = passed, flops
        self._device = device or torch.device("cpu")
        self._progress = Progress(updates, "train", done=done, quiet=quiet)
        self._closing = ExitStack()
        self._board: Any = None

    def __enter__(self) -> Self:
        self._board = _board(self._folder, self._done)
        if self._board is not None:
            self._closing.callback(self._close_board)
        self._closing.enter_context(self._progress)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)

    def __call__(self, told: Told) -> None:
        """Write and show one update."""
        record = self._record(told)
        if not self._log.has(str(told.update)):
            self._log.append(str(told.update), record)
        self._draw(told.update, record)
        rate = record.tokens / max(told.seconds, 1e-9)
        self._progress.note = (
            f"loss {record.loss:.4g}, gradient {record.gradient_norm:.3g}, {_short(rate)} tokens/s"
            + (f", MFU {record.mfu:.0%}" if record.mfu is not None else "")
        )
        self._progress.advance()

    def _record(self, told: Told) -> UpdateRecord:
        means = told.means
        return UpdateRecord(
            loss=means["loss"],
            gradient_norm=means["gradient_norm"],
            learning_rate=means["learning_rate"],
            passed=self._passed(told.update),
            trained=int(means["trained"]),
            tokens=int(means["tokens"]),
            seconds=told.seconds,
            memory=_memory(self._device),
            mfu=self._mfu(means["tokens"], told.seconds),
            told={name: value for name, value in means.items() if name not in _OWN},
            held_out=told.held_out or {},
        )

    def _mfu(self, tokens: float, seconds: float) -> float | None:
        peak = peak_flops(self._device)
        if peak is None or not self._flops:
            return None
        return tokens * self._flops / (max(seconds, 1e-9) * peak)

    def _draw(self, update: int, record: UpdateRecord) -> None:
        if self._board is None:
            return
        flat = {name: getattr(record, name) for name in ("loss", "gradient_norm", "learning_rate")}
        flat["tokens_per_second"] = record.tokens / max(record.seconds, 1e-9)
        flat |= {f"train/{name}": value for name, value in record.told.items()}
        flat |= {f"held_out/{name}": value for name, value in record.held_out.items()}
        if record.mfu is not None:
            flat["mfu"] = record.mfu
        # Its thread writes; what the disk said to the thread comes up here, later.
        with storage_errors(self._folder):
            for name, value in flat.items():
                self._board.add_scalar(name, value, update)

    def _close_board(self) -> None:
        with storage_errors(self._folder):
            self._board.close()


def flops_per_token(network: Any, *, frozen_base: bool) -> float:
    """Return the arithmetic of one token, forward and backward, without attention's quadratic part.

    Two operations a weight forward, two for the gradient of what comes in, and two for the weight's own
    gradient, which a frozen base does not need; the table of embeddings is looked up, not multiplied. What
    recomputed activations cost is not counted, as is usual.

    Args:
        network: any causal language model, with or without adapters.
        frozen_base: whether only adapters are trained.
    """
    embeddings = network.get_input_embeddings().weight
    # Compared as objects: a part of a sharded weight has no address of its own.
    tied = embeddings is network.get_output_embeddings().weight
    weights = sum(one.numel() for one in network.parameters()) - (0 if tied else embeddings.numel())
    return float((4 if frozen_base else 6) * weights)


def peak_flops(device: torch.device) -> float | None:
    """Return the device's dense arithmetic in bfloat16 a second; `None` where it is not known."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for known, peak in _PEAKS.items() if known in name), None)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    # Linux counts in KiB, macOS in bytes.
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def _board(folder: Path, done: int) -> Any:
    """Return a TensorBoard writer, or `None` where the package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    # Events after the checkpoint, or of a start that got to none, are written again now: those are hidden.
    return SummaryWriter(str(folder), purge_step=done + 1)


def _short(number: float) -> str:
    return f"{number / 1000:.3g}k" if number >= 1000 else f"{number:.3g}"
