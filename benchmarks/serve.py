"""`som serve` against the upstream itself, the LiteLLM proxy and optillm, all before the same upstream.

The upstream is a server in a process of its own that always says the same, at once; a generator in another
process sends chat requests with 48 dialogues in turn from 1, 8, 32 or 128 clients, each as soon as its last
answer is there. One client is the sequential case. Every case is measured with and without a stream (16
events), and the arms of a case one right after the other, so that a slow minute meets all of them.

    direct                 no proxy: what the upstream and the generator can do
    som, off               `som serve --inject off`: bytes there, bytes back
    som, embedded          `som serve`: the embedded planner plans each answer, in the process
    ..., 2 workers         the same with `--workers 2`
    litellm                its proxy, 1 worker, one model, no callbacks, no log, no price list from the net
    optillm                its approach `none`: pass on; no log

All are started once and stay up, each with its log off. Before anything is timed, the answers are compared:
what went through `som serve --inject off` must be the bytes of the upstream, and every arm must give the
same words. CPU is that of all processes of a proxy; *added* is its time less that of `direct` in the same
round. The machine is shared with the upstream and the generator, so requests a second are a lower bound.

The peers need environments of their own, and are left out without them:

    python -m venv FOLDER; FOLDER/bin/pip install 'litellm[proxy]==1.106.2'
    python -m venv OTHER; OTHER/bin/pip install optillm==0.4.0
    python -m benchmarks.serve --litellm FOLDER --optillm OTHER --out serve.json
"""

import argparse
import contextlib
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.chat_load import Generator, Load, generating
from benchmarks.chat_server import MODEL, TEXT, Fixed, Server, serving, whole
from benchmarks.measure import Json, interleaved, machine, parser, report, summary
from benchmarks.running import Running, free_port, post, running
from skillofmind.core.dialogue import Dialogue
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.starter import starter_path

ROOT = Path(__file__).parents[1]
ROUNDS = 5
SECONDS = 1.0
CLIENTS = (1, 8, 32, 128)
DELAY = 0.05
DELAYED = 32
DIALOGUES = 48
MOST_TURNS = 5
PEERS = {"litellm": "1.106.2", "optillm": "0.4.0"}
OFF, PLANNED = "som, off", "som, embedded"
LIMITS = {"optillm": 32}
"""Most clients of an arm: at 20 requests a second, 128 clients would only wait."""


class Arm(NamedTuple):
    """One way to the upstream.

    Attributes:
        name: in the result.
        workers: processes of `som serve`; 0 is another proxy, or none.
        inject: of `som serve`.
        folder: environment of a peer.
    """

    name: str
    workers: int = 0
    inject: str = ""
    folder: Path | None = None


class Case(NamedTuple):
    """One load: how many clients, whether they want streams, how long the upstream waits."""

    clients: int
    stream: bool
    delay: float = 0.0

    @property
    def name(self) -> str:
        """Its name in the result."""
        waits = f", upstream waits {self.delay * 1000:.0f} ms" if self.delay else ""
        return f"{self.clients} clients, {'stream' if self.stream else 'whole'}{waits}"


class Cell(NamedTuple):
    """What one case took one arm in one round; milliseconds."""

    requests: int
    per_s: float
    cpu_ms: float
    p10: float
    p50: float
    p95: float
    first_p10: float
    first_p50: float
    first_p95: float
    generator_cpu_ms: float
    upstream_cpu_ms: float


class Place(NamedTuple):
    """The upstream, the generator, and the servers that stand between, by the names of their arms."""

    upstream: Server
    generator: Generator
    servers: Mapping[str, Running]


def arms_of(litellm: Path | None, optillm: Path | None) -> list[Arm]:
    """Return the arms that can run here."""
    found = [
        Arm("direct"),
        Arm(OFF, 1, "off"),
        Arm(f"{OFF}, 2 workers", 2, "off"),
        Arm(PLANNED, 1, "both"),
        Arm(f"{PLANNED}, 2 workers", 2, "both"),
    ]
    for name, folder in (("litellm", litellm), ("optillm", optillm)):
        if folder is not None:
            found.append(Arm(name, folder=folder.absolute()))
    return found


def cases() -> list[Case]:
    """Return all loads."""
    return [
        *(Case(clients, stream) for clients in CLIENTS for stream in (False, True)),
        Case(DELAYED, False, DELAY),
    ]


def takes(arm: Arm, case: Case) -> bool:
    """Say whether an arm runs a case."""
    return case.clients <= LIMITS.get(arm.name, case.clients)


