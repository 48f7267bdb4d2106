"""`som eval audit`: ask a planner again with one thing changed, and say what that changes."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skillofmind.cli.eval.tasks import check_data, named
from skillofmind.cli.opening import (
    KEY_VARIABLE,
    PLANNERS,
    Endpoint,
    check_patience,
    draining,
    open_model,
    open_planner,
    read_planner,
    run_draining,
)
from skillofmind.cli.options import argument, check_least, option, parse, resolved
from skillofmind.core.errors import ConfigurationError
from skillofmind.run.budget import Limits, Meter
from skillofmind.run.directory import RunDirectory
from skillofmind.run.progress import Progress

if TYPE_CHECKING:
    from skillofmind.evals.answering import Ask
    from skillofmind.evals.audits.effects import Reading
    from skillofmind.evals.audits.table import Setting
    from skillofmind.evals.records import Answer, Cell, Item, Table
    from skillofmind.evals.runner import Ended

COMMAND = "eval audit"
"""What the manifest says."""

AUDITS_FILE = "audits.json"
"""Name of the derived file: one reading an audit."""

_ROWS = 15
"""Of a table that are printed."""

_EPILOG = """\
audits: bias (other names, gender, age, ethnicity, religion, place), robustness (context, history, noise,
attacks, order of skills), languages (XDailyDialog in four languages, from --data), failures (what goes
wrong; asks nothing more). An item is asked some 70 times for bias and 36 times for robustness: begin with a
small --n. Bias needs 20 items.

tasks: as in `som eval plans`; a file or folder is a task of your own annotated dialogues.

RUN is a run directory: the same command goes on where it was, and asks nobody where all is answered.

examples:
  som eval audit runs/audit --data ../shared/data --tasks esconv,casino,starter --n 40
  som eval audit runs/mine --tasks mine.jsonl --audits robustness --n 20
  som eval audit runs/attacks --audits robustness --n 20 --planner prompted --model NAME --base-url URL

files in RUN: items.jsonl, log.jsonl (every answer), audits.json (all numbers).

exit: 0 all items answered; 1 some failed, or it ended early; 2 nothing done; 130 interrupted.
"""

_FREE = {"run", "data", "json", "api_key_env", "concurrency", "timeout", "max_calls", "template"}
"""Options that may change when a run goes on: they change no answer."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Options of `som eval audit`."""

    run: Path = argument("RUN", "run directory; the same command goes on with it")
    audits: str = option("bias,robustness,failures", "which audits", value="NAME,...")
    tasks: str = option("starter", "tasks whose items are changed, or files", value="NAME,...")
    data: Path | None = option(None, "folder with the corpora, each in a folder of its own", value="FOLDER")
    n: int = option(100, "items of each task; 0 takes all", value="N")
    seed: int = option(7, "of the draw of items, and of all changes", value="N")
    planner: str = option("embedded", PLANNERS, value="PLANNER", check=read_planner)
    model: str = option(
        "", "for prompted and weights: a served model, or a folder with weights", value="NAME"
    )
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    template: Path | None = option(None, "other prompt wording", value="FILE")
    concurrency: int = option(32, "most items at once; fewer when the server says so", value="N")
    timeout: float = option(60.0, "seconds that one call may take", value="SECONDS")
    max_calls: int | None = option(None, "stop after so many calls", value="N")
    json: bool = option(False, "print the numbers as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som eval audit`."""
    text = "Ask a planner again with one thing changed, and say what that changes."
    options = parse(AuditOptions, "som eval audit", text, argv, epilog=_EPILOG)
    _check(options)
    items = _items(options)
    ended, readings = run_draining(_audit(options, items))
    _show(options, readings)
    return _exit_code(options, ended, argv)


def _check(options: AuditOptions) -> None:
    from skillofmind.evals.audits.table import AUDITS

    check_data(options.data)
    check_patience(options.timeout)
    check_least("--concurrency", options.concurrency, 1)
    check_least("--n", options.n, 0)
    check_least("--max-calls", options.max_calls, 1)
    for name in _audits(options):
        if name not in AUDITS:
            raise ConfigurationError(f"--audits {name!r} is unknown; known are {', '.join(AUDITS)}.")


def _audits(options: AuditOptions) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in options.audits.split(",")))


def _items(options: AuditOptions) -> "list[Item]":
    """Return the items of all arms; those of a run that was begun, where no data are named."""
    from skillofmind.cli.data.source import watched
    from skillofmind.evals.choosing import items_of
    from skillofmind.evals.files import is_run, read_items

    if options.data is None and is_run(options.run):
        return list(read_items(options.run))
    plain = items_of(
        named(options.tasks, "plan", options.data), options.data, options.n, options.seed, watched
    )
    found = [*plain, *_changed(options, plain)]
    if "languages" in _audits(options):
        found += _translated(options)
    return list({item.key: item for item in found}.values())


def _changed(options: AuditOptions, plain: "Sequence[Item]") -> "list[Item]":
    from skillofmind.evals.audits.table import AUDITS

    return [item for name in _audits(options) for item in AUDITS[name].arms(plain, _setting(options)).items]


def _translated(options: AuditOptions) -> "list[Item]":
    from skillofmind.evals.audits.languages import TASKS, in_languages
    from skillofmind.evals.choosing import chosen, require_corpus
    from skillofmind.evals.tasks import task

    data = options.data or Path()
    for name in TASKS.values():
        require_corpus(task(name), options.data)
    every = in_languages({lang: list(task(name).items(data)) for lang, name in TASKS.items()})
    return chosen(every, options.n, options.seed)


