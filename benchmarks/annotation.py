"""Annotation: `som annotate` against a bare aiohttp loop, distilabel and inspect_ai, on the same requests.

A server in a process of its own answers each request after 50 ms with an annotation for that row; 64, then
256 requests are in flight. Each arm is a command in a fresh process: it reads N rows from a file, asks,
keeps what it was told on the disk, reads the reply as JSON and writes rows. The requests are equal, which is
checked first: the server must see the same messages and sampling fields from every arm, each row once, and
every arm must come to the same skill for every row.

    som              `som annotate`: renders the prompts itself, logs every answer (flushed to the disk every
                     half second), parses, filters, counts tokens, writes four files and a card
    som, cache       the same with `--cache`
    aiohttp loop     the floor: ready prompts, an appended log flushed every half second, json.loads
    distilabel       a `ChatGeneration` task with `OpenAILLM`, batches as large as what is in flight, cache on
    inspect_ai       `generate` and a solver that reads the reply, no scorer, its log on

Each arm runs with two numbers of rows. `whole` is the larger run, start-up included; `marginal` is what the
further rows took. CPU and memory are those of all processes of the command. The peers run fewer rows, since
their marginal cost shows earlier; the numbers are in `rows`.

The peers need environments of their own, and are left out without them:

    python -m venv FOLDER; FOLDER/bin/pip install 'distilabel[openai]==1.5.3' requests
    python -m venv OTHER; OTHER/bin/pip install inspect-ai==0.3.285 'openai>=3.4'
    python -m benchmarks.annotation --distilabel FOLDER --inspect OTHER --out annotation.json

`--memory ROWS` runs `som annotate` alone over so many small rows without latency, and adds what it took to
the file under `memory`; a million rows take about 20 minutes.
"""

import argparse
import functools
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.annotation_server import MODEL, Begin, Server, capacity, mark, serving, skill
from benchmarks.dialogues import from_file
from benchmarks.measure import Json, interleaved, machine, parser, report, summary
from benchmarks.process_tree import Took, took
from skillofmind.core.dialogue import Dialogue, Turn
from skillofmind.data.select import Instance, write_instances
from skillofmind.mind.annotate.request import TEACHER_SAMPLING, teacher_request, wording
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "benchmarks" / "peers"
LATENCY = 0.05
IN_FLIGHT = (64, 256)
ROUNDS = 5
CHECKED = 200
MOST_MEGABYTES = 250.0
MOST_CPU_MS = 1.2
LEAST_ROWS_PER_S = 600
PEER_ROWS = {"distilabel": (256, 1280), "inspect_ai": (256, 768)}


class Arm(NamedTuple):
    """One way to annotate.

    Attributes:
        name: in the result.
        python: the interpreter.
        script: of `benchmarks/peers`; "" is `som annotate`.
        rows: fewer and more rows.
        cache: whether `som annotate` keeps answers in a cache as well.
    """

    name: str
    python: str
    script: str
    rows: tuple[int, int]
    cache: bool = False


class Pair(NamedTuple):
    """What the fewer and the more rows of one round took."""

    few: Took
    many: Took


class Place(NamedTuple):
    """Where things are: a folder for files, the server, packages that a peer lacks."""

    folder: Path
    server: Server
    lacking: Path | None


def cases(turns: int = 5) -> Iterator[Instance]:
    """Yield rows without end, each with the mark of its case in the turn before the target.

    Speakers, context and turns are those of the English demo dialogues, drawn by the number of the case.
    """
    kinds = [kind for kind in from_file(None) if kind.lang in ("", "en") and not _has_images(kind)]
    texts = [turn.text for kind in kinds for turn in kind.turns]
    replies = [text for text in texts if 6 <= len(text.split()) <= 20]
    for case in count():
        kind, chance = kinds[case % len(kinds)], random.Random(case)
        keys = list(dict.fromkeys(turn.speaker for turn in kind.turns))
        said = [chance.choice(texts) for _ in range(turns)]
        said[-1] += f" {mark(case)}"
        shown = tuple(Turn(keys[n % len(keys)], text) for n, text in enumerate(said))
        target = Turn(keys[turns % len(keys)], chance.choice(replies))
        context = msgspec.structs.replace(
            kind, id=f"bench:{case}", turns=shown, split=None, responder=target.speaker
        )
        yield Instance(f"0:bench:{case}", context, target, turns)


def _has_images(kind: Dialogue) -> bool:
    return any(turn.images for turn in kind.turns)


