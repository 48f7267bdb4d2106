"""`som plan`: plan the next reply of every dialogue in a file."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillofmind.cli.main import interrupted
from skillofmind.cli.opening import (
    KEY_VARIABLE,
    PLANNERS,
    Endpoint,
    check_patience,
    draining,
    open_planner,
    read_planner,
    run_draining,
)
from skillofmind.cli.options import argument, check_least, option, parse, resolved
from skillofmind.cli.plan.rows import (
    InOrder,
    Input,
    PlanRow,
    can_read_again,
    has_failed,
    json_printer,
    text_printer,
)
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import BudgetExhausted, ConfigurationError
from skillofmind.core.plan import Plan
from skillofmind.core.seams import Planner, Store
from skillofmind.data.jsonl import Rejected
from skillofmind.run.atomic import write_lines_atomic
from skillofmind.run.batch import Unfailed, run_batch
from skillofmind.run.budget import Limits, Meter
from skillofmind.run.directory import RunDirectory
from skillofmind.run.progress import Progress

_EPILOG = """\
input: one JSON dialogue a line, {"turns": [{"speaker": "Ana", "text": "..."}]}, or a transcript of
`Name: text` lines. The plan is for whoever answers the last turn.

examples:
  som plan talk.txt
  som plan dialogues.jsonl --json > plans.jsonl
  som plan dialogues.jsonl --run runs/plans          # durable: the same again goes on, and retries failures
  som plan talk.txt --planner embedded:threshold=0.2  # no skill where none is likely enough
  som plan talk.txt --planner prompted --model NAME --base-url http://127.0.0.1:8000/v1

exit: 0 all planned; 1 some dialogues have no plan, each with its reason (below a threshold: that no skill was
likely enough); 2 nothing done; 130 interrupted.
"""

PLANS = "plans.jsonl"
"""Name of the output file in a run directory."""

_FREE = {"file", "run", "json", "api_key_env", "concurrency", "timeout", "max_calls"}
"""Options that may change when a run is resumed: they do not change any plan."""

_INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of `som plan`."""

    file: Path = argument("FILE", "dialogues to plan for; - is standard input")
    planner: str = option("embedded", PLANNERS, value="PLANNER", check=read_planner)
    model: str = option(
        "", "for prompted and weights: a served model, or a folder with weights", value="NAME"
    )
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    context: str = option("", "social context, added to every dialogue", value="TEXT")
    responder: str = option("", "who answers, where it is not simply the other speaker", value="SPEAKER")
    json: bool = option(False, "print one JSON line a dialogue")
    run: Path | None = option(
        None, "keep everything in this folder; the same command resumes", value="FOLDER"
    )
    taxonomy: Path | None = option(None, "another taxonomy file", value="FILE")
    template: Path | None = option(None, "other prompt wording", value="FILE")
    concurrency: int = option(32, "most dialogues at once; fewer when the server says so", value="N")
    timeout: float = option(60.0, "seconds that one call may take", value="SECONDS")
    max_calls: int | None = option(None, "stop after so many calls", value="N")
    skip_bad: bool = option(False, "report rows that are no dialogues and go on, instead of stopping")


def run(argv: Sequence[str]) -> int:
    """Run `som plan`."""
    options = parse(PlanOptions, "som plan", "Plan the next reply of dialogues.", argv, epilog=_EPILOG)
    _check(options)
    source = Input(
        options.file, skip_bad=options.skip_bad, context=options.context, responder=options.responder
    )
    return run_draining(_plan(options, source))


def _check(options: PlanOptions) -> None:
    check_least("--concurrency", options.concurrency, 1)
    check_patience(options.timeout)
    if options.max_calls is not None and options.max_calls < 1:
        raise ConfigurationError(f"--max-calls {options.max_calls} must be at least 1; or leave it out.")
    if options.run is not None and not can_read_again(options.file):
        raise ConfigurationError(
            f"--run needs a FILE that can be read again, not {str(options.file)!r}; save it to a file first."
        )


async def _plan(options: PlanOptions, source: Input) -> int:
    endpoint = Endpoint(
        options.model, options.base_url, options.api_key_env, options.timeout, options.concurrency
    )
    meter = Meter(Limits(calls=options.max_calls))
    async with open_planner(options.planner, endpoint, meter, options.taxonomy, options.template) as planner:
        if options.run is None:
            return await _plan_to_stdout(options, source, planner)
        return await _plan_to_run(options, options.run, source, planner)


async def _plan_to_stdout(options: PlanOptions, source: Input, planner: Planner) -> int:
    out = InOrder(json_printer() if options.json else text_printer(source, options.taxonomy))
    try:
        with Progress(source.count, "plan", quiet=not sys.stderr.isatty()) as progress:
            end = await _work_through(options, source, planner, out, progress)
    finally:
        # Whatever ended it: a plan that is there was paid for.
        out.flush()
    return _exit_code(out.kinds, end)


async def _plan_to_run(options: PlanOptions, folder: Path, source: Input, planner: Planner) -> int:
    settings = resolved(options) | {"identity": planner.identity}
    with RunDirectory.open(folder, command="plan", options=settings, data=[options.file], free=_FREE) as run:
        store = Unfailed(run.log("log"), source.keys, PlanRow, has_failed)
        run.event("resumed" if run.resumed else "started", done=store.settled, total=source.count)
        with Progress(source.count, "plan", done=store.settled) as progress:
            end = await _work_through(options, source, planner, store, progress)
        kinds = Counter(row.kind() for row in store.latest())
        run.event("stopped" if end else "finished", **kinds)
        if not end:
            _write(store, run.output(PLANS), options.json)
        return _exit_code(kinds, end)


async def _work_through(
    options: PlanOptions, source: Input, planner: Planner, store: Store, progress: Progress
) -> str:
    """Plan every row that the store does not hold; return what ended it early, or ""."""

    async def work(entry: tuple[int, Dialogue | Rejected]) -> PlanRow:
        number, row = entry
        if isinstance(row, Rejected):
            return PlanRow(number, f"{row.source}:{row.line}", Plan(error=row.reason))
        return PlanRow(number, row.id, await planner.plan(row))

    def count(_: str, row: PlanRow) -> None:
        progress.advance(1, **{row.kind(): 1})

    async with draining() as stop:
        try:
            outcome = await run_batch(
                source.rows(), work, store, concurrency=options.concurrency, on_done=count, stop=stop
            )
        except BudgetExhausted:
            return f"--max-calls {options.max_calls} is reached"
    return _INTERRUPTED if outcome.stopped else ""


def _exit_code(kinds: Counter[str], end: str) -> int:
    if end == _INTERRUPTED:
        return interrupted()
    if end:
        sys.stderr.write(f"som: {end}; what was finished is kept, a larger one goes on.\n")
    if kinds["failed"] or kinds["invalid"]:
        sys.stderr.write(
            f"som: {kinds['planned']} planned, {kinds['invalid']} without a valid skill, "
            f"{kinds['failed']} failed; each says why.\n"
        )
    return 1 if end or kinds["failed"] or kinds["invalid"] else 0


def _write(store: Unfailed[PlanRow], path: Path, echo: bool) -> None:
    write_lines_atomic(path, (row.line() for row in store.latest()))
    if echo:
        for row in store.latest():
            sys.stdout.write(row.line().decode())
    sys.stderr.write(f"som: plans are in {path}\n")