def requests(arm: Arm, *, stream: bool) -> tuple[bytes, ...]:
    """Return the bodies of the requests of an arm; optillm reads its approach from the name of the model."""
    model = f"none-{MODEL}" if arm.name == "optillm" else MODEL
    asked = {"model": model, "temperature": 0.7, "max_tokens": 200, **({"stream": True} if stream else {})}
    return tuple(json.dumps({**asked, "messages": messages}).encode() for messages in conversations())


@functools.cache
def conversations() -> list[list[dict[str, str]]]:
    """Return the messages of dialogues of the package, each up to something that a user says."""
    system = {"role": "system", "content": "You are a kind colleague; answer in two sentences."}
    rows = [row for row in accepted(read_dialogues(starter_path())) if len(row.turns) >= MOST_TURNS]
    return [[system, *messages_of(row)] for row in rows[:: len(rows) // DIALOGUES][:DIALOGUES]]


def messages_of(row: Dialogue) -> list[dict[str, str]]:
    """Return the first turns of a dialogue as messages; the last one is the user's."""
    turns = row.turns[:MOST_TURNS]
    return [
        {"role": "assistant" if (len(turns) - number) % 2 == 0 else "user", "content": turn.text}
        for number, turn in enumerate(turns)
    ]


def command(arm: Arm, base_url: str, port: int, folder: Path) -> list[str]:
    """Return the words that start an arm."""
    if arm.workers:
        return [
            *(sys.executable, "-m", "skillofmind", "serve", "--upstream", base_url, "--model", MODEL),
            *("--inject", arm.inject, "--workers", str(arm.workers), "--port", str(port), "--log", ""),
        ]
    assert arm.folder is not None
    program = str(arm.folder / "bin" / arm.name)
    if arm.name == "litellm":
        config = folder / "litellm.json"
        config.write_text(json.dumps(litellm_config(base_url)), "utf-8")
        return [
            *(program, "--config", str(config), "--host", "127.0.0.1", "--port", str(port)),
            *("--num_workers", "1"),
        ]
    return [
        *(program, "--base-url", base_url, "--host", "127.0.0.1", "--port", str(port), "--log", "error"),
        *("--model", MODEL, "--approach", "none"),
    ]


def litellm_config(base_url: str) -> Json:
    """Return the configuration of LiteLLM: one model; JSON is YAML."""
    place = {"model": f"openai/{MODEL}", "api_base": base_url, "api_key": "none"}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": place}],
        "litellm_settings": {"set_verbose": False, "callbacks": [], "telemetry": False},
        "general_settings": {"disable_spend_logs": True},
    }


def environment(arm: Arm, folder: Path) -> dict[str, str]:
    """Return the environment of an arm: ours imports this checkout, a peer what its own folder holds."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOM_"))}
    made = {**kept, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    if arm.workers:
        return {**made, "PYTHONPATH": str(ROOT / "src")}
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    # Without keys, as ours on this machine.
    quiet["LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"] = "true"
    return {**made, **quiet, "OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}


@contextlib.contextmanager
def started(arms: Sequence[Arm], base_url: str) -> Iterator[dict[str, Running]]:
    """Run all servers for the length of the block."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        found = {}
        for arm in arms:
            if arm.name != "direct":
                port = free_port()
                words = command(arm, base_url, port, folder)
                env, body = environment(arm, folder), requests(arm, stream=False)[0]
                found[arm.name] = stack.enter_context(running(words, env, folder, port, body))
        yield found


def check_equal_answers(arms: Sequence[Arm], place: Place) -> Json:
    """Ask every arm once in each way and compare the answers.

    Raises:
        ValueError: an arm says something else, or the bytes of `som serve --inject off` are others.
    """
    for arm in arms:
        port = _port(arm, place)
        body = answer_of(port, requests(arm, stream=False)[0])
        words = json.loads(body)["choices"][0]["message"]["content"]
        spoken = words_in_stream(answer_of(port, requests(arm, stream=True)[0]))
        if (words, spoken) != (TEXT, TEXT):
            raise ValueError(f"{arm.name} answers {words!r} and streams {spoken!r}.")
        if arm.inject == "off" and body != whole().partition(b"\r\n\r\n")[2]:
            raise ValueError(f"{arm.name} changes the bytes of an answer.")
        if arm.inject == "both" and not json.loads(body)["skillofmind"]["planned"]:
            raise ValueError(f"{arm.name} does not plan.")
    return {"arms": [arm.name for arm in arms], "same_words": True, "off_gives_the_same_bytes": True}


def answer_of(port: int, body: bytes) -> bytes:
    """Return the body of the answer to a request.

    Raises:
        ValueError: the status is not 200.
    """
    status, found = post(port, body)
    if status != 200:
        raise ValueError(f"port {port} answers with {status}: {found[:300]!r}.")
    return found


def words_in_stream(body: bytes) -> str:
    """Return the words of a stream, put together."""
    events = [line[5:].strip() for line in body.splitlines() if line.startswith(b"data:")]
    chunks = [json.loads(event) for event in events if event != b"[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def _port(arm: Arm, place: Place) -> int:
    return place.upstream.port if arm.name == "direct" else place.servers[arm.name].port


def cell(arm: Arm, case: Case, place: Place, seconds: float) -> Cell:
    """Run one case of one arm.

    Raises:
        ValueError: a request failed, or did not reach the upstream.
    """
    server = place.servers.get(arm.name)
    place.upstream.use(Fixed(case.delay))
    load = Load(_port(arm, place), requests(arm, stream=case.stream), case.clients, seconds)
    place.generator.ready(load)
    before = server.cpu() if server else 0.0
    place.upstream.seen()
    done = place.generator.go()
    cpu = (server.cpu() if server else 0.0) - before
    seen = place.upstream.seen()
    count = len(done.taken)
    if done.failed or seen.requests != count:
        raise ValueError(f"{arm.name}, {case.name}: {done.failed} of {count} failed, {seen.requests} came.")
    taken, first = percentiles(done.taken), percentiles(done.first)
    rate, each = count / done.wall, 1000 / count
    return Cell(count, rate, cpu * each, *taken, *first, done.cpu * each, seen.cpu * each)


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return 10th percentile, median and 95th percentile in milliseconds; a single value is all of them."""
    if len(seconds) == 1:
        return (seconds[0] * 1000,) * 3
    cuts = statistics.quantiles(seconds, n=20, method="inclusive")
    return cuts[1] * 1000, cuts[9] * 1000, cuts[18] * 1000


def figures(found: Sequence[Cell], direct: Sequence[Cell]) -> Json:
    """Return the figures of one arm in one case, and what it adds to `direct`, round by round."""
    pairs = list(zip(found, direct, strict=True))
    return {
        "requests": sum(one.requests for one in found),
        "requests_per_s": summary([one.per_s for one in found], 1),
        "cpu_ms": summary([one.cpu_ms for one in found], 3),
        "p50_ms": summary([one.p50 for one in found], 3),
        "p95_ms": summary([one.p95 for one in found], 3),
        "added_p10_ms": summary([one.p10 - base.p10 for one, base in pairs], 3),
        "added_p50_ms": summary([one.p50 - base.p50 for one, base in pairs], 3),
        "added_p95_ms": summary([one.p95 - base.p95 for one, base in pairs], 3),
        "added_first_byte_p50_ms": summary([one.first_p50 - base.first_p50 for one, base in pairs], 3),
        "added_first_byte_p95_ms": summary([one.first_p95 - base.first_p95 for one, base in pairs], 3),
    }


def ceiling(found: Sequence[Cell]) -> Json:
    """Return what generator and upstream do without a proxy between them."""
    return {
        "requests_per_s": summary([one.per_s for one in found], 1),
        "generator_cpu_ms": summary([one.generator_cpu_ms for one in found], 4),
        "upstream_cpu_ms": summary([one.upstream_cpu_ms for one in found], 4),
        "p50_ms": summary([one.p50 for one in found], 3),
        "p95_ms": summary([one.p95 for one in found], 3),
        "first_byte_p50_ms": summary([one.first_p50 for one in found], 3),
    }


def aims(found: Mapping[str, Json], servers: Mapping[str, Json]) -> Json:
    """Return each aim, what was measured, and whether it is met."""
    alone, many = Case(1, False).name, Case(32, False).name

    def value(case: str, arm: str, what: str) -> float:
        median: float = found[case][arm][what]["median"]
        return median

    def most(measured: float, aim: float) -> Json:
        return {"measured": round(measured, 3), "aim": f"at most {aim:g}", "met": measured <= aim}

    def least(measured: float, aim: float) -> Json:
        return {"measured": round(measured, 3), "aim": f"at least {aim:g}", "met": measured >= aim}

    best = {
        arm: max(value(case, f"{arm}, 2 workers", "requests_per_s") for case in (many, Case(128, False).name))
        for arm in (OFF, PLANNED)
    }
    made = {
        "pass-through, CPU-ms, 1 client": most(value(alone, OFF, "cpu_ms"), 1.0),
        "pass-through, CPU-ms, 32 clients": most(value(many, OFF, "cpu_ms"), 1.0),
        "pass-through, ms added (median), 1 client": most(value(alone, OFF, "added_p50_ms"), 1.5),
        "embedded planning, ms added (median), 1 client": most(value(alone, PLANNED, "added_p50_ms"), 8.0),
        "pass-through, requests/s, 2 workers": least(best[OFF], 500),
        "embedded planning, requests/s, 2 workers": least(best[PLANNED], 500),
        "pass-through, peak MB of a process": most(servers[OFF]["peak_mb"]["largest_process"], 120),
        "embedded planning, peak MB of a process": most(servers[PLANNED]["peak_mb"]["largest_process"], 120),
    }
    if "litellm" in servers:
        for clients, case in ((1, alone), (32, many)):
            times = value(case, "litellm", "cpu_ms") / value(case, OFF, "cpu_ms")
            made[f"times less CPU than LiteLLM, {clients} clients"] = least(times, 10)
    return made


def possible(found: Mapping[str, Json]) -> Json:
    """Return requests a second that two cores of their own would allow each arm: 2,000 by its CPU-ms."""
    arms = found[Case(32, False).name]
    return {name: round(2000 / arm["cpu_ms"]["median"]) for name, arm in arms.items() if name != "direct"}


def taken_by(servers: Mapping[str, Running]) -> Json:
    """Return what each server took to start, and its memory."""
    peaks = {name: server.memory() for name, server in servers.items()}
    return {
        name: {
            "start_cpu_s": round(server.start_cpu, 2),
            "start_wall_s": round(server.start_wall, 2),
            "peak_mb": {
                "largest_process": round(peaks[name].largest_mb, 1),
                "all_processes": round(peaks[name].together_mb, 1),
            },
        }
        for name, server in servers.items()
    }


def measure(arms: Sequence[Arm], rounds: int, seconds: float) -> Json:
    """Return the result for these arms."""
    with (
        serving(Fixed()) as upstream,
        generating() as generator,
        started(arms, upstream.base_url) as servers,
    ):
        place = Place(upstream, generator, servers)
        checked = check_equal_answers(arms, place)
        runs = {
            (case, arm.name): functools.partial(cell, arm, case, place, seconds)
            for case in cases()
            for arm in arms
            if takes(arm, case)
        }
        keys = {f"{case.name}|{arm}": (case, arm) for case, arm in runs}
        cells = interleaved({name: runs[key] for name, key in keys.items()}, rounds)
        taken = taken_by(servers)
    found: dict[str, Json] = {}
    for name, (case, arm) in keys.items():
        direct = cells[f"{case.name}|direct"]
        found.setdefault(case.name, {})[arm] = (
            ceiling(cells[name]) if arm == "direct" else figures(cells[name], direct)
        )
    return {
        "rounds": rounds,
        "seconds_a_case": seconds,
        "equal_answers": checked,
        "servers": taken,
        "cases": found,
        "requests_per_s_on_two_cores_of_its_own": possible(found),
        "aims": aims(found, taken),
    }


def versions(arms: Sequence[Arm]) -> dict[str, str]:
    """Return the versions of the peers."""
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    found = {}
    for arm in arms:
        if arm.folder is not None:
            python = str(arm.folder / "bin" / "python")
            said = subprocess.run([python, "-c", code, arm.name], capture_output=True, text=True, check=True)
            found[arm.name] = said.stdout.strip()
    return found


def options_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    made = parser(__doc__)
    made.add_argument("--rounds", type=int, default=ROUNDS, help=f"interleaved rounds (default: {ROUNDS})")
    made.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"for each case of a round (default: {SECONDS:g})"
    )
    for name, version in PEERS.items():
        made.add_argument(f"--{name}", type=Path, metavar="FOLDER", help=f"environment with {name} {version}")
    options = made.parse_args(words)
    if options.rounds < 2:
        made.error(f"--rounds {options.rounds} gives no quartiles; 2 is the least.")
    return options


def main() -> None:
    """Run the benchmark."""
    options = options_of()
    arms = arms_of(options.litellm, options.optillm)
    result = {"benchmark": "serve", "machine": machine(), "versions": versions(arms)}
    result |= measure(arms, options.rounds, options.seconds)
    report(result | {"load_at_the_end": machine()["load"]}, options.out)


if __name__ == "__main__":
    main()