def sampling() -> Json:
    """Return the model and the sampling fields of every request."""
    found = TEACHER_SAMPLING
    return {
        "model": MODEL,
        "temperature": found.temperature,
        "top_p": found.top_p,
        "max_tokens": found.max_tokens,
    }


def write_rows(folder: Path, rows: int) -> None:
    """Write the rows for us, and for the others the same rows as ready prompts."""
    words = wording(load_template(None).annotate, load_taxonomy(None))
    with (folder / f"targets-{rows}.jsonl").open("wb") as targets:
        targets.writelines(write_instances(islice(cases(), rows)))
    with (folder / f"prompts-{rows}.jsonl").open("wb") as prompts:
        for case, row in enumerate(islice(cases(), rows)):
            messages = [
                {"role": one.role, "content": one.text()} for one in teacher_request(row, words).messages
            ]
            prompts.write(msgspec.json.encode({"case": case, "messages": messages}) + b"\n")


def command(arm: Arm, rows: int, in_flight: int, place: Place, out: Path) -> list[str]:
    """Return the words that run an arm."""
    if not arm.script:
        targets, cache = str(place.folder / f"targets-{rows}.jsonl"), str(out / "answers.sqlite")
        return [
            *(arm.python, "-m", "skillofmind", "annotate", targets, str(out / "run")),
            *("--teacher", MODEL, "--base-url", place.server.base_url, "--limits", f"at_once={in_flight}"),
            *(["--cache", cache] if arm.cache else []),
        ]
    prompts = str(place.folder / f"prompts-{rows}.jsonl")
    asked = json.dumps(sampling())
    return [
        arm.python,
        str(SCRIPTS / arm.script),
        prompts,
        str(out),
        place.server.base_url,
        str(in_flight),
        asked,
    ]


