"""`som plan`: plan the next reply of every dialogue in a file."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from skillofmind.cli.opening import Endpoint, open_planner
from skillofmind.cli.options import argument, option, parse, resolved
from skillofmind.core.dialogue import Dialogue
from skillofmind.core.errors import ConfigurationError, DataError
from skillofmind.core.plan import Plan
from skillofmind.core.record import Record
from skillofmind.core.seams import Planner, Store
from skillofmind.data.jsonl import Rejected
from skillofmind.data.read import accepted, read_dialogues
from skillofmind.mind.taxonomy import load_taxonomy
from skillofmind.run.atomic import write_lines_atomic
from skillofmind.run.batch import run_batch, stop_on_interrupt
from skillofmind.run.budget import Limits, Meter
from skillofmind.run.directory import RunDirectory
from skillofmind.run.log import AppendLog
from skillofmind.run.progress import Progress

_EPILOG = """\
input: one JSON dialogue a line, {"turns": [{"speaker": "Ana", "text": "..."}]}, or a transcript of
`Name: text` lines. The plan is for whoever answers the last turn.

examples:
  som plan talk.txt
  som plan dialogues.jsonl --json > plans.jsonl
  som plan dialogues.jsonl --run runs/plans          # durable: run it again to go on after a stop
  som plan talk.txt --planner prompted --model NAME --base-url http://127.0.0.1:8000/v1

exit: 0 all planned; 1 some dialogues failed, each with its reason; 2 nothing done; 130 interrupted.
"""

PLANS = "plans.jsonl"
"""Name of the output file in a run directory."""

_NOT_COMPARED = {"file", "run", "json", "api_key_env", "concurrency", "timeout", "max_calls"}
"""Options that may change when a run is resumed: they do not change any plan."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of `som plan`."""

    file: Path = argument("FILE", "dialogues to plan for; - is standard input")
    planner: Literal["embedded", "prompted", "weights"] = option("embedded", "which planner")
    model: str = option(
        "", "for prompted and weights: a served model, or a folder with weights", value="NAME"
    )
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option("OPENAI_API_KEY", "environment variable with the API key", value="VARIABLE")
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


class PlanRow(Record, frozen=True):
    """One line of output.

    Attributes:
        number: position in the input, counted from 1.
        id: of the dialogue.
        plan: the plan; `plan.error` says why there is none.
    """

    number: int
    id: str
    plan: Plan


def run(argv: Sequence[str]) -> int:
    """Run `som plan`."""
    options = parse(PlanOptions, "som plan", "Plan the next reply of dialogues.", argv, epilog=_EPILOG)
    _check(options)
    return asyncio.run(_plan(options, _Input(options)))


def _check(options: PlanOptions) -> None:
    if options.concurrency < 1:
        raise ConfigurationError(f"--concurrency {options.concurrency} must be at least 1.")
    if options.timeout <= 0:
        raise ConfigurationError(f"--timeout {options.timeout:g} must be more than 0 seconds.")
    if options.run is not None and str(options.file) == "-":
        raise ConfigurationError("--run needs a FILE that can be read again; save standard input to a file.")


class _Input:
    """The rows of the input; every row is checked before the first is planned."""

    def __init__(self, options: PlanOptions) -> None:
        self._options = options
        self._kept = list(self._read()) if str(options.file) == "-" else None
        self.count = self._count()

    def rows(self) -> Iterator[tuple[str, tuple[int, Dialogue | Rejected]]]:
        """Yield (key, (number, row))."""
        for number, row in enumerate(self._kept if self._kept is not None else self._read(), 1):
            yield (row.id if isinstance(row, Dialogue) else f"{row.source}:{row.line}"), (number, row)

    def _read(self) -> Iterator[Dialogue | Rejected]:
        rows = read_dialogues(self._options.file)
        yield from rows if self._options.skip_bad else accepted(rows)

    def _count(self) -> int:
        seen: set[str] = set()
        for key, (number, row) in self.rows():
            if key in seen:
                raise DataError(f"{self._options.file}: the id {key!r} of dialogue {number} stands twice.")
            seen.add(key)
            if isinstance(row, Dialogue):
                _prepared(row, self._options)
        return len(seen)


def _prepared(dialogue: Dialogue, options: PlanOptions) -> Dialogue:
    """Apply --context and --responder."""
    if options.context:
        text = "\n".join(filter(None, (dialogue.context.text, options.context)))
        context = msgspec.structs.replace(dialogue.context, text=text)
        dialogue = msgspec.structs.replace(dialogue, context=context)
    if not options.responder:
        return dialogue
    known = {turn.speaker for turn in dialogue.turns} | {speaker.key for speaker in dialogue.speakers}
    if options.responder not in known:
        raise ConfigurationError(
            f"--responder {options.responder!r} is no speaker of {dialogue.id!r}; "
            f"there are {', '.join(sorted(known))}."
        )
    return msgspec.structs.replace(dialogue, responder=options.responder)


async def _plan(options: PlanOptions, source: _Input) -> int:
    endpoint = Endpoint(
        options.model, options.base_url, options.api_key_env, options.timeout, options.concurrency
    )
    meter = Meter(Limits(calls=options.max_calls))
    async with open_planner(options.planner, endpoint, meter, options.taxonomy, options.template) as planner:
        if options.run is None:
            return await _plan_to_stdout(options, source, planner)
        return await _plan_to_run(options, options.run, source, planner)


