"""Start the test script on several ranks."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE / "rank_work.py"
LAUNCH = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def environment() -> dict[str, str]:
    source = HERE.parents[1]
    path = os.pathsep.join([str(source / "src"), str(source), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def command(kind: str, folder: Path) -> list[str]:
    return [sys.executable, *LAUNCH, str(SCRIPT), kind, str(folder)]


def launch(kind: str, folder: Path, limit: float = 120.0) -> subprocess.CompletedProcess[str]:
    """Run to the end; output is text."""
    return subprocess.run(
        command(kind, folder), capture_output=True, text=True, env=environment(), timeout=limit, check=False
    )
