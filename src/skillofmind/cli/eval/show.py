"""`som eval show`: the numbers of runs side by side, and single cases for a person to read."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skillofmind.cli.options import argument, option, parse
from skillofmind.core.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from skillofmind.evals.embedding import Embedding
    from skillofmind.evals.files import Evaluated
    from skillofmind.evals.records import Case, Difference, Summary
    from skillofmind.evals.task import Task

_EPILOG = """\
Several runs stand side by side; each later one is compared with the first on the items that both answered
(paired, intervals over whole dialogues, Holm's correction within a task). A run that is not finished is
scored as far as it got.

examples:
  som eval show runs/embedded
  som eval runs/embedded runs/tiny
  som eval show runs/embedded --worst 5
  som eval show runs/embedded --case esconv:17 --json
  som eval show runs/embedded --rescore --embed        # explanations and replies by sentence vectors, too

--embed needs the extra `embed` and fills the measures cosine and nearer_cosine, of tasks whose gold has
texts. Scoring again without it drops them. What raters said of replies is kept, as they are not asked again.
"""


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """Options of `som eval show`."""

    runs: tuple[Path, ...] = argument("RUN", "folders of runs")
    case: str = option("", "print this case: the id of an item, or its key", value="ID")
    worst: int = option(0, "print the N cases that went worst, the surest first", value="N")
    task: str = option("", "only this task", value="NAME")
    tables: bool = option(False, "print tables and slices, too")
    rescore: bool = option(False, "score the answers again and rewrite what is derived; asks nobody")
    embed: bool = option(False, "with --rescore: compare texts by the packaged sentence encoder, too")
    json: bool = option(False, "print JSON: runs with their numbers, or one case a line")


class _Run(NamedTuple):
    name: str
    path: Path
    found: "Evaluated"


def run(argv: Sequence[str]) -> int:
    """Run `som eval show`."""
    options = parse(ShowOptions, "som eval show", "Print the numbers of runs.", argv, epilog=_EPILOG)
    if options.worst < 0:
        raise ConfigurationError(f"--worst {options.worst} must be 0 or more.")
    if options.embed and not options.rescore:
        raise ConfigurationError("--embed scores answers again; add --rescore.")
    embedding = _embedding(options)
    names = _names(options.runs)
    runs = [_read(options, path, name, embedding) for path, name in zip(options.runs, names, strict=True)]
    if options.case or options.worst:
        _show_cases(options, runs)
        return 0
    if options.json:
        _print_json(runs)
    else:
        _print_numbers(options, runs)
    return 0


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the last part of every path, or the whole one where two are equal."""
    last = [path.resolve().name for path in paths]
    return [name if last.count(name) == 1 else str(path) for name, path in zip(last, paths, strict=True)]


def _embedding(options: ShowOptions) -> "Embedding | None":
    """Open the encoder, before any run is scored."""
    if not options.embed:
        return None
    from skillofmind.cli.eval.embedding import watched_embedding
    from skillofmind.evals.files import require_run

    for path in options.runs:
        require_run(path)
    return watched_embedding()


def _read(options: ShowOptions, path: Path, name: str, embedding: "Embedding | None") -> _Run:
    from skillofmind.evals.files import read_run, require_run

    require_run(path)
    found = _rescored(path, embedding) if options.rescore else read_run(path)
    if options.task:
        found = _only(found, options.task, name)
    return _Run(name, path, found)


def _rescored(path: Path, embedding: "Embedding | None") -> "Evaluated":
    """Score a run again and write what is derived, where every item has an answer; the folder is locked."""
    from skillofmind.cli.eval.embedding import scored_before, tell_dropped
    from skillofmind.evals.files import rescored, write_derived
    from skillofmind.run.directory import RunDirectory, read_manifest

    old = read_manifest(path)
    with RunDirectory.open(path, command=old.command, options=old.options) as held:
        if embedding is None:
            tell_dropped(path)
        found = rescored(held.path, embedding=embedding, before=scored_before(held.path))
        if len(found.cases) == len(found.items):
            write_derived(held.path, found.cases, found.summary)
    return found


def _only(found: "Evaluated", task: str, name: str) -> "Evaluated":
    import difflib

    import msgspec

    results = tuple(one for one in found.summary.results if one.task == task)
    if not results:
        known = list(dict.fromkeys(one.task for one in found.summary.results))
        near = difflib.get_close_matches(task, known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}."
        raise ConfigurationError(f"--task {task!r} is not in the run {name!r}; {hint}")
    differences = tuple(one for one in found.summary.differences if one.task == task)
    summary = msgspec.structs.replace(found.summary, results=results, differences=differences)
    cases = [case for case in found.cases if case.item.task == task]
    return found._replace(cases=cases, summary=summary)


def _compared(runs: Sequence[_Run]) -> "Iterator[Difference]":
    from skillofmind.evals.files import tasks_of
    from skillofmind.evals.summary import compared

    first = runs[0]
    for other in runs[1:]:
        tasks: Mapping[str, Task] = tasks_of(case.item for case in first.found.cases)
        yield from compared(first.found.cases, other.found.cases, tasks, (first.name, other.name))


def _print_numbers(options: ShowOptions, runs: Sequence[_Run]) -> None:
    from skillofmind.cli.eval.numbers import show_differences, show_notes, show_side_by_side, show_summary
    from skillofmind.cli.show import console

    out = console(sys.stdout)
    if len(runs) == 1:
        show_summary(out, runs[0].name, runs[0].found.summary, tables=options.tables)
    else:
        show_side_by_side(out, [one.name for one in runs], [one.found.summary for one in runs])
        show_differences(out, "Differences on the same items", _compared(runs))
    for one in runs:
        unasked = len(one.found.items) - len(one.found.answers)
        if unasked > 0:
            note = (
                f"{one.name} is not finished: {unasked} of {len(one.found.items)} items were not asked yet."
            )
            show_notes(out, [note])


def _print_json(runs: Sequence[_Run]) -> None:
    import msgspec

    shown: list[dict[str, str | Summary]] = [{"name": one.name, "summary": one.found.summary} for one in runs]
    differences = list(_compared(runs))
    sys.stdout.write(msgspec.json.encode({"runs": shown, "differences": differences}).decode() + "\n")


def _show_cases(options: ShowOptions, runs: Sequence[_Run]) -> None:
    for one in runs:
        cases = _asked_for(options.case, one) if options.case else _worst(one, options.worst)
        if options.json:
            _print_cases(cases)
            continue
        from skillofmind.cli.eval.numbers import show_case
        from skillofmind.cli.show import console

        for case in cases:
            show_case(console(sys.stdout), case)


def _print_cases(cases: "Sequence[Case]") -> None:
    import msgspec

    for case in cases:
        sys.stdout.write(msgspec.json.encode(case).decode() + "\n")


def _asked_for(id: str, run: _Run) -> "list[Case]":
    found = [case for case in run.found.cases if id in (case.item.id, case.item.key)]
    if not found:
        import difflib

        near = difflib.get_close_matches(id, [case.item.id for case in run.found.cases], 1, 0.6)
        hint = f"did you mean {near[0]!r}?" if near else "`--worst 5` shows some."
        raise DataError(f"the run {run.name!r} has no answered item {id!r}; {hint}")
    return found


def _worst(run: _Run, n: int) -> "list[Case]":
    """Return the cases with the lowest first score, those first that were surest."""
    from skillofmind.evals.summary import worst

    return worst(run.found.cases, run.found.summary)[:n]
