"""`som eval replies`: ask an agent for replies, with and without a plan; score them; let judges compare."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from skillofmind.cli.data.source import pairs
from skillofmind.cli.eval.named_models import (
    STARTER,
    Patience,
    kept_answers,
    open_named,
    open_named_planner,
    placeless,
    read_named,
    shown_planner,
)
from skillofmind.cli.eval.tasks import check_data
from skillofmind.cli.opening import check_patience, draining, run_draining
from skillofmind.cli.options import argument, check_least, option, parse
from skillofmind.cli.printable import printable
from skillofmind.core.completion import Sampling
from skillofmind.core.errors import ConfigurationError
from skillofmind.core.seams import Model, Transform
from skillofmind.run.budget import Limits, Meter
from skillofmind.run.directory import RunDirectory
from skillofmind.run.progress import Progress

if TYPE_CHECKING:
    from skillofmind.evals.answering import Ask
    from skillofmind.evals.files import Evaluated
    from skillofmind.evals.judging.votes import Vote
    from skillofmind.evals.judging.wording import Wording
    from skillofmind.evals.records import Answer, Item
    from skillofmind.evals.replies.panel import Panel
    from skillofmind.evals.runner import Ended
    from skillofmind.evals.task import Task

SEED = 7
"""Of the draw of items."""

_EPILOG = """\
RUN is a run directory: the same command goes on where it was, whatever ended it. With a run that is complete
it asks nobody and scores again. Every item has one plan, which all arms but `none` share; conversation,
sampling and budget are the same in all arms.

tasks: dailydialog, empathetic_dialogues, prosocial, or files of your own dialogues, with commas between; the
reply asked for is the last turn.
agent, judges: NAME@URL for a served model, a folder with weights; the agent also `starter`, which needs none.
planner: embedded, encoder, prompted=NAME@URL, weights=NAME@URL or weights=FOLDER.
compare: what judges are asked: `none` (each arm with the arm none), `gold` (each arm with what was really
said), `ratings` (each reply by itself), with commas between. Pairs are asked in both orders, always.

examples:
  som eval replies runs/try --tasks dailydialog --data ../shared/data --n 50
  som eval replies runs/llama --data ../shared/data --agent NAME@http://127.0.0.1:8000/v1
  som eval replies runs/judged --data ../shared/data --agent NAME@URL --judge ONE@URL TWO@URL --compare gold

files in RUN: items.jsonl, log.jsonl (every reply), plans.jsonl, cases.jsonl, summary.json; the same of the
judges in RUN/judges. Small models that rate empathy, intent, emotion and safety are trained on the corpora in
--data and kept in your cache folder; how good they are is in every result.

