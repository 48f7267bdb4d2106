"""Data commands: CPU, dialogues a second and peak memory of `som data` at 100 thousand and 1 million turns.

Dialogues of 10 turns on average are made in a temporary folder; every command runs in a process of its own.
CPU seconds and peak memory (`ru_maxrss`) are those of that process, interpreter and imports included. Linux
starts the peak of a process at that of the process that starts it, so that a large benchmark would measure
itself: a small launcher stands between, and `bare python` shows the floor. Memory must stay below 200 MB
and must not grow with the number of turns.

Beside them, the same corpus is loaded and iterated (every turn touched) in ConvoKit and in Hugging Face
`datasets`, where they are importable. They are no dependencies of the package:

    pip install --target FOLDER convokit datasets
    python -m benchmarks.data_formats --with FOLDER --out results/benchmarks/data_formats.json

`convokit` reads a corpus folder without our extra fields, `datasets` JSONL with chat messages, ours the same
JSONL. `datasets` writes an Arrow copy to a cache first, so that its second run is cheaper; both are shown.
`--scale 0.1` makes a tenth of the dialogues.
"""

import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.dialogues import from_file
from benchmarks.measure import Json, add_target, machine, parser, report
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.exchange import convokit, openai_messages
from skillofmind.data.jsonl import write_jsonl
from skillofmind.run.atomic import write_lines_atomic

DIALOGUES = 100_000
MOST_MEGABYTES = 200.0
MOST_GROWTH = 1.25

_PEERS = {
    "convokit": """
import sys
from convokit import Corpus
corpus = Corpus(filename=sys.argv[1])
turns = sum(len(one.text) >= 0 for talk in corpus.iter_conversations() for one in talk.iter_utterances())
assert turns == int(sys.argv[2]), turns
""",
    "datasets": """
import sys
from datasets import load_dataset
rows = load_dataset("json", data_files=sys.argv[1], split="train", cache_dir=sys.argv[3])
turns = sum(len(one["content"]) >= 0 for row in rows for one in row["messages"] if one["role"] != "system")
assert turns == int(sys.argv[2]), turns
""",
    "ours": """
import sys
from pathlib import Path
from skillofmind.data.formats import read_any
turns = sum(len(one.text) >= 0 for row in read_any([Path(sys.argv[1])]) for one in row.turns)
assert turns == int(sys.argv[2]), turns
""",
}


def made(count: int, seed: int = 0) -> Iterator[Dialogue]:
    """Yield `count` dialogues of 5 to 15 turns, one at a time, with speakers and context of the demo ones."""
    chance, kinds = random.Random(seed), from_file(None)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        texts = [chance.choice(kind.turns).text for _ in range(chance.randint(5, 15))]
        keys = list(dict.fromkeys(turn.speaker for turn in kind.turns))
        turns = tuple(Turn(keys[n % len(keys)], f"{text} ({n})") for n, text in enumerate(texts))
        yield msgspec.structs.replace(
            kind, turns=turns, id=f"bench:{number}", corpus="bench", split=None, responder=None
        )


def write_corpus(folder: Path, count: int) -> Json:
    """Write the corpus as JSONL, chat messages and ConvoKit; return its sizes."""
    turns = sum(len(one.turns) for one in made(count))
    write_lines_atomic(folder / "d.jsonl", write_jsonl(made(count)))
    openai_messages.write(made(count), folder / "chat.jsonl", plain=True)
    convokit.write(made(count), folder / "convokit", plain=True)
    return {
        "dialogues": count,
        "turns": turns,
        "jsonl_mb": round((folder / "d.jsonl").stat().st_size / 1e6, 1),
    }