def _setting(options: AuditOptions) -> "Setting":
    from skillofmind.evals.audits.table import Setting
    from skillofmind.mind.taxonomy import load_taxonomy

    return Setting(load_taxonomy(), read_planner(options.planner).kind == "prompted", options.seed)


async def _audit(options: AuditOptions, items: "list[Item]") -> "tuple[Ended, list[Reading]]":
    from skillofmind.cli.eval.numbers import counting
    from skillofmind.evals.runner import answered

    async with _asking(options) as (ask, identity):
        settings = resolved(options) | {"identity": identity}
        with RunDirectory.open(
            options.run, command=COMMAND, options=settings, seeds={"items": options.seed}, free=_FREE
        ) as run:
            run.event("resumed" if run.resumed else "started", items=len(items))
            with Progress(len(items), "ask") as progress:
                async with draining() as stop:
                    ended = await answered(
                        run,
                        items,
                        ask,
                        concurrency=options.concurrency,
                        stop=stop,
                        on_done=counting(progress),
                    )
            readings = _readings(options, items) if ended.complete else []
            if readings:
                _write(options.run, readings)
            return ended, readings


@asynccontextmanager
async def _asking(options: AuditOptions) -> "AsyncIterator[tuple[Ask, str]]":
    """Give what asks an item, with the order of skills that its arm wants, and the planner's identity."""
    from skillofmind.evals.answering import plan_asker
    from skillofmind.evals.audits.robustness import ORDERS, order_of, permuted

    endpoint = Endpoint(
        options.model, options.base_url, options.api_key_env, options.timeout, options.concurrency
    )
    meter = Meter(Limits(calls=options.max_calls))
    setting = _setting(options)
    if not setting.listed:
        async with open_planner(options.planner, endpoint, meter, None, options.template) as planner:
            yield plan_asker(planner), planner.identity
        return
    from skillofmind.mind.prompted import PromptedPlanner
    from skillofmind.mind.template import load_template

    async with open_model(endpoint, meter) as model:
        planners = [
            PromptedPlanner(
                model, taxonomy=permuted(setting.taxonomy, n), template=load_template(options.template)
            )
            for n in range(ORDERS + 1)
        ]
        askers = [plan_asker(planner) for planner in planners]

        async def ask(item: "Item") -> "Answer":
            return await askers[order_of(item.arm)](item)

        yield ask, planners[0].identity


def _readings(options: AuditOptions, items: "Sequence[Item]") -> "list[Reading]":
    from skillofmind.evals.audits.table import AUDITS, reading
    from skillofmind.evals.files import read_answers, tasks_of
    from skillofmind.evals.summary import cases_of

    setting, found = _setting(options), []
    cases = cases_of(items, read_answers(options.run), tasks_of(items))
    for name in _audits(options):
        # The plain items of another audit may be others.
        keys = {(item.task, item.id) for item in items if item.arm.startswith(f"{name}.")}
        mine = [case for case in cases if not keys or (case.item.task, case.item.id) in keys]
        plain = [case.item for case in mine if not case.item.arm]
        left_out = AUDITS[name].arms(plain, setting).left_out
        found.append(reading(AUDITS[name], plain, mine, left_out, setting))
    return found


def _write(folder: Path, readings: "Sequence[Reading]") -> None:
    import msgspec

    from skillofmind.run.atomic import write_atomic

    write_atomic(folder / AUDITS_FILE, msgspec.json.format(msgspec.json.encode(readings)) + b"\n")


def _show(options: AuditOptions, readings: "Sequence[Reading]") -> None:
    if options.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(readings).decode() + "\n")
        return
    from skillofmind.cli.eval.numbers import show_table
    from skillofmind.cli.show import console

    for one in readings:
        sys.stdout.write(f"\n{one.audit}: {one.items} items of {one.groups} dialogues\n")
        for table in one.tables:
            # The file has all rows.
            show_table(console(sys.stdout), _readable(table), _ROWS, f" in {AUDITS_FILE}")
        if not one.tables:
            sys.stdout.write("  too few answered items for any number; ask more with --n\n")
        for note in one.notes:
            sys.stdout.write(f"  {note}\n")


def _readable(table: "Table") -> "Table":
    """Return the table; of effects those furthest from nothing first, each with its interval beside it."""
    import msgspec

    if "value" not in table.columns:
        return table
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    rows.sort(key=lambda row: -abs(float(row["value"] or 0.0)))
    kept = ("expected", "n", "dialogues", "p (Holm)")
    shown = [
        (
            *(row[name] for name in ("change", "measure", "value")),
            f"[{_end(row['low'])}, {_end(row['high'])}]",
            *(row[name] for name in kept),
        )
        for row in rows
    ]
    columns = ("change", "measure", "value", "95 %", *kept)
    return msgspec.structs.replace(table, columns=columns, rows=tuple(shown))


def _end(value: "Cell") -> str:
    return f"{value:.3f}" if isinstance(value, float) else "–"


def _exit_code(options: AuditOptions, ended: "Ended", argv: Sequence[str]) -> int:
    from skillofmind.cli.eval.numbers import tell_end

    code = tell_end([ended], ["eval", "audit", *argv])
    if not code:
        sys.stderr.write(f"som: all numbers are in {options.run / AUDITS_FILE}\n")
    return code