exit: 0 all items answered; 1 some failed, or it ended early; 2 nothing done; 130 interrupted.
"""


@dataclass(frozen=True, slots=True)
class RepliesOptions:
    """Options of `som eval replies`."""

    run: Path = argument("RUN", "run directory; the same command goes on with it")
    tasks: str = option("dailydialog,empathetic_dialogues", "which tasks, or files", value="NAME,...")
    data: Path | None = option(None, "folder with the corpora, each in a folder of its own", value="FOLDER")
    n: int = option(200, "items of each task; 0 asks all", value="N")
    agent: str = option(STARTER, "who answers", value="NAME@URL")
    planner: str = option("embedded", "who plans", value="PLANNER")
    arms: str = option(
        "none,both", "what of the plan is shown: none, skill, explanation, both", value="ARM,..."
    )
    judge: tuple[str, ...] = option((), "models that judge", value="NAME@URL")
    compare: str = option("none", "what judges are asked: none, gold, ratings", value="WHAT,...")
    people: Path | None = option(None, "votes of people, to compare judges with", value="FILE")
    sampling: str = option(
        "temperature=0,max_tokens=256",
        "of every reply: temperature, top_p, max_tokens, seed",
        value="K=V,...",
    )
    limits: str = option(
        "", "at_once=16, seconds=60 for one call, calls in all, failed=0.5 at most", value="K=V,..."
    )
    wording: Path | None = option(None, "file with the wording for judges", value="FILE")
    cache: Path | None = option(None, "keep models' answers in this folder, for other runs", value="FOLDER")
    json: bool = option(False, "print the summaries as JSON")


def run(argv: Sequence[str]) -> int:
    """Run `som eval replies`."""
    text = "Ask an agent for replies, with and without a plan, and score them."
    options = parse(RepliesOptions, "som eval replies", text, argv, epilog=_EPILOG)
    made = _made(options)
    outcome = run_draining(_work(options, made))
    _show(options, outcome)
    from skillofmind.cli.eval.numbers import tell_end

    return tell_end(outcome.ended, ["eval", "replies", *argv])


class _Made(NamedTuple):
    """What the options come to, before anybody is asked."""

    tasks: dict[str, "Task"]
    items: list["Item"]
    panel: "Panel"
    wording: "Wording"
    people: list["Vote"]
    arms: tuple[str, ...]
    limits: dict[str, float]
    sampling: Sampling
    judges: tuple[str, ...]

    @property
    def patience(self) -> Patience:
        """How models are asked."""
        return Patience(self.limits["seconds"], int(self.limits["at_once"]))


class _Outcome(NamedTuple):
    """How asking ended, and what came out: of the agent, and of the judges."""

    ended: list["Ended"]
    found: dict[str, "Evaluated"]


def _made(options: RepliesOptions) -> _Made:
    from skillofmind.cli.data.source import watched
    from skillofmind.evals.choosing import items_of
    from skillofmind.evals.judging.votes import read_votes
    from skillofmind.evals.judging.wording import load_wording
    from skillofmind.evals.replies.tasks import with_arms

    check_data(options.data)
    check_least("--n", options.n, 0)
    limits = {"at_once": 16.0, "seconds": 60.0, "failed": 0.5} | _numbers(
        options.limits, "--limits", ("at_once", "seconds", "calls", "failed")
    )
    check_patience(limits["seconds"])
    arms = tuple(word.strip() for word in options.arms.split(","))
    with_arms([], arms)
    wording, people = load_wording(options.wording), read_votes(options.people) if options.people else []
    _comparisons(options, arms)
    patience = Patience(limits["seconds"], int(limits["at_once"]))
    judges = tuple(read_named(text, "--judge", patience).name for text in options.judge)
    panel = _panel(options.data)
    tasks = _tasks(options, panel)
    drawn = items_of(list(tasks.values()), options.data, options.n, SEED, watched)
    sampling = _sampling(options.sampling)
    return _Made(tasks, with_arms(drawn, arms), panel, wording, people, arms, limits, sampling, judges)


def _tasks(options: RepliesOptions, panel: "Panel") -> "dict[str, Task]":
    from skillofmind.evals.replies.tasks import OWN, SOURCES, reply_task

    words = [word.strip() for word in options.tasks.split(",")]
    names = {name.removeprefix("reply."): name for name in SOURCES}
    files = [Path(word) for word in words if word.removeprefix("reply.") not in names]
    for file in files:
        if not file.exists():
            raise ConfigurationError(
                f"--tasks {str(file)!r} is no task ({', '.join(names)}) and no file of dialogues."
            )
    named = [names[word.removeprefix("reply.")] for word in words if word.removeprefix("reply.") in names]
    found = [reply_task(name, panel, data=options.data) for name in dict.fromkeys(named)]
    if files:
        found.append(reply_task(OWN, panel, files))
    return {task.name: task for task in found}


def _panel(data: Path | None) -> "Panel":
    from skillofmind.evals.raters.kept import cache_folder, load_raters
    from skillofmind.evals.replies.panel import Panel

    def tell(phase: str) -> None:
        sys.stderr.write(f"som: {printable(phase)}.\n")
        sys.stderr.flush()

    return Panel(load_raters(data, cache_folder() / "raters", on_phase=tell) if data else {})


def _sampling(text: str) -> Sampling:
    found = _numbers(text, "--sampling", ("temperature", "top_p", "max_tokens", "seed"))
    tokens, seed = (int(found[name]) if name in found else None for name in ("max_tokens", "seed"))
    return Sampling(
        temperature=found.get("temperature"), top_p=found.get("top_p"), max_tokens=tokens, seed=seed
    )


def _numbers(text: str, flag: str, known: tuple[str, ...]) -> dict[str, float]:
    found = pairs(text, flag) if text else {}
    for name, number in found.items():
        if name not in known:
            raise ConfigurationError(f"{flag} {name!r} is no setting; there are {', '.join(known)}.")
        least = 1 if name in ("at_once", "calls", "max_tokens") else 0
        if number < least or (name in ("at_once", "calls", "max_tokens", "seed") and number != int(number)):
            raise ConfigurationError(f"{flag} {name}={number:g} must be a number of at least {least}.")
    return found


def _comparisons(options: RepliesOptions, arms: Sequence[str]) -> tuple[list[tuple[str, str]], bool]:
    """Return the pairs of systems that judges compare, and whether they rate single replies."""
    words = [word.strip() for word in options.compare.split(",") if word.strip()]
    for word in words:
        if word not in ("none", "gold", "ratings"):
            raise ConfigurationError(f"--compare {word!r} is unknown; there are none, gold, ratings.")
    if options.judge and not words:
        raise ConfigurationError("--compare names nothing to ask the judges; write none, gold or ratings.")
    if options.judge and words == ["none"] and ("none" not in arms or len(arms) < 2):
        raise ConfigurationError(
            f"--arms {options.arms!r} leave judges nothing to compare; add none and another arm, or "
            "--compare gold."
        )
    against_none = [("none", arm) for arm in arms if arm != "none" and "none" in words and "none" in arms]
    against_gold = [("gold", arm) for arm in arms if "gold" in words]
    return against_none + against_gold, "ratings" in words


class _Asking(NamedTuple):
    """What asking needs."""

    options: RepliesOptions
    made: _Made
    meter: Meter
    wrap: Transform
    stop: asyncio.Event


async def _work(options: RepliesOptions, made: _Made) -> _Outcome:
    calls = made.limits.get("calls")
    meter = Meter(Limits(calls=None if calls is None else int(calls)))
    outcome = _Outcome([], {})
    with ExitStack() as stack:
        wrap = kept_answers(options.cache, stack)
        async with draining() as stop:
            asking = _Asking(options, made, meter, wrap, stop)
            await _replies(asking, outcome)
            if options.judge and outcome.ended[-1].complete:
                await _judges(asking, outcome)
    return outcome


async def _replies(asking: _Asking, outcome: _Outcome) -> None:
    """Ask the agent in every arm, and score what it said."""
    from skillofmind.evals.replies.answering import PlanBook, reply_asker
    from skillofmind.evals.runner import standing

    options, made = asking.options, asking.made
    async with AsyncExitStack() as stack:
        if standing(options.run).complete:
            agent = planner = None
        else:
            rest = made.patience, asking.meter, asking.wrap
            agent = await stack.enter_async_context(open_named(options.agent, "--agent", *rest))
            planner = await stack.enter_async_context(open_named_planner(options.planner, *rest))
        identity = None if planner is None else {"identity of the planner": placeless(planner.identity)}
        run = stack.enter_context(_opened(options.run, "eval replies", _decided(options, made), identity))
        ask: Ask = _nobody
        if agent is not None and planner is not None:
            ask = reply_asker(agent, planner, PlanBook(planner, run.log("plans")), sampling=made.sampling)
        await _ask(asking, run, made.items, ask, "reply", outcome)
        _finish(run.path, made.tasks, "replies", outcome)


async def _judges(asking: _Asking, outcome: _Outcome) -> None:
    """Ask the judges about the replies, and put their votes together."""
    from skillofmind.evals.judging.asking import judge_asker
    from skillofmind.evals.judging.files import FOLDER, admit_questions
    from skillofmind.evals.judging.tasks import judge_tasks
    from skillofmind.evals.runner import standing

    options, made = asking.options, asking.made
    path, questions = options.run / FOLDER, _questions(options, made)
    tasks = [one for name in made.tasks for one in judge_tasks(name, made.wording, made.people)]
    decided = {
        "judges": ",".join(made.judges),
        "wording": made.wording.identity(),
        "compare": options.compare,
    }
    async with AsyncExitStack() as stack:
        judges: dict[str, Model] = {}
        before = standing(path)
        if not (before.complete and before.items == len(questions)):
            for name, text in zip(made.judges, options.judge, strict=True):
                opening = open_named(text, "--judge", made.patience, asking.meter, asking.wrap)
                judges[name] = await stack.enter_async_context(opening)
        run = stack.enter_context(_opened(path, "eval replies judges", decided, {}))
        admit_questions(run.path, questions)
        await _ask(asking, run, questions, judge_asker(judges), "judge", outcome)
        _finish(run.path, {task.name: task for task in tasks}, "judges", outcome)
        if made.people and "judges" in outcome.found:
            _check_people(options, outcome.found["judges"])


def _questions(options: RepliesOptions, made: _Made) -> "list[Item]":
    from skillofmind.evals.files import read_answers
    from skillofmind.evals.judging.questions import Pair, pair_questions, said_by_arm, single_questions

    said = said_by_arm(made.items, read_answers(options.run))
    compared, rated = _comparisons(options, made.arms)
    found = pair_questions(said, [Pair(*one) for one in compared], made.judges, made.wording)
    return found + (single_questions(said, made.arms, made.judges, made.wording) if rated else [])


async def _ask(
    asking: _Asking, run: RunDirectory, items: "list[Item]", ask: "Ask", label: str, outcome: _Outcome
) -> None:
    from skillofmind.cli.eval.numbers import counting
    from skillofmind.evals.runner import answered, standing

    with Progress(len(items), label, done=standing(run.path).settled) as progress:
        ended = await answered(
            run,
            items,
            ask,
            concurrency=asking.made.patience.at_once,
            stop=asking.stop,
            on_done=counting(progress),
            most_failed=asking.made.limits["failed"],
        )
    outcome.ended.append(ended)


def _check_people(options: RepliesOptions, found: "Evaluated") -> None:
    from skillofmind.evals.judging.agreement import WITH_PEOPLE

    titles = [table.title for result in found.summary.results for table in result.tables]
    if WITH_PEOPLE not in titles:
        sys.stderr.write(
            f"som: no vote in {printable(str(options.people))} is about an item, criterion and pair that the "
            "judges voted on; compare the names in the two.\n"
        )


async def _nobody(item: "Item") -> "Answer":
    raise ConfigurationError(f"the item {item.key!r} is not in the run; use another folder.")


def _finish(path: Path, tasks: "Mapping[str, Task]", name: str, outcome: _Outcome) -> None:
    from skillofmind.cli.eval.embedding import tell_dropped
    from skillofmind.evals.runner import finish

    if outcome.ended[-1].complete:
        tell_dropped(path)
        outcome.found[name] = finish(path, tasks)


def _opened(
    path: Path, command: str, decided: dict[str, str], identity: dict[str, str] | None
) -> RunDirectory:
    """Open a run directory; without `identity` that of the run is taken as it is."""
    from skillofmind.evals.files import SETTINGS

    settings = {} if identity is None else {SETTINGS: decided | identity}
    free = {SETTINGS} if identity is None else set()
    return RunDirectory.open(
        path, command=command, options={**decided, **settings}, seeds={"items": SEED}, free=free
    )


def _decided(options: RepliesOptions, made: _Made) -> dict[str, str]:
    """Return what decides the numbers; nothing in it names a place."""
    from skillofmind.mind.taxonomy import load_taxonomy
    from skillofmind.mind.template import load_template

    agent = (
        options.agent
        if options.agent == STARTER
        else read_named(options.agent, "--agent", made.patience).name
    )
    return {
        "agent": agent,
        "planner": shown_planner(options.planner),
        "taxonomy": load_taxonomy().identity(),
        "template": load_template().identity(),
        "sampling": msgspec.json.encode(made.sampling).decode(),
        "arms": ",".join(made.arms),
        "tasks": ",".join(made.tasks),
        "items a task": str(options.n or "all"),
        "raters": made.panel.identity,
    }


def _show(options: RepliesOptions, outcome: _Outcome) -> None:
    if options.json:
        summaries = {name: one.summary for name, one in outcome.found.items()}
        sys.stdout.write(msgspec.json.encode(summaries).decode() + "\n")
        return
    from skillofmind.cli.eval.numbers import show_summary
    from skillofmind.cli.show import console

    for name, one in outcome.found.items():
        show_summary(console(sys.stdout), f"{options.run.name}: {name}", one.summary, tables=name == "judges")