_LAUNCHER = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said = done.stderr[-2000:].decode("utf-8", "replace")
json.dump([done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss, said], sys.stdout)
"""


def child(command: Sequence[str], env: Mapping[str, str], dialogues: int) -> Json:
    """Run a command to its end; return seconds, dialogues a second and peak memory of that process alone.

    Raises:
        RuntimeError: it failed; the message ends with what it said.
    """
    begun = time.perf_counter()
    launched = subprocess.run(
        [sys.executable, "-S", "-c", _LAUNCHER, *command], env=dict(env), capture_output=True, check=True
    )
    wall = time.perf_counter() - begun
    code, cpu, peak, said = msgspec.json.decode(launched.stdout)
    if code:
        raise RuntimeError(f"{' '.join(command[:6])}: {said}")
    # Linux counts in KiB, macOS in bytes.
    peak *= 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        "dialogues_per_cpu_s": round(dialogues / cpu),
        "peak_mb": round(peak / 1e6, 1),
    }


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the measured commands by name; those whose module is not there are left out."""
    file, out = str(folder / "d.jsonl"), str(folder / "out")
    found = {
        "convert to openai": ["convert", file, "--to", "openai", "--out", out],
        "convert to sharegpt": ["convert", file, "--to", "sharegpt", "--out", out],
        "convert to convokit": ["convert", file, "--to", "convokit", "--out", f"{out}-convokit"],
        "convert from openai": ["convert", str(folder / "chat.jsonl"), "--out", out],
        "validate": ["validate", file],
        "stats": ["stats", file],
        "select": ["select", file, "--out", out],
        "split": ["split", file, "--out", f"{out}-parts"],
    }
    missing = [n for n in ("select", "split") if importlib.util.find_spec(f"skillofmind.data.{n}") is None]
    return {"bare python": [sys.executable, "-c", ""]} | {
        name: [sys.executable, "-m", "skillofmind", "data", *words]
        for name, words in found.items()
        if name not in missing
    }


def peers(folder: Path, sizes: Json, env: Mapping[str, str]) -> Json:
    """Return what loading and iterating the corpus takes, ours beside those that are importable."""
    found: Json = {}
    files = {"convokit": "convokit", "datasets": "chat.jsonl", "ours": "chat.jsonl"}
    for name, code in _PEERS.items():
        if name != "ours" and importlib.util.find_spec(name) is None:
            found[name] = None
            continue
        command = [
            sys.executable,
            "-c",
            code,
            str(folder / files[name]),
            str(sizes["turns"]),
            str(folder / "cache"),
        ]
        for run in ("first", "second"):
            found[f"{name}, {run} run"] = child(command, env, sizes["dialogues"])
    return found


def measure(scale: float, with_folder: Path | None) -> Json:
    """Return all numbers, and whether memory is bounded and flat."""
    paths = [str(Path(__file__).parents[1] / "src"), *([str(with_folder)] if with_folder else [])]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"}
    sizes, ours, others = {}, {}, {}
    for name, count in (("small", int(DIALOGUES * scale) // 10), ("large", int(DIALOGUES * scale))):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            sizes[name] = write_corpus(folder, count)
            ours[name] = {title: child(words, env, count) for title, words in commands(folder).items()}
            others[name] = peers(folder, sizes[name], env)
    growth = {
        title: round(ours["large"][title]["peak_mb"] / ours["small"][title]["peak_mb"], 3)
        for title in ours["large"]
    }
    most = max(one["peak_mb"] for one in ours["large"].values())
    return {
        "machine": machine(),
        "sizes": sizes,
        "commands": ours,
        "load_and_iterate": others,
        "peak_large_over_small": growth,
        "targets": {
            "most_peak_mb": MOST_MEGABYTES,
            "peak_mb": most,
            "most_growth": MOST_GROWTH,
            "growth": max(growth.values()),
            "met": most <= MOST_MEGABYTES and max(growth.values()) <= MOST_GROWTH,
        },
    }


def main() -> int:
    """Run the benchmark; return the exit code."""
    made_parser = parser(__doc__)
    made_parser.add_argument(
        "--with", dest="packages", type=Path, metavar="FOLDER", help="packages to compare with"
    )
    made_parser.add_argument("--scale", type=float, default=1.0, help="share of the dialogues to make")
    options = made_parser.parse_args()
    add_target(options.packages)
    report(measure(options.scale, options.packages), options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