async def _plan_to_stdout(options: PlanOptions, source: _Input, planner: Planner) -> int:
    out = _InOrder(_json_printer() if options.json else _text_printer(options, source))
    with Progress(source.count, "plan", quiet=not sys.stderr.isatty()) as progress:
        stopped = await _work_through(options, source, planner, out, progress)
    out.flush()
    return _exit_code(out.kinds, stopped)


async def _plan_to_run(options: PlanOptions, folder: Path, source: _Input, planner: Planner) -> int:
    settings = {name: value for name, value in resolved(options).items() if name not in _NOT_COMPARED}
    settings["identity"] = planner.identity
    with RunDirectory.open(folder, command="plan", options=settings, data=[options.file]) as run:
        log = run.log("log")
        done = sum(1 for key, _ in source.rows() if log.has(key))
        run.event("resumed" if run.resumed else "started", done=done, total=source.count)
        with Progress(source.count, "plan", done=done) as progress:
            stopped = await _work_through(options, source, planner, log, progress)
        kinds = Counter(_kind(row.plan) for row in _rows(log, source))
        run.event("stopped" if stopped else "finished", **kinds)
        if not stopped:
            _write_plans(run.output(PLANS), log, source, options.json)
        return _exit_code(kinds, stopped)


async def _work_through(
    options: PlanOptions, source: _Input, planner: Planner, store: Store, progress: Progress
) -> bool:
    """Plan every row that the store does not hold; return whether it was interrupted."""

    async def work(entry: tuple[int, Dialogue | Rejected]) -> PlanRow:
        number, row = entry
        if isinstance(row, Rejected):
            return PlanRow(number, f"{row.source}:{row.line}", Plan(error=row.reason))
        return PlanRow(number, row.id, await planner.plan(_prepared(row, options)))

    def count(_: str, row: PlanRow) -> None:
        progress.advance(1, **{_kind(row.plan): 1})

    with stop_on_interrupt() as stop:
        outcome = await run_batch(
            source.rows(), work, store, concurrency=options.concurrency, on_done=count, stop=stop
        )
    return outcome.stopped


def _kind(plan: Plan) -> str:
    return "failed" if plan.error else "planned" if plan.valid else "invalid"


def _exit_code(kinds: Counter[str], stopped: bool) -> int:
    if stopped:
        sys.stderr.write("som: interrupted; what was finished is kept.\n")
        return 130
    if kinds["failed"] or kinds["invalid"]:
        sys.stderr.write(
            f"som: {kinds['planned']} planned, {kinds['invalid']} without a valid skill, "
            f"{kinds['failed']} failed; each says why.\n"
        )
        return 1
    return 0


def _rows(log: AppendLog, source: _Input) -> Iterator[PlanRow]:
    """Yield what the log holds, in the order of the input."""
    for key, _ in source.rows():
        if log.has(key):
            yield msgspec.convert(log.get(key), PlanRow)


def _write_plans(path: Path, log: AppendLog, source: _Input, echo: bool) -> None:
    write_lines_atomic(path, (_line(row) for row in _rows(log, source)))
    if echo:
        for row in _rows(log, source):
            sys.stdout.write(_line(row).decode())
    sys.stderr.write(f"som: plans are in {path}\n")


def _line(row: PlanRow) -> bytes:
    return msgspec.json.encode(row) + b"\n"


class _InOrder:
    """A store that prints results in the order of the input as soon as all before them are there."""

    def __init__(self, show: Callable[[PlanRow], None]) -> None:
        self.kinds: Counter[str] = Counter()
        self._show = show
        self._next = 1
        self._waiting: dict[int, PlanRow] = {}

    def append(self, key: str, value: PlanRow) -> None:
        """Take a result."""
        self.kinds[_kind(value.plan)] += 1
        self._waiting[value.number] = value
        while self._next in self._waiting:
            self._show(self._waiting.pop(self._next))
            self._next += 1

    def flush(self) -> None:
        """Print what an interruption left waiting for a result that will not come."""
        for number in sorted(self._waiting):
            self._show(self._waiting[number])
        self._waiting.clear()

    def read(self) -> Iterator[tuple[str, PlanRow]]:
        """Yield what waits to be printed; the rest is gone."""
        return ((row.id, row) for row in self._waiting.values())

    def has(self, key: str) -> bool:
        """Nothing is remembered between runs."""
        return False


def _json_printer() -> Callable[[PlanRow], None]:
    def show(row: PlanRow) -> None:
        sys.stdout.write(_line(row).decode())

    return show


def _text_printer(options: PlanOptions, source: _Input) -> Callable[[PlanRow], None]:
    from skillofmind.cli.show import console, show_dialogue, show_plan

    out, rows, taxonomy = console(sys.stdout), source.rows(), load_taxonomy(options.taxonomy)

    def show(row: PlanRow) -> None:
        # Rows are shown in the order of the input, so a second pass over it stays in step.
        dialogue = next(found for _, (number, found) in rows if number == row.number)
        if isinstance(dialogue, Dialogue):
            dialogue = _prepared(dialogue, options)
            show_dialogue(out, dialogue, dialogue.meta.get("title") or dialogue.id)
            show_plan(out, dialogue, row.plan, taxonomy)
        else:
            out.print(f"{dialogue}\n")

    return show
