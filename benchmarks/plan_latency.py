"""How long the embedded planner takes for one plan, on one core.

Warm: every dialogue of a JSONL file is planned for its last turn, over and over until there are enough plans;
the first pass is not counted. Cold: `som plan` on one dialogue in a fresh process, from start to exit.
"""

import os

# Set before numpy is loaded, which reads them once.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import msgspec

from benchmarks.measure import Json, both, machine, parser, report, spent_by_process
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.embedded import EmbeddedPlanner
from skillofmind.mind.starter import starter_path

_SOM = "import sys; from skillofmind.cli.main import main; sys.exit(main(sys.argv[1:]))"


def dialogues(path: Path) -> list[Dialogue]:
    """Return the dialogues of a file, each as it stood before its last turn; with one turn, as it is."""
    rows = accepted(read_dialogues(path))
    return [row.before(len(row.turns) - 1) if len(row.turns) > 1 else row for row in rows]


def warm(planner: EmbeddedPlanner, given: Sequence[Dialogue], plans: int) -> Json:
    """Return percentiles of wall and CPU milliseconds over `plans` plans.

    Raises:
        ValueError: a plan failed; then a time would say nothing.
    """
    for dialogue in given:
        if not planner.plan_now(dialogue).valid:
            raise ValueError(f"no valid plan for {dialogue.id!r}.")
    wall, cpu = [], []
    for dialogue in islice(cycle(given), max(plans, len(given))):
        began, began_cpu = time.perf_counter(), time.thread_time()
        planner.plan_now(dialogue)
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.thread_time() - began_cpu) * 1000)
    return {"plans": len(wall), "wall_ms": percentiles(wall), "cpu_ms": percentiles(cpu)}


def percentiles(values: Sequence[float]) -> Json:
    """Return median, 95th and 99th percentile and maximum."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(values)}
    return {name: round(value, 3) for name, value in found.items()}


def cold(dialogue: Dialogue, repeats: int) -> Json:
    """Return seconds of `som plan FILE --json` with one dialogue, process start and loading included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.jsonl"
        file.write_bytes(msgspec.json.encode(dialogue) + b"\n")
        command = [sys.executable, "-c", _SOM, "plan", str(file), "--json"]
        return both([spent_by_process(command) for _ in range(repeats)])


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument(
        "file", type=Path, nargs="?", default=None, help="dialogues; those of the package without"
    )
    made.add_argument(
        "--planner", type=Path, default=None, metavar="FILE", help="a planner that `som fit` wrote"
    )
    made.add_argument("--plans", type=int, default=2000, help="plans to time, at least 2000 (default: 2000)")
    made.add_argument("--repeats", type=int, default=9, help="cold starts (default: 9)")
    options = made.parse_args()
    if options.plans < 2000:
        made.error(f"--plans {options.plans} is too few for a 99th percentile; 2000 is the least.")
    given = dialogues(options.file or starter_path())
    planner = EmbeddedPlanner(options.planner)
    turns = statistics.mean(len(dialogue.turns) for dialogue in given)
    result = {
        "planner": planner.identity,
        "dialogues": len(given),
        "mean_turns": round(turns, 1),
        "warm": warm(planner, given, options.plans),
        "cold": cold(given[0], options.repeats),
    }
    report({"benchmark": "plan_latency", "machine": machine(), "threads": 1, **result}, options.out)


if __name__ == "__main__":
    main()
