"""`som eval latency`: what planning costs with a served model, in time and tokens."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skillofmind.cli.main import interrupted
from skillofmind.cli.opening import (
    KEY_VARIABLE,
    Endpoint,
    check_output,
    check_patience,
    draining,
    open_model,
    run_draining,
)
from skillofmind.cli.options import check_least, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.errors import ConfigurationError
from skillofmind.run.budget import Meter
from skillofmind.run.progress import Progress

if TYPE_CHECKING:
    from skillofmind.core.conversation import Conversation
    from skillofmind.core.seams import Model
    from skillofmind.evals.audits.latency import Arm, Timed, Timing

_EPILOG = """\
arms: base (no plan), embedded (the embedded planner), skill (the model names a skill only), both (a planner
of the model writes explanation and skill). One request at a time; a case goes through all arms in a round.

examples:
  som eval latency --model NAME --base-url http://127.0.0.1:8000/v1
  som eval latency --model NAME --base-url URL --planner weights --planner-model PLANNER --out latency.json

exit: 0 all answered; 1 some cases failed; 2 nothing done; 130 interrupted (what was timed is shown).
"""

ARMS = ("base", "embedded", "skill", "both")


@dataclass(frozen=True, slots=True)
class LatencyOptions:
    """Options of `som eval latency`."""

    model: str = option("", "a served model, or a folder with weights", value="NAME")
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    arms: str = option(",".join(ARMS), "what to time; base always is", value="NAME,...")
    planner: Literal["prompted", "weights"] = option("prompted", "which planner writes explanation and skill")
    planner_model: str = option("", "its model, where it is another one", value="NAME")
    planner_url: str = option("", "server of that model, where it is another one", value="URL")
    data: Path | None = option(None, "dialogues to answer; those of the package without it", value="FILE")
    n: int = option(20, "dialogues", value="N")
    rounds: int = option(3, "how often each is asked in each arm", value="N")
    max_tokens: int = option(128, "longest answer, in tokens", value="N")
    timeout: float = option(60.0, "seconds that one call may take", value="SECONDS")
    out: Path | None = option(None, "also write the figures here, as JSON", value="FILE")
    json: bool = option(False, "print the figures as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som eval latency`."""
    text = "Measure what planning costs with a model: time to the first and the last token, and tokens."
    options = parse(LatencyOptions, "som eval latency", text, argv, epilog=_EPILOG)
    _check(options)
    cases = _cases(options)
    found, stopped = run_draining(_time(options, cases))
    _show(options, found, len(cases))
    if found.failed:
        sys.stderr.write(f"som: {found.failed} cases failed, the last with: {printable(found.why)}\n")
    return interrupted() if stopped else 1 if found.failed or not found.took["base"] else 0


def _check(options: LatencyOptions) -> None:
    check_patience(options.timeout)
    check_output("--out", options.out)
    check_least("--n", options.n, 1)
    check_least("--rounds", options.rounds, 1)
    check_least("--max-tokens", options.max_tokens, 1)
    if options.n * options.rounds < 2:
        raise ConfigurationError("--n 1 with --rounds 1 gives no percentiles; time at least two answers.")
    unknown = [name for name in _names(options) if name not in ARMS]
    if unknown:
        raise ConfigurationError(f"--arms {unknown[0]!r} is unknown; known are {', '.join(ARMS)}.")


def _names(options: LatencyOptions) -> list[str]:
    return list(dict.fromkeys(["base", *(name.strip() for name in options.arms.split(","))]))


