"""`som eval plans`: ask a planner the items of planner tasks, and score it."""

import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from skillofmind.cli.eval.tasks import check_data, named
from skillofmind.cli.opening import (
    IN_PACKAGE,
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
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Model, Planner, Transform
from skillofmind.run.budget import Limits, Meter
from skillofmind.run.directory import RunDirectory, read_manifest
from skillofmind.run.progress import Progress

if TYPE_CHECKING:
    from skillofmind.evals.files import Evaluated
    from skillofmind.evals.records import Item
    from skillofmind.evals.runner import Ended
    from skillofmind.evals.task import Task

COMMAND = "eval plans"
"""What the manifest says."""

_EPILOG = """\
RUN is a run directory: the same command goes on where it was, whatever ended it, and asks again only items
that failed. With a run that is complete it asks nobody and scores again. Without --data a run goes on with
the items that it holds.

tasks: names with commas between; the first part of a name (`esconv`) or a corpus stands for all of its tasks,
`all` for every one whose data are here. `som eval tasks --data FOLDER` lists them. A file or folder is a task
of your own annotated dialogues, named after it: mine.jsonl is own.mine.

examples:
  som eval plans runs/embedded --tasks esconv,casino --data ../shared/data --n 500
  som eval plans runs/tiny --tasks all --data ../shared/data --planner prompted --model NAME --base-url URL
  som eval plans runs/mine --tasks mine.jsonl,starter  # your own annotated dialogues
  som eval runs/embedded runs/tiny                     # side by side, with differences on the same items

files in RUN: items.jsonl, log.jsonl (every answer), cases.jsonl, summary.json.

exit: 0 all items answered; 1 some failed, or it ended early; 2 nothing done; 130 interrupted.
"""

_FREE = {
    *("run", "data", "json", "api_key_env", "concurrency", "timeout", "max_calls", "max_failed", "cache"),
    # The wording itself is compared, wherever its file is.
    "template",
}
"""Options that may change when a run goes on: they change no answer."""

_CALLS = 10
"""Calls of one item, retries and a repair included: so much longer than one call may an item take."""

_PLACE = re.compile(r"@https?://.*?(?=(:[0-9a-f]{12})*$)")


@dataclass(frozen=True, slots=True)
class PlansOptions:
    """Options of `som eval plans`."""

    run: Path = argument("RUN", "run directory; the same command goes on with it")
    tasks: str = option("all", "which tasks, or files of annotated dialogues", value="NAME,...")
    data: Path | None = option(None, "folder with the corpora, each in a folder of its own", value="FOLDER")
    n: int = option(500, "items of each task; 0 asks all", value="N")
    seed: int = option(7, "of the draw of these items", value="N")
    planner: str = option("embedded", PLANNERS, value="PLANNER", check=read_planner)
    model: str = option(
        "", "for prompted and weights: a served model, or a folder with weights", value="NAME"
    )
    base_url: str = option("", "OpenAI-compatible server, such as http://127.0.0.1:8000/v1", value="URL")
    api_key_env: str = option(KEY_VARIABLE, "environment variable with the API key", value="VARIABLE")
    template: Path | None = option(None, "other prompt wording", value="FILE")
    concurrency: int = option(32, "most items at once; fewer when the server says so", value="N")
    timeout: float = option(
        60.0, "seconds that one call may take; an item ten times as long", value="SECONDS"
    )
    max_calls: int | None = option(None, "stop after so many calls", value="N")
    max_failed: float = option(
        0.5, "stop when more than this share of 20 or more items failed", value="SHARE"
    )
    cache: Path | None = option(
        None, "keep the model's answers in this folder, for other runs", value="FOLDER"
    )
    json: bool = option(False, "print the summary as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som eval plans`."""
    text = "Ask a planner the items of planner tasks, and score it."
    options = parse(PlansOptions, "som eval plans", text, argv, epilog=_EPILOG)
    _check(options)
    from skillofmind.evals.runner import standing

    before = standing(options.run)
    tasks = _tasks(options)
    if before.complete:
        return _score_again(options, tasks)
    items = _items(options, tasks)
    tasks = _with_items(tasks, items)
    ended, found = run_draining(_ask(options, tasks, items, before.settled))
    if found is not None:
        _show(options, found)
    return _exit_code(options, ended, argv)


def _check(options: PlansOptions) -> None:
    check_data(options.data)
    check_patience(options.timeout)
    check_least("--concurrency", options.concurrency, 1)
    check_least("--n", options.n, 0)
    check_least("--max-calls", options.max_calls, 1)
    if not 0 <= options.max_failed <= 1:
        raise ConfigurationError(f"--max-failed {options.max_failed:g} is no share; give one from 0 to 1.")
    kind = read_planner(options.planner).kind
    if options.cache is not None and kind in IN_PACKAGE:
        raise ConfigurationError(
            f"--cache has no use with the {kind} planner, which asks no model; leave it out."
        )


def _tasks(options: PlansOptions) -> "list[Task]":
    from skillofmind.evals.files import is_run

    words, held = options.tasks, ""
    if options.data is None and is_run(options.run):
        held = str(read_manifest(options.run).options.get("tasks", ""))
        # What `all` meant when the run began.
        words = held if words == "all" and held else words
    return named(words, "plan", options.data, held.split(","))


def _items(options: PlansOptions, tasks: "Sequence[Task]") -> "list[Item]":
    from skillofmind.cli.data.source import watched
    from skillofmind.evals.choosing import items_of
    from skillofmind.evals.files import is_run, read_items

    if options.data is None and is_run(options.run):
        return list(read_items(options.run))
    every = options.tasks.strip() == "all"
    return items_of(tasks, options.data, options.n, options.seed, watched, may_be_empty=every)


def _with_items(tasks: "Sequence[Task]", items: "Sequence[Item]") -> "list[Task]":
    """Return the tasks that have items; only where `all` was asked for may there be others."""
    names = {item.task for item in items}
    for task in tasks:
        if task.name not in names:
            sys.stderr.write(f"som: {task.name} finds no items in its corpus here and is left out.\n")
    return [task for task in tasks if task.name in names]


async def _ask(
    options: PlansOptions, tasks: "Sequence[Task]", items: "list[Item]", settled: int
) -> "tuple[Ended, Evaluated | None]":
    from skillofmind.cli.eval.numbers import counting
    from skillofmind.evals.answering import plan_asker
    from skillofmind.evals.runner import answered, finish

    endpoint = Endpoint(
        options.model, options.base_url, options.api_key_env, options.timeout, options.concurrency
    )
    meter = Meter(Limits(calls=options.max_calls))
    with _kept_answers(options.cache) as transform:
        async with open_planner(
            options.planner, endpoint, meter, None, options.template, transform
        ) as planner:
            with _opened(options, tasks, _settings(options, tasks, planner)) as run:
                run.event("resumed" if run.resumed else "started", items=len(items), settled=settled)
                with Progress(len(items), "ask", done=settled) as progress:
                    async with draining() as stop:
                        ended = await answered(
                            run,
                            items,
                            plan_asker(planner),
                            concurrency=options.concurrency,
                            stop=stop,
                            on_done=counting(progress),
                            seconds=_CALLS * options.timeout,
                            most_failed=options.max_failed,
                        )
                spent = meter.spent
                run.event("ended", **msgspec.structs.asdict(ended), calls=spent.calls, tokens=spent.tokens)
                return ended, finish(run.path) if ended.complete else None


def _score_again(options: PlansOptions, tasks: "Sequence[Task]") -> int:
    """Make the derived files of a complete run anew, without opening a planner."""
    from skillofmind.cli.eval.embedding import tell_dropped
    from skillofmind.evals.runner import finish

    with _opened(options, tasks, None) as run:
        sys.stderr.write("som: every item is answered; nobody is asked, the answers are scored again.\n")
        tell_dropped(run.path)
        found = finish(run.path)
    _show(options, found)
    return 0


def _opened(options: PlansOptions, tasks: "Sequence[Task]", settings: dict[str, str] | None) -> RunDirectory:
    """Open the run directory; without `settings` those of the run are taken as they are."""
    from skillofmind.evals.files import SETTINGS

    plain = resolved(options) | {"tasks": ",".join(task.name for task in tasks)}
    free = _FREE if settings is not None else _FREE | {SETTINGS}
    return RunDirectory.open(
        options.run,
        command=COMMAND,
        options=plain if settings is None else plain | {SETTINGS: settings},
        seeds={"items": options.seed},
        free=free,
    )


def _settings(options: PlansOptions, tasks: "Sequence[Task]", planner: Planner) -> dict[str, str]:
    """Return what decides the numbers; nothing in it names a place."""
    from skillofmind.data.labels import load_label_map
    from skillofmind.mind.taxonomy import load_taxonomy
    from skillofmind.mind.template import load_template

    return {
        "planner": options.planner,
        "model": Path(options.model).name,
        "identity": _PLACE.sub("", planner.identity),
        "taxonomy": load_taxonomy().identity(),
        "template": load_template(options.template).identity(),
        "label map": load_label_map().identity(),
        "tasks": ",".join(task.name for task in tasks),
        "items a task": str(options.n or "all"),
        "seed of items": str(options.seed),
    }


@contextmanager
def _kept_answers(folder: Path | None) -> Iterator[Transform]:
    """Give what a planner's model is wrapped in: tokens are counted, and answers kept where asked."""
    from skillofmind.evals.answering import counted

    if folder is None:
        yield counted
        return
    from skillofmind.models.cached import cached
    from skillofmind.run.atomic import storage_errors
    from skillofmind.run.cache import Cache

    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with Cache(folder / "answers.sqlite") as cache:

        def transform(model: Model) -> Model:
            return counted(cached(model, cache))

        yield transform


def _show(options: PlansOptions, found: "Evaluated") -> None:
    if options.json:
        sys.stdout.write(msgspec.json.encode(found.summary).decode() + "\n")
        return
    from skillofmind.cli.eval.numbers import show_summary
    from skillofmind.cli.show import console

    show_summary(console(sys.stdout), options.run.name, found.summary)


def _exit_code(options: PlansOptions, ended: "Ended", argv: Sequence[str]) -> int:
    from skillofmind.cli.eval.numbers import tell_end

    code = tell_end([ended], ["eval", "plans", *argv])
    if not code:
        run = shlex.quote(str(options.run))
        sys.stderr.write(f"som: next: som eval show {run} --worst 5, or: som eval report {run}\n")
    return code
