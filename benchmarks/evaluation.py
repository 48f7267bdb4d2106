"""Evaluation: what a framework takes for an item, against inspect_ai and lm-eval on the same items.

Two kinds of work, each a command in a fresh process that reads N rows, asks, keeps every sample with its
answer on the disk, scores it and writes the result with an interval:

    chat      one prompt of about 120 words a row to a server on the loopback that answers at once
    choice    four choices a row, of which the likeliest by a model that is a checksum; no server.
              inspect_ai has no log-likelihoods: a mock model answers with the letter

The work is equal, which is checked first: the server must see the same messages and sampling fields from
every arm, each row once, and every arm must come to the same answer for every row.

    som           `evals.runner` over the HTTP model with retries, limits and metering; items, log, cases and
                  summary with 1,000 resamples
    inspect_ai    `generate` and `includes`, or `multiple_choice` and `choice`; its log on, no live view
    lm-eval       `generate_until` over `local-chat-completions`, or `multiple_choice`; samples saved

Each arm runs with 1,000 and with more rows. `whole` is the smaller run, start-up included; `marginal` is what
the further rows took. CPU and memory are those of all processes of the command.

    python -m venv FOLDER; FOLDER/bin/pip install inspect-ai==0.3.285 'openai>=3.4'
    python -m venv OTHER; OTHER/bin/pip install lm-eval==0.4.13 torch aiohttp tenacity transformers
    python -m benchmarks.evaluation --inspect FOLDER --lm-eval OTHER --out results/benchmarks/evaluation.json
"""

import argparse
import functools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from benchmarks.annotation_server import MODEL, Begin, Server, mark, serving, skill
from benchmarks.measure import Json, interleaved, machine, parser, report, summary
from benchmarks.process_tree import Took, took

Kind = Literal["chat", "choice"]

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "benchmarks" / "peers"
IN_FLIGHT = 32
ROUNDS = 5
CHECKED = 100
MOST_CPU_MS = 1.5
SAMPLING = {"model": MODEL, "temperature": 0.0, "top_p": 1.0, "max_tokens": 256}
FURTHER = {"som": 4000, "inspect_ai": 300, "lm-eval": 1000}
"""Arm -> further items of its larger run; a peer's marginal cost shows earlier."""
WORDS = (
    "keys",
    "train",
    "friend",
    "letter",
    "garden",
    "late",
    "sorry",
    "kitchen",
    "dinner",
    "answer",
    "exam",
)


class Arm(NamedTuple):
    """One framework.

    Attributes:
        name: in the result.
        python: the interpreter.
        script: of `benchmarks/peers`.
    """

    name: str
    python: str
    script: str


class Ran(NamedTuple):
    """What one run took and wrote."""

    took: Took
    megabytes: float


class Place(NamedTuple):
    """Where rows are and who answers."""

    folder: Path
    server: Server


def rows(kind: Kind, count: int) -> list[Json]:
    """Return the rows of one kind of work."""
    found: list[Json] = []
    for case in range(count):
        chance = random.Random(case)
        prompt = f"{mark(case)} " + " ".join(chance.choice(WORDS) for _ in range(120))
        if kind == "chat":
            found.append({"case": case, "prompt": f"{prompt}\nWhich skill?", "target": skill(case)})
            continue
        choices = [" ".join(chance.choice(WORDS) for _ in range(8)) for _ in range(4)]
        row = {"case": case, "prompt": f"{prompt}\nWhat is said next?", "choices": choices}
        found.append({**row, "target": chance.choice("ABCD")})
    return found


def write_rows(folder: Path, kind: Kind, count: int) -> None:
    """Write the rows that every arm reads."""
    lines = (json.dumps(row) + "\n" for row in rows(kind, count))
    (folder / f"{kind}-{count}.jsonl").write_text("".join(lines), "utf-8")


def command(arm: Arm, kind: Kind, count: int, place: Place, out: Path) -> list[str]:
    """Return the words that run an arm."""
    file = str(place.folder / f"{kind}-{count}.jsonl")
    asked = [place.server.base_url, str(IN_FLIGHT), json.dumps(SAMPLING)]
    return [arm.python, str(SCRIPTS / arm.script), kind, file, str(out), *asked]


