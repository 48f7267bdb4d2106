"""What planning adds to an answer: time to the first token and to the last one, and tokens.

Dialogues of the package go through `som serve`, streamed, two at a time. The answers are the same whatever
is planned, so what differs is planning and what it puts into the prompt.

    base                     no planning
    skill only               a language model writes the skill
    explanation and skill    a fine-tuned language model writes an explanation, then the skill
    ..., prompted            any chat model is shown all skills and writes the plan as JSON
    embedded classifier      the embedded planner, in the process of the server
    encoder classifier       the encoder planner, in the process of the server

**The language models are simulated** (`benchmarks/paced_model.py`): they read 2,000 prompt tokens and write
50 tokens a second, and write what the dialogue really has as explanation, skill and answer. The classifiers,
the server and everything else are real. `ratio` is the time of a case with planning by that of the same case
without.

`local` repeats base, skill only, and explanation and skill with a network of random weights in this process,
one thread, which is real but small: each call writes as many tokens as the text has for its tokenizer.

    python -m benchmarks.plan_overhead --out results/plan_overhead.json
"""

import os

# Set before numpy and torch are loaded, which read them once.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import asyncio
import contextlib
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.annotation_server import mark
from benchmarks.chat_server import MODEL, Server, serving
from benchmarks.measure import Json, machine, parser, report
from benchmarks.paced_model import PLANNER, PROMPT_TOKENS_PER_S, TOKENS_PER_S, Paced, Told
from benchmarks.running import Running, free_port, running
from skillofmind.core.completion import Sampling
from skillofmind.core.conversation import Conversation, Message
from skillofmind.core.dialogue import Annotation, Dialogue
from skillofmind.core.plan import Plan
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.evals.audits.latency import Took, spread
from skillofmind.mind.inject import Inject, dialogue_of, with_plan
from skillofmind.mind.render import MARKER
from skillofmind.mind.starter import starter_path
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.mind.template import load_template
from skillofmind.mind.weights import planner_messages, planner_target

if TYPE_CHECKING:
    from skillofmind.models.local import LocalModel

ROOT = Path(__file__).parents[1]
CASES = 60
BLOCK = 10
IN_FLIGHT = 2
LOCAL_CASES = 12
BASE = "base"
SYSTEM = "You talk with a friend; answer in one or two sentences."


class Arm(NamedTuple):
    """One way to plan: the words of `--planner`, what is injected, and what a planner's model writes."""

    planner: str
    inject: Inject
    writes: str = ""


class Case(NamedTuple):
    """One dialogue: its messages, and what is planned and answered."""

    messages: list[dict[str, str]]
    skill: str
    explanation: str
    answer: str


ARMS = {
    BASE: Arm("embedded", "off"),
    "skill only": Arm("weights", "skill", "skill"),
    "explanation and skill": Arm("weights", "both", "both"),
    "explanation and skill, prompted": Arm("prompted", "both", "json"),
    "embedded classifier": Arm("embedded", "both"),
    "encoder classifier": Arm("encoder", "both"),
}
SIMULATED = {name for name, arm in ARMS.items() if arm.writes}


