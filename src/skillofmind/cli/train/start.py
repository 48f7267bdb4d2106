"""What `som train sft` and `som train dpo` have in common: processes, run directory, base, rows, the end."""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from skillofmind.cli.main import interrupted
from skillofmind.cli.printable import printable
from skillofmind.cli.train.page import write_page
from skillofmind.cli.train.telling import told_once
from skillofmind.core.errors import ConfigurationError, DataError, SkillOfMindError
from skillofmind.core.record import Record
from skillofmind.data.files import expand
from skillofmind.mind.starter import starter_path
from skillofmind.run.atomic import write_lines_atomic
from skillofmind.run.directory import MANIFEST, RunDirectory

if TYPE_CHECKING:
    from skillofmind.cli.train.rows import Row
    from skillofmind.train.chat.options import RowOptions
    from skillofmind.train.chat.prepare import Prepared
    from skillofmind.train.presets import Preset
    from skillofmind.train.recipe import End, Place
    from skillofmind.train.shard import Ranks
    from skillofmind.train.weights.folder import Base

BASE = "base"
"""Folder of a model made from nothing, in the run directory."""

REFUSED = "refused.jsonl"

_TEXTS = ("content", "text", "prompt", "completion", "chosen", "rejected")
_SHOWN = 3


class Job(NamedTuple):
    """What to do.

    Attributes:
        command: name in the manifest.
        out: run directory.
        model: folder of the base; `None` makes one as the preset says.
        preset: where the settings come from.
        settings: record with every setting.
        seed: of a model that is made.
        file: training rows; `None` for the package's.
        held_out: rows to evaluate on; `None` for the file's own validation split.
        rows: reader of a file's splits.
        options: how rows become token rows.
        learn: trains.
        device: a torch device, or `auto`.
        json: print the end as JSON.
    """

    command: str
    out: Path
    model: Path | None
    preset: "Preset"
    settings: Record
    seed: int
    file: Path | None
    held_out: Path | None
    rows: "Callable[[Path | None, Iterable[str | None]], Iterator[Row]]"
    options: "RowOptions"
    learn: "Callable[[Base, Prepared, Prepared | None, Place], End]"
    device: str
    json: bool


class Ended(Record, frozen=True):
    """What `--json` prints.

    Attributes:
        updates: made in all.
        of: updates of the whole run.
        finished: whether all were made.
        last: the last record of `updates.jsonl`.
        weights: SHA-256 of the trained weights and the optimiser.
    """

    updates: int
    of: int
    finished: bool
    last: dict[str, Any] = {}
    weights: str = ""


_AT_ONCE = 1.0
"""Seconds within which a second Ctrl-C is the first one, which a launcher passes on once more."""


