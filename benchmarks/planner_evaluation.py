"""Whole evaluations by `som eval plans`, killed and resumed, and their numbers.

    python -m benchmarks.planner_evaluation --data ../shared/data --out results/planner_evaluation.json

Two planners are asked the same items of all corpora whose labels the package can read: the embedded one, and
the prompted one behind a stand-in that matches words (`benchmarks.word_matcher`), which shows how far the
skills' definitions alone lead. Each is run twice: once straight, and once killed (SIGKILL) at three moments
and resumed; the reports, cases and summaries of both must be the same bytes.

The corpora are not part of the project. Without them nothing is measured. About five minutes on one core.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.chat_server import serving
from benchmarks.measure import parser, report
from benchmarks.word_matcher import MODEL, WordMatcher
from skillofmind.evals.files import CASES, ITEMS, LOG, SUMMARY, read_summary
from skillofmind.evals.records import Result, Summary

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TASKS = (
    "starter",
    "esconv",
    "casino",
    "persuasionforgood",
    "annomi",
    "empathetic_dialogues",
    "cima",
    "dailydialog",
    "xdailydialog.de",
    "xdailydialog.it",
    "xdailydialog.zh",
    "socialdial",
    "diasafety",
)
ITEMS_A_TASK = 300
KILLS = 3
REPORTS = ("report.html", "report.md", "report.json")
_POLL = 0.005
_SEED = 7


class Arm(NamedTuple):
    """One planner: its name in the results, and its options on the command line."""

    name: str
    options: tuple[str, ...]


def main() -> None:
    """Measure, and print one JSON object."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder of the corpora")
    options.add_argument("--n", type=int, default=ITEMS_A_TASK, metavar="N", help="items of each task")
    chosen = options.parse_args()
    if not chosen.data.is_dir():
        sys.stdout.write(f"skipped: {chosen.data} is absent; the corpora are not part of the project.\n")
        return
    report(measure(chosen.data, chosen.n), chosen.out)


def measure(data: Path, n: int) -> dict[str, Any]:
    """Return all numbers."""
    with ExitStack() as stack:
        server = stack.enter_context(serving(WordMatcher()))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        arms = (
            Arm("embedded", ()),
            Arm("word_matcher", ("--planner", "prompted", "--model", MODEL, "--base-url", server.base_url)),
        )
        return {"items_a_task": n, "planners": {arm.name: _arm(arm, folder, data, n) for arm in arms}}


def _arm(arm: Arm, folder: Path, data: Path, n: int) -> dict[str, Any]:
    straight, broken = folder / arm.name, folder / f"{arm.name}-killed"
    command = ("--tasks", ",".join(TASKS), "--data", str(data), "--n", str(n), *arm.options)
    _som("eval", "plans", str(straight), *command)
    items = (straight / ITEMS).read_bytes().count(b"\n")
    marks = sorted(random.Random(_SEED).sample(range(items // 20, items), KILLS))
    killed = [_killed(broken, command, mark) for mark in marks]
    _som("eval", "plans", str(broken), *command)
    # Both are reported on under one name, as the name of a run is part of its report.
    same = {name: (straight / name).read_bytes() == (broken / name).read_bytes() for name in (CASES, SUMMARY)}
    same |= _same_reports(straight, broken, folder / f"{arm.name}-reports")
    return {
        "items": items,
        "killed_after": killed,
        "same_bytes": same,
        **_numbers(read_summary(straight)),
    }


def _killed(run: Path, command: Sequence[str], mark: int) -> int:
    """Start the evaluation, kill it once the log has `mark` answers, and return how many it has then."""
    log = run / f"{LOG}.jsonl"
    process = subprocess.Popen(_words("eval", "plans", str(run), *command), stderr=subprocess.DEVNULL)
    while process.poll() is None and _lines(log) < mark:
        time.sleep(_POLL)
    if process.poll() is not None:
        raise SystemExit(f"the run ended before it could be killed after {mark} answers")
    process.send_signal(signal.SIGKILL)
    process.wait()
    return _lines(log)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _same_reports(straight: Path, broken: Path, out: Path) -> dict[str, bool]:
    found: dict[str, list[bytes]] = {name: [] for name in REPORTS}
    for number, run in enumerate((straight, broken)):
        # The folder's name is the run's name in a report.
        named = out / str(number) / straight.name
        named.parent.mkdir(parents=True)
        run.rename(named)
        _som("eval", "report", str(named), "--format", "html,md,json")
        for name in REPORTS:
            found[name].append((named / name).read_bytes())
        named.rename(run)
    return {name: one == other for name, (one, other) in found.items()}


def _som(*words: str) -> None:
    subprocess.run(_words(*words), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _words(*words: str) -> list[str]:
    return [sys.executable, "-m", "skillofmind", *words]


def _numbers(summary: Summary) -> dict[str, Any]:
    settings = {name: value for name, value in summary.settings.items() if "127.0.0.1" not in value}
    return {
        "settings": settings,
        "results": {result.task: _result(result) for result in summary.results},
        "notes": list(summary.notes),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "items": result.items,
        "groups": result.groups,
        "failed": result.failed,
        "measures": {
            one.measure: {
                "value": one.value if one.value is None else round(one.value, 4),
                "interval95": None
                if one.low is None or one.high is None
                else [round(one.low, 4), round(one.high, 4)],
                "n": one.n,
            }
            for one in result.estimates
        },
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
