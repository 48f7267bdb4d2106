"""Kill a process that saves, again and again: `python killing.py FOLDER KILLS SEED`, in one start of torch.

After each kill the newest checkpoint has to be intact, hold exactly the tensors of its step, and be no older
than the one before. A line of JSON with the steps found goes to stdout.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

from skillofmind.train.checkpoint import Checkpoints
from skillofmind.train.shard import Ranks
from tests.train.rank_work import at, save_until_killed

ONE = Ranks(0, 1, torch.device("cpu"))


def kill_a_saver(folder: Path, seconds: float) -> None:
    child = os.fork()
    if child == 0:
        try:
            save_until_killed(folder, ONE)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the saver ended by itself: {status}"


def newest(folder: Path) -> int:
    """Return the step of the newest checkpoint, 0 without one, and check what it holds."""
    with Checkpoints(folder, ONE) as checkpoints:
        saved = checkpoints.latest()
        if saved is None:
            return 0
        assert saved.skipped == ()
        wanted = at(saved.step, ONE)
        found = {name: torch.zeros_like(tensor) for name, tensor in wanted.items()}
        assert checkpoints.load(saved, found) == {"step": saved.step}
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) <= 3, names  # a kill between the rename and the rotation leaves one more
    assert not [name for name in names if name.startswith(".")]
    return saved.step


def main(folder: Path, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    draw = random.Random(seed)
    steps = []
    for _ in range(kills):
        kill_a_saver(folder, draw.uniform(0.0, 0.12))
        steps.append(newest(folder))
    sys.stdout.write(json.dumps(steps) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