def _cases(options: LatencyOptions) -> "list[Conversation]":
    """Return the dialogues as chats that end with the other person, spread evenly over the file."""
    from skillofmind.core.conversation import Conversation, Message
    from skillofmind.data.read import accepted, read_dialogues
    from skillofmind.mind.render import render_context
    from skillofmind.mind.starter import starter_path

    rows = [row for row in accepted(read_dialogues(options.data or starter_path())) if len(row.turns) > 1]
    if not rows:
        raise ConfigurationError(f"{str(options.data)!r} has no dialogue of two turns; name another file.")
    found = []
    for row in rows[:: max(1, len(rows) // options.n)][: options.n]:
        before = row.before(len(row.turns) - 1)
        mine = before.next_speaker()
        said = tuple(
            Message("assistant" if turn.speaker == mine else "user", turn.text)
            for turn in before.turns
            if turn.text
        )
        found.append(Conversation((Message("system", render_context(before)), *said)))
    return found


async def _time(options: LatencyOptions, cases: "Sequence[Conversation]") -> "tuple[Timed, bool]":
    from skillofmind.core.completion import Sampling
    from skillofmind.evals.audits.latency import timed

    meter = Meter()
    async with open_model(_endpoint(options), meter) as model:
        other = options.planner_model or options.planner_url
        async with open_model(_planners_endpoint(options) if other else _endpoint(options), meter) as writes:
            arms = _arms(options, writes if other else model)
            with Progress(len(cases) * options.rounds, "time") as progress:
                async with draining() as stop:
                    found = await timed(
                        model,
                        arms,
                        cases,
                        meter,
                        rounds=options.rounds,
                        sampling=Sampling(temperature=0.0, max_tokens=options.max_tokens),
                        stop=stop,
                        on_done=lambda failed: progress.advance(1, **{"failed" if failed else "timed": 1}),
                    )
                    return found, stop.is_set()


def _endpoint(options: LatencyOptions) -> Endpoint:
    return Endpoint(options.model, options.base_url, options.api_key_env, options.timeout, 1)


def _planners_endpoint(options: LatencyOptions) -> Endpoint:
    return Endpoint(
        options.planner_model or options.model,
        options.planner_url or options.base_url,
        options.api_key_env,
        options.timeout,
        1,
    )


def _arms(options: LatencyOptions, writes: "Model") -> "dict[str, Arm]":
    from skillofmind.evals.audits.latency import Arm, SkillOnly
    from skillofmind.mind.embedded.planner import EmbeddedPlanner
    from skillofmind.mind.prompted import PromptedPlanner
    from skillofmind.mind.weights import WeightsPlanner

    both = PromptedPlanner(writes) if options.planner == "prompted" else WeightsPlanner(writes)
    known = {
        "base": Arm(),
        "embedded": Arm(EmbeddedPlanner(), "both"),
        "skill": Arm(SkillOnly(writes), "skill"),
        "both": Arm(both, "both"),
    }
    return {name: known[name] for name in _names(options)}


def _show(options: LatencyOptions, found: "Timed", cases: int) -> None:
    import msgspec

    from skillofmind.evals.audits.latency import timings
    from skillofmind.run.atomic import write_atomic

    figures = timings(found.took)
    settings = {"cases": cases, "rounds": options.rounds, "failed": found.failed}
    data = msgspec.json.format(msgspec.json.encode({**settings, "arms": figures})) + b"\n"
    if options.out is not None:
        write_atomic(options.out, data)
    if options.json:
        sys.stdout.write(data.decode())
    elif figures:
        _print(figures)


def _print(figures: "Sequence[Timing]") -> None:
    from rich import box
    from rich.table import Table

    from skillofmind.cli.show import console

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    heads = ("arm", "n", "planned", "first ms p50", "p95", "total ms p50", "p95", "times base p50", "p95")
    for head in (*heads, "tokens in", "out"):
        table.add_column(head, justify="left" if head == "arm" else "right")
    for one in figures:
        times = [f"{number:.1f}" for part in (one.first_ms, one.total_ms) for number in (part.p50, part.p95)]
        ratios = (f"{one.ratio.p50:.2f}", f"{one.ratio.p95:.2f}")
        table.add_row(
            one.arm, str(one.n), str(one.planned), *times, *ratios, str(one.tokens_in), str(one.tokens_out)
        )
    console(sys.stdout).print(table)