def environment(arm: Arm, out: Path) -> dict[str, str]:
    """Return the environment of an arm: ours imports this checkout, a peer what its own folder holds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made = {**kept, "HOME": str(out), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "BENCH_API_KEY": "none"}
    return {**made, "PYTHONPATH": str(ROOT / "src")} if arm.name == "som" else made


def run(arm: Arm, kind: Kind, count: int, place: Place) -> Ran:
    """Run an arm once.

    Raises:
        ValueError: the server was not asked exactly once for every row.
    """
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        out = Path(name)
        (out / "log").mkdir()
        place.server.begin(Begin(count))
        found = took(command(arm, kind, count, place, out / "log"), environment(arm, out), out)
        seen = place.server.seen()
        written = sum(file.stat().st_size for file in (out / "log").rglob("*") if file.is_file()) / 1e6
    if kind == "chat" and (seen.requests, seen.asked_once) != (count, count):
        raise ValueError(f"{arm.name} made {seen.requests} requests for {seen.asked_once} of {count} rows.")
    return Ran(found, written)


def pair(arm: Arm, kind: Kind, counts: tuple[int, int], place: Place) -> tuple[Ran, Ran]:
    """Run an arm with fewer and with more rows."""
    return run(arm, kind, counts[0], place), run(arm, kind, counts[1], place)


def check_equal_work(arms: list[Arm], kind: Kind, place: Place) -> Json:
    """Run every arm over a few rows and compare what it asked and what it came to.

    Raises:
        ValueError: an arm asks something else, or comes to another answer.
    """
    write_rows(place.folder, kind, CHECKED)
    digests: dict[str, str] = {}
    found: dict[str, Any] = {}
    for arm in arms:
        with tempfile.TemporaryDirectory(dir=place.folder) as name:
            out = Path(name)
            place.server.begin(Begin(CHECKED, keep=True))
            words = command(arm, kind, CHECKED, place, out)
            took([*words, str(out / "answers.json")], environment(arm, out), out)
            digests[arm.name] = place.server.seen().digest
            found[arm.name] = json.loads((out / "answers.json").read_text("utf-8"))
    if len(set(digests.values())) != 1:
        raise ValueError(f"the arms do not ask the same: {digests}.")
    for name, answers in found.items():
        wrong = [case for case, text in found["som"].items() if answers.get(case) != text]
        if wrong or len(answers) != CHECKED:
            raise ValueError(f"{name} comes to other answers for {len(wrong)} rows, such as {wrong[:3]}.")
    asked = {"digest_of_all_requests": next(iter(digests.values()))[:16]} if kind == "chat" else {}
    return {"rows": CHECKED, "same_answers": True, **asked}


def figures(counts: tuple[int, int], found: list[tuple[Ran, Ran]]) -> Json:
    """Return the figures of one arm."""
    few, many = counts
    more = many - few
    cpu = [(after.took.cpu - before.took.cpu) / more * 1000 for before, after in found]
    wall = [after.took.wall - before.took.wall for before, after in found]
    return {
        "items": [few, many],
        "whole": {
            "wall_s": summary([before.took.wall for before, _ in found], 2),
            "items_per_s": summary([few / before.took.wall for before, _ in found], 1),
            "cpu_ms_per_item": summary([before.took.cpu / few * 1000 for before, _ in found], 3),
        },
        "marginal": {
            "items_per_s": round(more / statistics.median(wall), 1),
            "cpu_ms_per_item": summary(cpu, 3),
        },
        "peak_mb": round(max(before.took.largest_mb for before, _ in found), 1),
        "log_mb": round(found[-1][0].megabytes, 2),
        "log_bytes_per_item": round(found[-1][0].megabytes * 1e6 / few),
    }


def times(by_arm: Mapping[str, Json]) -> Json:
    """Return how many times the CPU of `som` each other arm takes."""
    ours = by_arm["som"]
    return {
        name: {
            part: round(one[part]["cpu_ms_per_item"]["median"] / ours[part]["cpu_ms_per_item"]["median"], 1)
            for part in ("whole", "marginal")
        }
        for name, one in by_arm.items()
        if name != "som"
    }


def measure(arms: list[Arm], items: int, rounds: int) -> Json:
    """Return the result for these arms."""
    result: Json = {"in_flight": IN_FLIGHT, "rounds": rounds, "equal_work": {}, "kinds": {}, "times_som": {}}
    with tempfile.TemporaryDirectory() as name, serving() as server:
        place = Place(Path(name), server)
        counts = {arm.name: (items, items + FURTHER[arm.name] * items // 1000) for arm in arms}
        for kind in get_args(Kind):
            for count in {count for two in counts.values() for count in two}:
                write_rows(place.folder, kind, count)
            result["equal_work"][kind] = check_equal_work(arms, kind, place)
            work = {arm.name: functools.partial(pair, arm, kind, counts[arm.name], place) for arm in arms}
            made = interleaved(work, rounds)
            found = {arm.name: figures(counts[arm.name], made[arm.name]) for arm in arms}
            result["kinds"][kind], result["times_som"][kind] = found, times(found)
    spent = result["kinds"]["chat"]["som"]["marginal"]["cpu_ms_per_item"]["median"]
    result["target"] = {"CPU ms per chat item": spent, "at most": MOST_CPU_MS, "met": spent <= MOST_CPU_MS}
    return result


def versions(arms: list[Arm]) -> dict[str, str]:
    """Return the versions of what the peers use."""
    wanted = {"inspect_ai": ("inspect-ai", "openai"), "lm-eval": ("lm-eval", "aiohttp")}
    code = "import importlib.metadata as m, sys; print(*(f'{n}={m.version(n)}' for n in sys.argv[1:]))"
    found: dict[str, str] = {}
    for arm in arms:
        names = wanted.get(arm.name, ("msgspec", "aiohttp", "numpy"))
        said = subprocess.run([arm.python, "-c", code, *names], capture_output=True, text=True, check=True)
        for one in said.stdout.split():
            name, _, version = one.partition("=")
            found[f"{name} of {arm.name}"] = version
    return found


def arms_of(options: argparse.Namespace) -> list[Arm]:
    """Return the arms that can run here."""
    found = [Arm("som", sys.executable, "evaluate_with_som.py")]
    for name, script, folder in (
        ("inspect_ai", "evaluate_with_inspect.py", options.inspect),
        ("lm-eval", "evaluate_with_lm_eval.py", options.lm_eval),
    ):
        if folder is not None:
            # Not resolved: the link in the folder is what makes it an environment.
            found.append(Arm(name, str(folder.absolute() / "bin" / "python"), script))
    return found


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--items", type=int, default=1000, help="items of the smaller run (default: 1000)")
    made.add_argument("--rounds", type=int, default=ROUNDS, help=f"interleaved rounds (default: {ROUNDS})")
    made.add_argument("--inspect", type=Path, metavar="FOLDER", help="environment with inspect_ai")
    made.add_argument("--lm-eval", type=Path, metavar="FOLDER", help="environment with lm-eval")
    options = made.parse_args()
    arms = arms_of(options)
    result: Json = {"benchmark": "evaluation", "machine": machine(), "versions": versions(arms)}
    result |= measure(arms, options.items, options.rounds)
    report(result, options.out)


if __name__ == "__main__":
    main()