def cases(count: int) -> list[Case]:
    """Return cases from the English dialogues of the package, one from each, spread evenly."""
    rows = [row for row in accepted(read_dialogues(starter_path())) if row.lang in ("", "en")]
    found = [case for row in rows if (case := case_of(row)) is not None]
    chosen = found[:: len(found) // count][:count]
    return [marked(case, number) for number, case in enumerate(chosen)]


def case_of(row: Dialogue) -> Case | None:
    """Return the last annotated turn of a dialogue as a case, where something was said before."""
    for number in range(len(row.turns) - 1, 0, -1):
        turn = row.turns[number]
        if turn.annotations:
            found: Annotation = turn.annotations[0]
            said = [
                {"role": "user" if (number - place) % 2 else "assistant", "content": one.text}
                for place, one in enumerate(row.turns[:number])
            ]
            messages = [{"role": "system", "content": SYSTEM}, *said]
            return Case(messages, found.skill, found.explanation, turn.text)
    return None


def marked(case: Case, number: int) -> Case:
    """Return a case whose last message carries its number, for the simulated model."""
    last = {**case.messages[-1], "content": f"{case.messages[-1]['content']} {mark(number)}"}
    return case._replace(messages=[*case.messages[:-1], last])


def script(found: Sequence[Case], writes: str, speed: float) -> Paced:
    """Return the simulated model of an arm."""
    return Paced(tuple(Told(plan_text(case, writes), case.answer) for case in found), speed)


def plan_text(case: Case, writes: str) -> str:
    """Return what a planner's model writes: `skill`, `both`, `json`, or "" for nothing."""
    if writes == "json":
        plan = {"explanation": case.explanation, "skill": case.skill, "alternatives": [case.skill]}
        return json.dumps(plan, ensure_ascii=False)
    if writes == "both":
        return planner_target(case.explanation, case.skill)
    return f"{MARKER} {case.skill}" if writes else ""


def command(arm: Arm, base_url: str, port: int) -> list[str]:
    """Return the words that start the server of an arm."""
    planner = f"{arm.planner}={PLANNER}@{base_url}" if arm.writes else arm.planner
    return [
        *(sys.executable, "-m", "skillofmind", "serve", "--upstream", base_url, "--model", MODEL),
        *("--planner", planner, "--inject", arm.inject, "--plan-timeout", "60"),
        *("--port", str(port), "--log", ""),
    ]


def body(case: Case) -> bytes:
    """Return the request of a case."""
    return json.dumps({"model": MODEL, "messages": case.messages, "stream": True}).encode()


def ask(port: int, case: Case) -> Took:
    """Send one case and time its answer.

    Raises:
        ValueError: the answer is not that of the case.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    start = time.perf_counter()
    try:
        connection.request("POST", "/v1/chat/completions", body(case), {"Content-Type": "application/json"})
        response = connection.getresponse()
        begun = response.read(1)
        first = time.perf_counter() - start
        rest = response.read()
        whole = time.perf_counter() - start
    finally:
        connection.close()
    chunks = [
        json.loads(line[5:])
        for line in (begun + rest).splitlines()
        if line.startswith(b"data:") and b"[DONE]" not in line
    ]
    words = "".join(one["delta"].get("content", "") for chunk in chunks for one in chunk["choices"])
    if response.status != 200 or words != case.answer:
        raise ValueError(f"status {response.status}, and {words!r} is not the answer {case.answer!r}.")
    usage = next(chunk["usage"] for chunk in reversed(chunks) if "usage" in chunk)
    planned = any(chunk.get("skillofmind", {}).get("planned") for chunk in chunks)
    return Took(first, whole, usage["prompt_tokens"], usage["completion_tokens"], planned)


@contextlib.contextmanager
def started(found: Sequence[Case], speed: float, names: Sequence[str]) -> Iterator[dict[str, Running]]:
    """Run a simulated model and a server for each arm for the length of the block."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SOM_"))}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        env = {**kept, "HOME": str(folder), "PYTHONPATH": str(ROOT / "src")}
        servers = {}
        for name in names:
            arm = ARMS[name]
            model: Server = stack.enter_context(serving(script(found, arm.writes, speed)))
            port = free_port()
            words = command(arm, model.base_url, port)
            servers[name] = stack.enter_context(running(words, env, folder, port, body(found[0])))
        yield servers


def simulated(found: Sequence[Case], speed: float = 1.0, names: Sequence[str] = tuple(ARMS)) -> Json:
    """Return the figures of every arm.

    Raises:
        ValueError: an answer went out without its plan, or with one where none was wanted.
    """
    took: dict[str, list[Took]] = {name: [] for name in names}
    with started(found, speed, names) as servers, ThreadPoolExecutor(IN_FLIGHT) as pool:
        for start in range(0, len(found), BLOCK):
            for name in names:
                port = servers[name].port
                took[name] += pool.map(lambda case, port=port: ask(port, case), found[start : start + BLOCK])
    for name, each in took.items():
        if {one.planned for one in each} != {name != BASE}:
            raise ValueError(f"{name}: {sum(one.planned for one in each)} of {len(each)} were planned.")
    return {name: figures(each, took[BASE]) for name, each in took.items()}


def figures(found: Sequence[Took], base: Sequence[Took]) -> Json:
    """Return times, tokens, and what they are by those without planning, case by case."""
    pairs = list(zip(found, base, strict=True))
    return {
        "first_token_s": both([one.first for one in found]),
        "total_s": both([one.whole for one in found]),
        "tokens_in": round(statistics.mean(one.tokens_in for one in found), 1),
        "tokens_out": round(statistics.mean(one.tokens_out for one in found), 1),
        "added_s": both([one.whole - other.whole for one, other in pairs]),
        "ratio": both([one.whole / other.whole for one, other in pairs]),
    }