def environment(arm: Arm, place: Place, out: Path) -> dict[str, str]:
    """Return the environment of an arm: ours imports this checkout, a peer what its own folder holds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    made = {**kept, "HOME": str(out), "OMP_NUM_THREADS": "1"}
    if not arm.script:
        return {**made, "PYTHONPATH": str(ROOT / "src")}
    quiet = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "DISTILABEL_LOG_LEVEL": "ERROR"}
    return {**made, **quiet, **({"PYTHONPATH": str(place.lacking)} if place.lacking else {})}


def run(arm: Arm, rows: int, in_flight: int, place: Place) -> Took:
    """Run an arm once.

    Raises:
        ValueError: the server was not asked exactly once for every row.
    """
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        out = Path(name)
        place.server.begin(Begin(rows, LATENCY))
        found = took(command(arm, rows, in_flight, place, out), environment(arm, place, out), out)
        seen = place.server.seen()
    if (seen.requests, seen.asked_once) != (rows, rows):
        raise ValueError(f"{arm.name} made {seen.requests} requests for {seen.asked_once} of {rows} rows.")
    return found


def pair(arm: Arm, in_flight: int, place: Place) -> Pair:
    """Run an arm with fewer and with more rows."""
    few, many = arm.rows
    return Pair(run(arm, few, in_flight, place), run(arm, many, in_flight, place))


def check_equal_work(arms: list[Arm], place: Place) -> Json:
    """Run every arm over a few rows and compare what it asked and what it came to.

    Raises:
        ValueError: an arm asks something else, or reads another skill from an answer.
    """
    wanted = {str(case): skill(case) for case in range(CHECKED)}
    digests = {}
    for arm in arms:
        with tempfile.TemporaryDirectory(dir=place.folder) as name:
            out = Path(name)
            place.server.begin(Begin(CHECKED, keep=True))
            words = command(arm, CHECKED, 64, place, out)
            answers = [str(out / "answers.json")] if arm.script else []
            took([*words, *answers], environment(arm, place, out), out)
            seen, found = place.server.seen(), read_answers(arm, out)
        if (seen.requests, seen.asked_once) != (CHECKED, CHECKED) or found != wanted:
            wrong = sum(found.get(case) != name for case, name in wanted.items())
            raise ValueError(f"{arm.name}: {seen.requests} requests for {CHECKED} rows, {wrong} wrong.")
        digests[arm.name] = seen.digest
    if len(set(digests.values())) != 1:
        raise ValueError(f"the arms do not ask the same: {digests}.")
    return {"rows": CHECKED, "requests_of_each_arm": CHECKED, "digest_of_all_requests": seen.digest[:16]}


def read_answers(arm: Arm, out: Path) -> dict[str, str]:
    """Return case -> skill as an arm wrote it."""
    if arm.script:
        found: dict[str, str] = json.loads((out / "answers.json").read_text("utf-8"))
        return found
    rows = map(msgspec.json.decode, (out / "run" / "annotated.jsonl").read_bytes().splitlines())
    return {row["id"].rpartition(":")[2]: row["annotations"][0]["skill"] for row in map(_last_turn, rows)}


def _last_turn(row: Json) -> Json:
    return {"id": row["id"], "annotations": row["turns"][-1]["annotations"]}


def figures(arm: Arm, found: list[Pair]) -> Json:
    """Return the figures of one arm at one number in flight."""
    few, many = arm.rows
    more = many - few
    wall = [one.many.wall - one.few.wall for one in found]
    cpu = [one.many.cpu - one.few.cpu for one in found]
    return {
        "rows": [few, many],
        "whole": {
            "rows_per_s": summary([many / one.many.wall for one in found], 1),
            "cpu_ms_per_row": summary([one.many.cpu / many * 1000 for one in found], 3),
        },
        "marginal": {
            "rows_per_s": summary([more / one for one in wall], 1),
            "cpu_ms_per_row": summary([one / more * 1000 for one in cpu], 3),
        },
        "fixed": {
            "cpu_s": summary(
                [one.few.cpu - few * spent / more for one, spent in zip(found, cpu, strict=True)], 2
            ),
            "wall_s": summary(
                [one.few.wall - few * spent / more for one, spent in zip(found, wall, strict=True)], 2
            ),
        },
        "peak_mb": {
            "largest_process": round(max(one.many.largest_mb for one in found), 1),
            "all_processes": round(max(one.many.together_mb for one in found), 1),
        },
    }


def arms_of(options: argparse.Namespace) -> list[Arm]:
    """Return the arms that can run here."""
    rows = (options.rows // 5, options.rows)
    found = [
        Arm("som", sys.executable, "", rows),
        Arm("som, cache", sys.executable, "", rows, cache=True),
        Arm("aiohttp loop", sys.executable, "with_aiohttp.py", rows),
    ]
    for name, folder in (("distilabel", options.distilabel), ("inspect_ai", options.inspect)):
        if folder is not None:
            # Not resolved: the link in the folder is what makes it an environment.
            python = str(folder.absolute() / "bin" / "python")
            found.append(Arm(name, python, f"with_{name.removesuffix('_ai')}.py", PEER_ROWS[name]))
    return found


def measure(arms: list[Arm], rounds: int, lacking: Path | None) -> Json:
    """Return the result for these arms."""
    with tempfile.TemporaryDirectory() as name, serving() as server:
        place = Place(Path(name), server, lacking)
        for rows in {CHECKED, *(rows for arm in arms for rows in arm.rows)}:
            write_rows(place.folder, rows)
        checked = check_equal_work(arms, place)
        found: dict[str, Json] = {}
        for in_flight in IN_FLIGHT:
            made = interleaved(
                {arm.name: functools.partial(pair, arm, in_flight, place) for arm in arms}, rounds
            )
            found[str(in_flight)] = {arm.name: figures(arm, made[arm.name]) for arm in arms}
        served = capacity(server, bodies(place.folder))
    return {
        "what": f"a server answers after {LATENCY * 1000:.0f} ms; figures by requests in flight",
        "rounds": rounds,
        "equal_work": checked,
        "server": served | headroom(found, served),
        "in_flight": found,
        "times_som": {in_flight: times(by_arm) for in_flight, by_arm in found.items()},
        "targets": verdict(found["64"]["som"]["marginal"]),
    }


def bodies(folder: Path) -> list[bytes]:
    """Return the requests that were checked, as bytes."""
    lines = (folder / f"prompts-{CHECKED}.jsonl").read_bytes().splitlines()
    rows = [msgspec.json.decode(line) for line in lines]
    return [msgspec.json.encode({"messages": row["messages"], **sampling()}) for row in rows]


def headroom(found: Mapping[str, Json], served: Mapping[str, float]) -> Json:
    """Return how many times the fastest arm the server could serve."""
    fastest = max(
        one["marginal"]["rows_per_s"]["median"] for by_arm in found.values() for one in by_arm.values()
    )
    return {"times_the_fastest_arm": round(served["requests_per_s_with_a_plain_sender"] / fastest, 1)}


def times(by_arm: Mapping[str, Json]) -> Json:
    """Return the marginal rows a second and CPU of `som`, divided by those of each other arm."""
    ours = by_arm["som"]["marginal"]
    return {
        name: {
            "rows_per_s": round(ours["rows_per_s"]["median"] / one["marginal"]["rows_per_s"]["median"], 2),
            "cpu": round(ours["cpu_ms_per_row"]["median"] / one["marginal"]["cpu_ms_per_row"]["median"], 3),
        }
        for name, one in by_arm.items()
        if name != "som"
    }


def verdict(ours: Json) -> Json:
    """Return the targets at 64 in flight and whether they are met."""
    rows, cpu = ours["rows_per_s"]["median"], ours["cpu_ms_per_row"]["median"]
    return {
        "rows per s": {"measured": rows, "target": LEAST_ROWS_PER_S, "met": rows >= LEAST_ROWS_PER_S},
        "CPU ms per row": {"measured": cpu, "target": MOST_CPU_MS, "met": cpu <= MOST_CPU_MS},
    }


def memory(rows: int) -> Json:
    """Return what `som annotate` takes for so many small rows without latency."""
    arm = Arm("som", sys.executable, "", (rows, rows))
    with tempfile.TemporaryDirectory() as name, serving() as server:
        place, out = Place(Path(name), server, None), Path(name)
        with (out / f"targets-{rows}.jsonl").open("wb") as targets:
            targets.writelines(write_instances(islice(cases(turns=2), rows)))
        server.begin(Begin(rows))
        found = took(command(arm, rows, 64, place, out), environment(arm, place, out), out)
        seen = server.seen()
    if (seen.requests, seen.asked_once) != (rows, rows):
        raise ValueError(f"{seen.requests} requests for {seen.asked_once} of {rows} rows.")
    return {
        "rows": rows,
        "in_flight": 64,
        "latency_s": 0,
        "peak_mb": round(found.largest_mb, 1),
        "cpu_ms_per_row": round(found.cpu / rows * 1000, 3),
        "rows_per_s": round(rows / found.wall, 1),
        "target_peak_mb": MOST_MEGABYTES,
        "met": found.largest_mb <= MOST_MEGABYTES,
        "machine": machine(),
    }


def versions(arms: list[Arm]) -> dict[str, str]:
    """Return the versions of what the arms use."""
    wanted = {"aiohttp loop": "aiohttp", "distilabel": "distilabel", "inspect_ai": "inspect-ai"}
    code = "import importlib.metadata as m, sys; print(*(f'{n}={m.version(n)}' for n in sys.argv[1:]))"
    found: dict[str, str] = {}
    for arm in arms:
        if arm.name in wanted:
            names = [wanted[arm.name], *(["openai"] if arm.python != sys.executable else [])]
            said = subprocess.run(
                [arm.python, "-c", code, *names], capture_output=True, text=True, check=True
            )
            for named in said.stdout.split():
                name, _, version = named.partition("=")
                found[name if name == wanted[arm.name] else f"{name} of {arm.name}"] = version
    return found


def merged(result: Json, out: Path | None) -> Json:
    """Return the result with the parts of an earlier one that this run did not measure."""
    earlier = json.loads(out.read_text("utf-8")) if out is not None and out.exists() else {}
    return {**earlier, **result}


def main() -> None:
    """Run the benchmark."""
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=2000, help="rows of the larger run (default: 2000)")
    made.add_argument("--rounds", type=int, default=ROUNDS, help=f"interleaved rounds (default: {ROUNDS})")
    made.add_argument("--distilabel", type=Path, metavar="FOLDER", help="environment with distilabel")
    made.add_argument("--inspect", type=Path, metavar="FOLDER", help="environment with inspect_ai")
    made.add_argument(
        "--with", dest="lacking", type=Path, metavar="FOLDER", help="packages that a peer lacks"
    )
    made.add_argument("--memory", type=int, metavar="ROWS", help="measure memory over so many rows instead")
    options = made.parse_args()
    if options.memory is not None:
        result = {"benchmark": "annotation", "memory": memory(options.memory)}
    else:
        arms = arms_of(options)
        result = {"benchmark": "annotation", "machine": machine(), "versions": versions(arms)}
        result |= measure(arms, options.rounds, options.lacking)
    report(merged(result, options.out), options.out)


if __name__ == "__main__":
    main()