class _Leaving:
    """Whether a signal asked to save and leave, which, and when."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.since = 0.0

    def __call__(self) -> bool:
        return self.signal is not None


def trained(job: Job) -> int:
    """Train, and return the exit code.

    Raises:
        ConfigurationError, DataError, TrainingDiverged, StorageError: as the functions it calls.
    """
    from skillofmind.models.local.loading import quiet_libraries
    from skillofmind.train.shard import ranks

    quiet_libraries()
    with ranks(job.device) as here, told_once(here), ExitStack() as owned:
        first = here.rank == 0
        leaving = owned.enter_context(_leaving(quiet=not first))
        run = owned.enter_context(_run_directory(job)) if first else None
        with _cleared_if_refused(run):
            base, prepared, held_out = _material(job, here, run)
        if first:
            _tell(job, prepared, held_out, run)
        from skillofmind.train.recipe import Place

        end = job.learn(base, prepared, held_out, Place(job.out, here, run, leaving, quiet=not first))
        weights = _weights(end) if job.json else ""
    code = _ended(job, end, weights, leaving) if first else 0
    return code if here.world == 1 else _left(code)


def _run_directory(job: Job) -> RunDirectory:
    from skillofmind.models.local.loading import find_folder, folder_fingerprint

    base = None if job.model is None else folder_fingerprint(find_folder(job.model, allow_download=False))
    files = [path for path in (job.file or starter_path(), job.held_out) if path is not None]
    return RunDirectory.open(
        job.out,
        command=job.command,
        options={
            "model": job.model,
            "model_hash": base,
            "size": job.preset.size if job.model is None else None,
            "rows": job.options,
            "settings": job.settings,
        },
        seeds={"training": job.seed},
        data=expand(files),
    )


def _material(job: Job, here: "Ranks", run: RunDirectory | None) -> "tuple[Base, Prepared, Prepared | None]":
    """Load the base and the rows, once rank 0 has the run directory and the base is there."""
    from skillofmind.train.chat.prepare import prepare
    from skillofmind.train.shard import agreed
    from skillofmind.train.weights.folder import open_base

    folder = job.model or job.out / BASE
    if run is not None and job.model is None and not folder.is_dir():
        _make_base(job, folder)
    agreed(False, here)
    base = open_base(folder, here.device)
    size = base.network.config.get_text_config().vocab_size
    from skillofmind.cli.train.rows import HELD_OUT, TRAIN, has_dialogues

    prepared = prepare(job.rows(job.file, TRAIN), base.tokenizer, job.options, network_vocab_size=size)
    _refuse_other_kind(job, prepared)
    # A file of rows has no splits; all of it is trained on.
    if job.held_out is None and not has_dialogues(job.file):
        return base, prepared, None
    apart = list(job.rows(job.held_out or job.file, TRAIN + HELD_OUT if job.held_out else HELD_OUT))
    if not apart:
        return base, prepared, None
    return base, prepared, prepare(apart, base.tokenizer, job.options, network_vocab_size=size)


@contextmanager
def _cleared_if_refused(run: RunDirectory | None) -> Iterator[None]:
    """Leave a new run directory empty where the block refuses to begin, so that a corrected start fits."""
    try:
        yield
    except SkillOfMindError:
        if run is not None and not run.resumed:
            shutil.rmtree(run.path / BASE, ignore_errors=True)
            (run.path / MANIFEST).unlink(missing_ok=True)
        raise


def _refuse_other_kind(job: Job, prepared: "Prepared") -> None:
    """Refuse rows that this command would pass over.

    Raises:
        DataError: there are some.
    """
    kinds = {"train sft": ("pairs", "dpo"), "train dpo": ("examples", "sft")}
    kind, other = kinds[job.command]
    count = getattr(prepared.counts, kind)
    if count:
        what = "preference pairs" if kind == "pairs" else "rows with one answer"
        raise DataError(
            f"{str(job.file)!r} has {count:,} {what}, which `som train {other}` learns and "
            f"`som {job.command}` does not; name a file without them."
        )


def _make_base(job: Job, folder: Path) -> None:
    from skillofmind.cli.train.rows import TRAIN
    from skillofmind.train.weights.scratch import make_folder

    if job.preset.size is None:
        raise ConfigurationError(
            f"preset {job.preset.name!r} is for {job.preset.base}; name its folder with --model FOLDER."
        )
    texts = (text for row in job.rows(job.file, TRAIN) for text in _texts(getattr(row, "row", row)))
    make_folder(folder, texts, job.preset.size, job.seed)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a row that a model will read."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if isinstance(item, str):
                if name in _TEXTS:
                    yield item
            else:
                yield from _texts(item)


def _tell(job: Job, prepared: "Prepared", held_out: "Prepared | None", run: RunDirectory | None) -> None:
    """Say what is about to be trained, and keep it with what was refused."""
    counts = prepared.counts
    made = counts.pairs or counts.examples
    kind = "pairs" if counts.pairs else "examples"
    apart = (held_out.counts.pairs or held_out.counts.examples) if held_out else 0
    lines = [
        f"train: {made:,} {kind} of {counts.rows:,} rows, {apart:,} held out, {counts.refused:,} refused, "
        f"{counts.truncated:,} truncated",
        f"       {counts.tokens:,} tokens, {counts.share_trained:.0%} of them trained, longest row "
        f"{counts.longest:,}, an answer ends with {counts.stop!r}",
    ]
    for one in prepared.refused[:_SHOWN]:
        lines.append(f"       refused {one.id!r}: {one.reason}")
    if len(prepared.refused) > _SHOWN:
        lines.append(f"       and {len(prepared.refused) - _SHOWN} more; all are in {job.out / REFUSED}")
    sys.stderr.write("\n".join(printable(line) for line in lines) + "\n")
    if run is not None:
        run.event("prepared", train=counts, held_out=held_out.counts if held_out else None)
        rows = (msgspec.json.encode(one._asdict()) for one in prepared.refused)
        write_lines_atomic(run.output(REFUSED), rows)


def _ended(job: Job, end: "End", weights: str, leaving: _Leaving) -> int:
    last = write_page(job.out)
    for reason in end.skipped:
        sys.stderr.write(f"som: {printable(reason)}; an older checkpoint was taken.\n")
    if job.json:
        ended = Ended(end.updates, end.of, end.finished, last, weights)
        sys.stdout.write(msgspec.json.encode(ended).decode() + "\n")
    elif end.finished:
        sys.stdout.write(
            f"{end.updates} updates made, loss {last.get('loss', float('nan')):.4g}; curves are in "
            f"{job.out / 'training.html'}\n"
            f"next: som train export {job.out} FOLDER\n"
        )
    if end.finished:
        return 0
    sys.stderr.write(f"som: saved after update {end.updates} of {end.of}; the same command goes on.\n")
    return interrupted() if leaving.signal == signal.SIGINT else 0


def _left(code: int) -> int:
    """End a rank here and now.

    Everything is written and closed. The threads of the process group may outlive it, and one that drops its
    last tensor while the interpreter shuts down aborts the process, which torchrun takes for a failure.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _weights(end: "End") -> str:
    from skillofmind.train.checkpoint import weights_fingerprint

    return weights_fingerprint(end.policy.state())


@contextmanager
def _leaving(*, quiet: bool) -> Iterator[_Leaving]:
    """Note SIGTERM and the first Ctrl-C; a second Ctrl-C ends at once."""
    leaving = _Leaving()
    if threading.current_thread() is not threading.main_thread():
        yield leaving
        return

    def note(number: int, frame: Any) -> None:
        now = time.monotonic()
        if leaving.signal is None:
            leaving.signal, leaving.since = number, now
            if not quiet:
                # The signal may have come in the middle of a write to the buffered `sys.stderr`.
                os.write(2, b"som: saving after this update; Ctrl-C again gives it up.\n")
        elif number == signal.SIGINT and now - leaving.since > _AT_ONCE:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield leaving
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