def both(values: Sequence[float]) -> Json:
    """Return median and 95th percentile."""
    found = spread(values)
    return {"p50": found.p50, "p95": found.p95}


def local(found: Sequence[Case]) -> Json:
    """Return base, skill only, and both with a small network of random weights in this process."""
    from skillofmind.models.local import LocalModel
    from skillofmind.models.local.loading import quiet_libraries
    from skillofmind.train.settings import Size
    from skillofmind.train.weights.scratch import make_folder

    quiet_libraries()
    texts = [text for case in found for text in (case.explanation, case.answer)]
    size = Size(hidden=256, layers=4, heads=4, kv_heads=4, inner=768, vocabulary=2048, context=2048)
    with tempfile.TemporaryDirectory() as place:
        folder = make_folder(Path(place) / "model", texts, size, seed=0)
        took = asyncio.run(_local(LocalModel(folder), found))
    names = {BASE: "", "skill only": "skill", "explanation and skill": "both"}
    return {name: figures(took[writes], took[""]) for name, writes in names.items()}


async def _local(model: "LocalModel", found: Sequence[Case]) -> dict[str, list[Took]]:
    took: dict[str, list[Took]] = {"": [], "skill": [], "both": []}
    await _written(model, conversation(found[0]), "warm")
    for case in found:
        for writes, each in took.items():
            each.append(await _local_case(model, case, writes))
    await model.close()
    return took


async def _local_case(model: "LocalModel", case: Case, writes: str) -> Took:
    asked, plan_took = conversation(case), Took(0.0, 0.0, 0, 0, bool(writes))
    if writes:
        messages = planner_messages(dialogue_of(asked), load_template())
        plan_took = await _written(model, Conversation(messages), plan_text(case, writes))
        plan = Plan(case.explanation, case.skill, case.skill, valid=True)
        inject: Inject = "both" if writes == "both" else "skill"
        asked = with_plan(asked, plan, inject, load_taxonomy(), load_template())
    took = await _written(model, asked, case.answer)
    return Took(
        plan_took.whole + took.first,
        plan_took.whole + took.whole,
        plan_took.tokens_in + took.tokens_in,
        plan_took.tokens_out + took.tokens_out,
        bool(writes),
    )


def conversation(case: Case) -> Conversation:
    """Return the messages of a case as a conversation."""
    return Conversation(tuple(Message(one["role"], one["content"]) for one in case.messages))  # type: ignore[arg-type]


async def _written(model: "LocalModel", asked: Conversation, text: str) -> Took:
    """Let the model write as many tokens as `text` has for it; the first one alone is timed apart."""
    tokens = len(await model.score(Conversation((Message("user", "."),)), text))
    start = time.perf_counter()
    await model.generate(asked, Sampling(temperature=0.0, max_tokens=1))
    first = time.perf_counter() - start
    start = time.perf_counter()
    done = await model.generate(asked, Sampling(temperature=0.0, max_tokens=tokens))
    whole = time.perf_counter() - start
    return Took(first, whole, done.usage.prompt_tokens, done.usage.completion_tokens, planned=False)


def measure(options: argparse.Namespace) -> Json:
    """Return the result."""
    found = cases(options.cases)
    return {
        "cases": len(found),
        "in_flight": IN_FLIGHT,
        "simulated": {
            "what": "language models that read and write at fixed rates; classifiers and server are real",
            "prompt_tokens_per_s": PROMPT_TOKENS_PER_S,
            "tokens_per_s": TOKENS_PER_S,
            "arms_with_a_simulated_planner": sorted(SIMULATED),
        },
        "arms": simulated(found, options.speed),
        "local": {
            "what": "a network of random weights in this process, one thread, one request at a time",
            "cases": min(LOCAL_CASES, len(found)),
            "arms": local(found[:LOCAL_CASES]),
        },
    }


def options_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    made = parser(__doc__)
    made.add_argument("--cases", type=int, default=CASES, help=f"dialogues (default: {CASES})")
    made.add_argument(
        "--speed", type=float, default=1.0, help="how many times faster the models write, for a try"
    )
    options = made.parse_args(words)
    if options.cases < 2:
        made.error(f"--cases {options.cases} gives no percentiles; 2 is the least.")
    return options


def main() -> None:
    """Run the benchmark."""
    options = options_of()
    result: Mapping[str, object] = {"benchmark": "plan_overhead", "machine": machine()}
    report({**result, **measure(options), "load_at_the_end": machine()["load"]}, options.out)


if __name__ == "__main__":
    main()
